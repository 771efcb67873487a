"""Methods text: from raw files to layers, one section for each arm that the run has."""

from gutaxis.report.methods_facts import Facts, Section, listing, number, percent

INSTRUMENTS = {"orbitrap": "Orbitrap", "tof": "time-of-flight"}


def arms(facts: Facts) -> list[Section]:
    """Return the sections of the arms that the run has, and of finished tables."""
    parts = {"metagenome": metagenome, "metabolome": metabolome, "single_cell": single_cell, "config": finished}
    return [part(facts) for name, part in parts.items() if facts.arm(name)]


def metagenome(facts: Facts) -> Section:
    """Return reads to species and pathways."""
    settings = facts.config["metagenome"]
    reads, databases = settings["reads"], settings["databases"]
    own = "a miniature simulated host" if facts.run["simulated"] else "the host index named in the config"
    host = own if databases["host"] else "the human genome hg39 (T2T)"
    cleaning = (
        f"Stool reads were cleaned with {facts.tool('KneadData')} [@mciver_2018]: adapters"
        f"{'' if '/' in reads['adapters'] else ' (' + reads['adapters'] + ')'} and low quality were cut with"
        f" {facts.tool('Trimmomatic')} (sliding window of 4 bases, mean quality 20) [@bolger_2014], "
    )
    if reads["trf"]:
        cleaning += f"tandem repeats removed with {facts.tool('TRF')} [@benson_1999], "
    cleaning += f"and reads of {host} removed with {facts.tool('Bowtie2', 'Bowtie 2')} [@langmead_2012]."
    if reads["fastqc"]:
        cleaning += f" {facts.tool('FastQC')} [@andrews_2010] was run before and after."
    if reads["min_pairs"] > 1:
        cleaning += f" A sample with fewer than {reads['min_pairs']:,} clean pairs was not analysed."
    profile = (
        f"Species were profiled with {facts.tool('MetaPhlAn')} [@blanco_miguez_2023] against {settings['index']}"
        f"{_simulated(facts)}, with an estimate of the part that no known species explains."
    )
    if settings["functions"]:
        joint = settings["nucleotide_index"] == "joint"
        search = (
            "one nucleotide index of all species of the study" if joint else "the species of the sample's own profile"
        )
        profile += (
            f" Gene families and pathways were found with {facts.tool('HUMAnN')} [@beghini_2021]: reads were searched"
            f" first against {search}, then, those left, against UniRef90 with {facts.tool('DIAMOND')}"
            " [@buchfink_2021]; abundances are copies per million of the community, unmapped and unintegrated parts"
            " included."
        )
    profile += " Blanks and mocks were profiled with the samples; their species are listed in the results."
    return Section("Metagenome", [cleaning, profile])


def _simulated(facts: Facts) -> str:
    return " (here a miniature of simulated genomes under that name)" if facts.run["simulated"] else ""


def metabolome(facts: Facts) -> Section:
    """Return spectra or finished tables to named, normalised metabolites."""
    settings = facts.config["metabolome"]
    if settings["tables"]:
        source = f"Metabolites were read from {number(len(settings['tables']), 'finished table')}."
    else:
        modes = listing(facts.run["modes"])
        source = (
            f"Features were found in centroided MS1 spectra ({modes} mode) with OpenMS [@rost_2016], called from"
            f" {facts.tool('pyopenms', 'pyOpenMS')} [@rost_2014], with the settings for"
            f" {INSTRUMENTS[settings['instrument']]} instruments: mass traces, chromatographic peaks, isotopes. Files"
            " were aligned to a reference file and linked by m/z and time; where a kept feature was not found in a"
            " file, its signal was integrated at its place."
        )
        changed = sorted(settings["parameters"])
        source += f" Settings that were changed: {listing(changed)}." if changed else ""
        if settings["second_engine"]:
            source += f" The same files were processed a second time with {settings['second_engine']} [@li_2023]."
    return Section("Metabolome", [source, _normalisation(facts), _annotation(facts)])


def _normalisation(facts: Facts) -> str:
    chosen = facts.config["metabolome"]["normalisation"]
    steps = []
    if chosen["blank_ratio_max"] is not None:
        steps.append(
            f"features whose blanks exceeded {percent(chosen['blank_ratio_max'])} of the pooled QCs were removed"
        )
    steps.append(
        f"features detected in at least {percent(chosen['min_detection'])} of the samples of a time point stayed"
    )
    if chosen["drift"]:
        steps.append(
            f"drift was modelled in each batch with {chosen['min_qc']} or more pooled QCs by LOESS [@cleveland_1979],"
            " kept only where it predicts held-out QCs better than a constant"
        )
    steps += ["steps between batches were taken off by the pooled QCs"] if chosen["align_batches"] else []
    steps += ["dilution was taken off by probabilistic quotients [@dieterle_2006]"] if chosen["pqn"] else []
    if chosen["rsd_max"] is not None:
        steps.append(
            f"features with a relative standard deviation of held-out QCs above {percent(chosen['rsd_max'])} were"
            " removed [@broadhurst_2018]"
        )
    if chosen["dratio_max"] is not None:
        steps.append(f"so were those with a D-ratio above {chosen['dratio_max']:g} [@broadhurst_2018]")
    text = f"On the log2 scale, {'; '.join(steps)}. What a vendor had done already was not done again."
    if chosen["imputation"] == "mechanism":
        return text + (
            " Missing values were filled with half of the least value where a compound was below detection, else from"
            f" the {chosen['neighbours']} nearest features; they stay marked as imputed."
        )
    return text + " Missing values were not imputed."


def _annotation(facts: Facts) -> str:
    settings = facts.config["metabolome"]
    text = (
        f"Features were named against a panel of compounds by mass ({settings['annotation']['ppm']:g} ppm) and adduct"
    )
    text += (
        f", retention time of own standards ({settings['annotation']['rt_tolerance']:g} s)"
        if settings["references"]
        else ""
    )
    if settings["spectra"]["libraries"] or settings["spectra"]["in_house"]:
        text += (
            ", and MS2 spectra compared with libraries by matchms [@huber_2020] (cosine, fragments within"
            f" {settings['spectra']['tolerance']:g} Da)"
        )
    return text + (
        ". Every name has an identification level from 1 to 5 [@sumner_2007; @schymanski_2014]; a mass alone gives no"
        " better level than 4. Pathways of Reactome [@milacic_2024] were tested against the metabolites that were"
        " measured; these tests are exploratory."
    )


def single_cell(facts: Facts) -> Section:
    """Return count matrices to labelled cells, fractions, programs and pseudobulk."""
    settings = facts.config["single_cell"]
    quality, embedding = settings["quality"], settings["embedding"]
    ambient = settings["input"]["ambient"]
    cells = (
        f"Single-cell counts of {listing(facts.run['tissues'])} were analysed sample by sample with"
        f" {facts.tool('scanpy', 'Scanpy')} [@wolf_2018]. Barcodes with fewer than {quality['min_counts']} counts,"
        f" fewer than {quality['min_genes']} genes or more than {quality['max_mito']:g} % mitochondrial counts were"
        " dropped, as were outliers of the sample by median absolute deviations"
        f" ({_mads(quality)}). A sample with fewer than {quality['min_cells']} cells was left out."
    )
    cells += f" Ambient RNA had been removed with {ambient} beforehand." if ambient != "none" else ""
    if settings["doublets"]["remove"]:
        cells += " Doublets were found with Scrublet [@wolock_2019] on raw counts and removed."
    cells += " Cell-cycle phases were scored by their genes [@tirosh_2016]."
    levels = {
        "sample": f"evened out between samples with {facts.tool('harmonypy', 'Harmony (harmonypy')}) [@korsunsky_2019]",
        "batch": f"evened out between batches with {facts.tool('harmonypy', 'Harmony (harmonypy')}) [@korsunsky_2019]",
        "none": "not corrected for samples or batches",
    }
    labels = (
        f"For each tissue, {embedding['genes']:,} highly variable genes were chosen by vote of the samples;"
        f" {embedding['components']} principal components were {levels[embedding['integrate']]} and clustered with"
        f" Leiden (resolution {embedding['resolution']:g}; subsets {embedding['subset_resolution']:g}) [@traag_2019]."
        " Clusters were labelled by a univariate linear model of their profile on sets of marker genes [@badia_2022],"
        f" lineage first, then state within it, if the score was at least {settings['annotation']['min_score']:g} and"
        f" {settings['annotation']['min_margin']:g} above the next; otherwise they stayed unresolved."
    )
    if settings["annotation"]["celltypist"]:
        labels += " Predictions of CellTypist [@dominguez_conde_2022] stand beside."
    if embedding["umap"] or embedding["map_cells"]:
        labels += " UMAP [@mcinnes_2018] served for pictures only."
    layers = (
        "Of each sample, the fraction of every cell type, the mean score of gene programs over the cells they are meant"
        f" for, and the sum of counts by cell type (at least {settings['min_cells']} cells) became layers; cells were"
        " never treated as independent of the patient they come from. Sex genes and likeness of expression were used to"
        " look for exchanged samples."
    )
    if settings["communication"]:
        layers += " Ligand-receptor scores of each sample by LIANA [@dimitrov_2022] are descriptive."
    return Section("Single cells", [cells, labels, layers])


def _mads(quality: dict[str, float | None]) -> str:
    names = {
        "mad_counts": "counts",
        "mad_genes": "genes",
        "mad_top20": "share of the 20 highest genes",
        "mad_mito": "mitochondrial share",
    }
    return listing(f"{names[key]} {quality[key]:g}" for key in names if quality[key] is not None)


def finished(facts: Facts) -> Section:
    """Return which layers came as finished tables."""
    names = [f"`{name}` ({layer['source']})" for name, layer in facts.run["layers"].items() if layer["arm"] == "config"]
    text = f"Finished tables were read, checked against the sheets and used as layers: {listing(names)}."
    return Section("Finished tables", [text])

"""Methods text: the tests that every layer goes through."""

from gutaxis.report.methods_facts import Facts, Section, code, listing, percent

ESTIMANDS = {
    "baseline": "`baseline`, responders minus non-responders before ILDR",
    "change": "`change`, POST minus PRE within patients, all pairs",
    "response_change": "`response_change`, the change of responders minus the change of non-responders",
    "post": "`post`, responders minus non-responders after ILDR",
    "survival": "`survival`, the hazard of PFS2 per standard deviation of the feature before ILDR",
}
DISTANCES = {
    "braycurtis": "Bray-Curtis [@bray_1957]",
    "jaccard": "Jaccard on presence",
    "aitchison": "Aitchison [@aitchison_1982]",
    "robust_aitchison": "robust Aitchison [@martino_2019]",
    "weighted_unifrac": "weighted UniFrac [@lozupone_2007]",
    "unweighted_unifrac": "unweighted UniFrac [@lozupone_2005]",
    "euclidean": "Euclidean on scaled features",
    "logcpm": "root mean square difference of log2 counts per million",
}


def statistics(facts: Facts) -> list[Section]:
    """Return the sections on contrasts, diversity and differential abundance; none without a layer."""
    if not facts.run["layers"]:
        return []
    return [contrasts(facts), diversity(facts), differential(facts)]


def contrasts(facts: Facts) -> Section:
    """Return estimands, covariates, batches, multiplicity."""
    chosen, declared = facts.config["statistics"], facts.config["contrasts"]
    estimands = listing(f"{ESTIMANDS[name]} ({entry['role']})" for name, entry in declared.items())
    text = f"The unit is the patient. The contrasts were declared in the config before the analysis: {estimands}."
    covariates = facts.run["covariates"]
    if covariates:
        text += (
            f" Models adjust for {listing(covariates)}; a covariate that is missing in more than a third of the"
            " patients, is constant, follows from the others or would leave too few degrees of freedom is left out and"
            " listed."
        )
    else:
        text += " No covariate was adjusted for."
    batch = {
        "covariate": " Where a model sees several batches, the batch is a covariate.",
        "stratum": " Where a model sees several batches, the batch is a covariate and permutations stay inside a"
        " batch.",
        "ignore": " Batches were not modelled.",
    }
    pairs = {
        "auto": "differences within patients where all pairs are complete, else a random intercept per patient",
        "differences": "differences within patients, complete pairs only",
        "mixed": "a random intercept per patient",
    }
    text += batch[chosen["batch"]]
    if {"change", "response_change"} & set(declared):
        text += (
            f" Changes were modelled by {pairs[chosen['pairs']]} (restricted likelihood [@patterson_1971],"
            " Satterthwaite's degrees of freedom [@satterthwaite_1946] where there is a random intercept)."
        )
    text += (
        " The false discovery rate was controlled within each layer and contrast by Benjamini and Hochberg"
        f" [@benjamini_1995]; a q value up to {chosen['fdr']:g} is called a finding. Comparisons with fewer than"
        f" {chosen['min_patients']} patients or events in a group were not made. All random steps start from seed"
        f" {facts.config['seed']}."
    )
    return Section("Contrasts and models", [text])


def diversity(facts: Facts) -> Section:
    """Return alpha diversity, distances, PERMANOVA, dispersion, shift."""
    chosen, permutations = facts.config["diversity"], facts.config["statistics"]["permutations"]
    paragraphs = []
    parts = facts.layers(kinds=("compositional",))
    if parts:
        text = (
            f"Alpha diversity ({code(parts)}): observed features, Shannon's index [@shannon_1948], inverse Simpson"
            " [@simpson_1949] and Pielou's evenness"
        )
        text += ", Faith's phylogenetic diversity [@faith_1992]" if chosen["trees"] else ""
        text += ", tested by the linear model of the contrast, a rank test beside it"
        if chosen["rarefaction_repeats"]:
            text += (
                f", and on values rarefied {chosen['rarefaction_repeats']} times where depth is known [@schloss_2024]"
            )
        paragraphs.append(text + ".")
    used = {metric for layer in facts.run["layers"].values() for metric in layer["metrics"]}
    if used:
        names = listing(text for metric, text in DISTANCES.items() if metric in used)
        text = (
            f"Beta diversity: {names}. Groups were compared by PERMANOVA [@anderson_2001] with marginal terms, up to"
            f" {permutations:,} permutations that are valid for each term (PRE and POST swapped within patients; whole"
            " patients for response and cohort) of what the other terms leave unexplained [@freedman_1983]; p values"
            " count the observed arrangement [@phipson_2010]. Dispersion was compared beside it [@anderson_2006]. How"
            " far each patient moved between the visits was compared with distances between patients."
        )
        if "survival" in facts.config["contrasts"]:
            text += " The survival contrast takes martingale residuals of PFS2 [@plantinga_2017]."
        paragraphs.append(text)
    profiles = facts.layers(source="metaphlan")
    if profiles:
        paragraphs.append(
            "TOPOSCORE and the class of *Akkermansia muciniphila* were computed from the published lists and cuts"
            " [@derosa_2024]; they were derived in another setting and are shown as a description."
        )
    return Section("Diversity", paragraphs)


def differential(facts: Facts) -> Section:
    """Return the test of each kind of layer and the sensitivity analyses."""
    chosen = facts.config["differential"]
    kinds = {
        "compositional": "by linear models of centred log ratios, corrected for the bias of compositions (LinDA)"
        " [@zhou_2022]",
        "log_intensity": "by moderated linear models [@smyth_2004]",
        "continuous": "by moderated linear models [@smyth_2004]",
        "counts": f"by DESeq2 [@love_2014] as {facts.tool('pydeseq2', 'PyDESeq2')} [@muzellec_2023], one cell type at a"
        " time with patients as fixed effects in paired contrasts",
    }
    by_kind = {text: [] for text in kinds.values()}
    for kind, text in kinds.items():
        by_kind[text] += facts.layers(kinds=(kind,))
    how = "; ".join(f"{code(names)} {text}" for text, names in by_kind.items() if names)
    text = (
        f"Features present in at least {percent(chosen['prevalence'])} of the samples of a contrast were tested: {how}."
    )
    if "survival" in facts.config["contrasts"]:
        text += " The survival contrast is a Cox model [@cox_1972] of each feature."
    beside = ["an exact rank test [@wilcoxon_1945; @mann_1947]"]
    if facts.layers(kinds=("compositional", "counts")):
        beside.append("presence and absence (Firth's logistic model [@firth_1993] between patients)")
    beside += ["another value for zeros"] if facts.layers(kinds=("compositional",)) else []
    beside += ["the model without covariates"] if facts.run["covariates"] else []
    text += f" Beside each primary test stand {listing(beside)}; `agreement` is the share of these that say the same."
    if chosen["families"]:
        text += (
            f" Features of {code(sorted(chosen['families']))} were tested by family first (Simes [@simes_1986]), then"
            " within the families found [@benjamini_2014]."
        )
    return Section("Differential abundance", [text])

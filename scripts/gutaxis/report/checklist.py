"""The STORMS checklist of microbiome studies (Mirzayi 2021): answered where a workflow knows, left open where not.

resources/methods/storms.tsv holds number, section and item. A workflow knows which analyses it ran and on what; it does
not know how a sample was taken, and says so.
"""

from pathlib import Path

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.report.methods_facts import Facts, listing, number

OPEN = "to be answered by the authors"
COLUMNS = ["number", "section", "item", "answer", "where"]


def storms_answers(*, facts: Facts) -> dict[str, tuple[str, str]]:
    """Return item number -> answer and the file that shows it; items that only the authors can answer are not there.

    Parameters
    ----------
    facts
        What is known of the run.
    """
    run, chosen = facts.run, facts.config["statistics"]
    samples = listing(f"{n} {kind}" for kind, n in run["samples"].items())
    answers = {
        "3.6": (f"{number(run['patients'], 'patient')}; samples: {samples}", "clinical/completeness.tsv"),
        "4.13": (_batches(facts), "metagenome/qc/metagenome_qc.tsv" if facts.arm("metagenome") else "NA"),
        "6.0": ("None: no control arm; all results are associations", "provenance/methods.md"),
        "7.0": ("Written from the config of the run", "provenance/methods.md"),
        "7.6": (
            "Samples and values that are missing are listed with reasons; a missing response is NA, never a"
            " non-responder",
            "layers/{layer}.dropped.tsv, differential/{layer}/{contrast}.dropped.tsv",
        ),
        "7.8": (f"False discovery rate {chosen['fdr']:g} within each layer and contrast", "provenance/methods.md"),
        "7.9": (f"{facts.tool('snakemake', 'Snakemake')}; versions of all programs", "provenance/versions.tsv"),
        "8.0": ("One config, pinned versions, fixed seeds", "provenance/versions.tsv"),
        "8.2": ("Layers as AnnData and MuData; where they are deposited is for the authors", "layers/"),
        "8.5": ("All tests, not the significant ones alone", "differential/"),
    }
    for item, kind in (("4.7", "MGX MOCK"), ("4.8", "MGX BLANK")):
        n = run["controls"].get(kind, 0)
        answers[item] = (f"{n} {kind}", "metagenome/qc/controls.tsv") if n else ("None in the sheets", "NA")
    if over_time := [name for name in facts.config["contrasts"] if name in {"change", "response_change"}]:
        answers["7.4"] = (f"Contrasts {listing(over_time)}: differences within patients", "provenance/methods.md")
        pairs = listing(f"{n} of {kind}" for kind, n in run["pairs"].items())
        answers["3.7"] = (f"Pairs of samples before and after treatment: {pairs}", "clinical/pairs.tsv")
    if "antibiotics" in run["covariates"]:
        answers["3.5"] = ("Antibiotics enter the models as a covariate", "clinical/sample_response.tsv")
    if run["layers"]:
        covariates = listing(run["covariates"])
        answers["7.3"] = (
            f"Contrasts {listing(facts.config['contrasts'])}; adjusted for {covariates}",
            "provenance/methods.md",
        )
        answers["7.7"] = ("Beside every primary test", "differential/{layer}/{contrast}.sensitivity.tsv")
        answers["10.2"] = ("Every feature of every layer", "differential/{layer}/{contrast}.tsv")
        answers["10.4"] = ("Diversity, integration, prediction", "diversity/, integration/, prediction/")
        others = [name for name, layer in run["layers"].items() if layer["source"] not in {"metaphlan", "humann"}]
        answers["10.3"] = (listing(others), "layers/")
    if facts.arm("metagenome"):
        answers |= _reads(facts)
    elif facts.layers(source="metaphlan"):
        answers["10.1"] = ("Finished profiles", f"layers/{facts.layers(source='metaphlan')[0]}.tsv")
    if facts.arm("metabolome"):
        answers["4.16"] = ("Processing only; the assay is for the authors", "provenance/methods.md")
    if run["recist"]:
        answers["9.0"] = ("Patients, responses, eligibility", "clinical/best_response.tsv, clinical/eligibility.tsv")
    return answers


def _batches(facts: Facts) -> str:
    ways = {
        "covariate": "a covariate",
        "stratum": "a covariate and a stratum of permutations",
        "ignore": "not modelled",
    }
    return f"{number(facts.run['batches'], 'batch', 'batches')}; batch is {ways[facts.config['statistics']['batch']]}"


def _reads(facts: Facts) -> dict[str, tuple[str, str]]:
    """Return what is known where the run started from stool reads."""
    return {
        "4.5": (
            f"Host reads removed in silico with {facts.tool('KneadData')}; depletion in the laboratory is for the"
            " authors",
            "metagenome/qc/metagenome_qc.tsv",
        ),
        "4.6": ("Does not apply: shotgun sequencing", "NA"),
        "4.9": ("Species of blanks and mocks are listed; none were subtracted", "metagenome/qc/controls.tsv"),
        "4.11": ("Shotgun metagenomics", "NA"),
        "7.1": ("Read check, adapters, quality, tandem repeats, host; reads left at each step", "report/multiqc.html"),
        "7.2": (f"{facts.tool('MetaPhlAn')}, {facts.config['metagenome']['index']}", "provenance/methods.md"),
        "10.0": ("Profiles of every sample", "metagenome/profiles/"),
        "10.1": ("Species with their lineage", "layers/taxa.tsv"),
    }


def write_storms(*, facts: Facts, checklist: Path | str, output: Path) -> None:
    """Write the checklist with its answers.

    Parameters
    ----------
    facts
        What is known of the run.
    checklist
        resources/methods/storms.tsv.
    output
        Table to write: number section item answer where.
    """
    items = pd.read_csv(checklist, sep="\t", dtype=str)
    answers = storms_answers(facts=facts)
    items["answer"] = [answers[name][0] if name in answers else OPEN for name in items["number"]]
    items["where"] = [answers[name][1] if name in answers else "NA" for name in items["number"]]
    comment = "STORMS checklist, Mirzayi et al. 2021, doi:10.1038/s41591-021-01552-x; items in short form"
    write_tsv(items[COLUMNS], output, comment=comment)

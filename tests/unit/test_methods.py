"""Methods text: what config and plan of the run say, no more; every method has a reference, every reference a use."""

import copy
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import load_cohort
from gutaxis.errors import GutaxisError
from gutaxis.report.checklist import OPEN
from gutaxis.report.methods import methods_text, read_bibliography, reference, write_methods
from gutaxis.report.methods_facts import Facts, cohort_facts, listing, number, percent, pinned_versions

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
BIBLIOGRAPHY = ROOT / "resources/methods/citations.bib"
CHECKLIST = ROOT / "resources/methods/storms.tsv"
SCHEMA = ROOT / "config/schemas/config.schema.json"
VERSIONS = pinned_versions(tools=ROOT / "resources/tools.tsv", requirements=ROOT / "envs/workflow.requirements.txt")
LAYERS = {
    "taxa": ("compositional", "metaphlan", "metagenome", ["braycurtis", "jaccard", "aitchison", "robust_aitchison"]),
    "metabolites": ("log_intensity", "metabolome", "metabolome", ["euclidean"]),
    "blood_cells": ("compositional", "cell_fractions", "single_cell", ["braycurtis"]),
    "blood_expression": ("counts", "pseudobulk", "single_cell", ["logcpm"]),
    "elisa": ("continuous", "table", "config", ["euclidean"]),
}


def filled(**changes):
    """The default config, with some keys replaced: ``clinical__irecist=True``."""
    cohort = {"patients": "p.tsv", "samples": ["s.tsv"], "lesions": "l.tsv", "measurements": "m.tsv"}
    config = load_config(config={"output": "results/x", "cohort": cohort}, schema_path=SCHEMA)
    config = copy.deepcopy(dict(config))
    for path, value in changes.items():
        *sections, key = path.split("__")
        place = config
        for section in sections:
            place = place[section]
        place[key] = value
    return config


def run(**changes):
    """A run with every arm."""
    layers = {
        name: dict(zip(("kind", "source", "arm", "metrics"), values, strict=True)) for name, values in LAYERS.items()
    }
    return {
        "patients": 48, "cohorts": {"LUNG": 16, "OTHER": 32}, "batches": 2, "samples": {"MGX/STOOL": 90},
        "pairs": {"MGX/STOOL": 40}, "controls": {"MGX BLANK": 2}, "layers": layers, "covariates": ["cohort"],
        "tissues": ["blood"], "modes": ["positive"], "recist": True, "adverse_events": True, "simulated": False,
        "integrated": ["taxa", "metabolites"], "predicting": ["taxa", "metabolites"], "multiqc": True,
    } | changes  # fmt: skip


def text_of(facts):
    return "\n".join(line for section in methods_text(facts=facts) for line in [section.title, *section.paragraphs])


def facts(config=None, **changes):
    return Facts(config=config or filled(), run=run(**changes), versions=VERSIONS)


#: Configs that differ in words; together they take every branch.
VARIANTS = {
    "default": {},
    "everything": {
        "clinical__irecist": True, "clinical__simon": {"p0": 0.05, "p1": 0.2, "alpha": 0.05, "power": 0.8},
        "metabolome__second_engine": "asari", "metabolome__references": "r.tsv",
        "metabolome__spectra": {"libraries": ["l.msp"], "in_house": [], "tolerance": 0.01},
        "metabolome__normalisation__dratio_max": 0.5, "single_cell__communication": True,
        "single_cell__annotation__celltypist": "model.pkl", "diversity__trees": {"taxa": "tree.nwk"},
        "differential__families": {"taxa": "family"}, "contrasts__survival": {"role": "exploratory"},
        "prediction__models": ["elastic_net", "random_forest"],
        "batches": {"reference": ["B2", "B1"], "normalisation": "frozen", "embedding": "frozen", "models": "frozen"},
    },
    "least": {
        "metagenome__functions": False, "metagenome__reads__trf": False, "metagenome__reads__fastqc": False,
        "metabolome__normalisation__drift": False, "metabolome__normalisation__pqn": False,
        "metabolome__normalisation__blank_ratio_max": None, "metabolome__normalisation__rsd_max": None,
        "metabolome__normalisation__imputation": "none", "single_cell__doublets__remove": False,
        "single_cell__embedding__integrate": "none", "diversity__rarefaction_repeats": 0, "prediction__clinical": [],
    },
}  # fmt: skip


def with_trees(name):
    """A run of a variant; trees add distances."""
    changes = run()
    if name == "everything":
        changes["layers"]["taxa"]["metrics"] += ["weighted_unifrac", "unweighted_unifrac"]
    return changes


@pytest.mark.parametrize("name", VARIANTS)
def test_every_key_is_in_the_bibliography_and_no_other_is_written(name, tmp_path):
    made = Facts(config=filled(**VARIANTS[name]), run=with_trees(name), versions=VERSIONS)
    paths = {part: tmp_path / part for part in ("text", "citations", "storms")}
    write_methods(facts=made, bibliography=BIBLIOGRAPHY, checklist=CHECKLIST, **paths)
    cited = set(re.findall(r"@([a-z0-9_]+)", text_of(made)))
    assert set(read_bibliography(path=paths["citations"])) == cited
    assert all(f"- `{key}` " in paths["text"].read_text() for key in cited)


def test_no_reference_is_unused_by_all_configs():
    cited = set()
    for name, changes in VARIANTS.items():
        made = Facts(config=filled(**changes), run=with_trees(name), versions=VERSIONS)
        cited |= set(re.findall(r"@([a-z0-9_]+)", text_of(made)))
    assert cited == set(read_bibliography(path=BIBLIOGRAPHY))


def test_what_is_frozen_is_said_and_nothing_else():
    chosen = {"reference": ["B2", "B1"], "normalisation": "refit", "embedding": "frozen", "models": "refit"}
    said = text_of(facts(filled(batches=chosen)))
    assert "Two batches (`B1` and `B2`) alone taught the variable genes, components, integration, clusters" in said
    assert "took the cluster of most of their nearest reference cells" in said
    assert "patients of later batches entered no fold" not in said
    assert "alone taught" not in text_of(facts())
    without = {name: layer for name, layer in run()["layers"].items() if layer["arm"] != "single_cell"}
    assert "alone taught" not in text_of(facts(filled(batches=chosen), layers=without, tissues=[]))


def test_references_are_whole():
    for key, entry in read_bibliography(path=BIBLIOGRAPHY).items():
        assert {"author", "title", "year"} <= set(entry.fields), key
        assert key.endswith(f"_{entry.fields['year']}")
        assert re.fullmatch(r"10\.\d{4,9}/\S+", entry.fields.get("doi", "10.1000/x")), key
        line = reference(entry=entry)
        assert "{" not in line and line.count(entry.fields["title"]) == 1
    assert BIBLIOGRAPHY.read_text().count("\n@") == len(read_bibliography(path=BIBLIOGRAPHY))


def test_a_reference_reads_like_one():
    entry = read_bibliography(path=BIBLIOGRAPHY)["wolock_2019"]
    assert reference(entry=entry) == (
        "Samuel L. Wolock, Romain Lopez, Allon M. Klein. Scrublet: computational identification of cell doublets in"
        " single-cell transcriptomic data. Cell Systems 2019;8:281-291. doi:10.1016/j.cels.2018.11.005"
    )


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ("metagenome", ("MetaPhlAn", "KneadData", "TOPOSCORE", "STORMS")),
        ("metabolome", ("OpenMS", "LOESS", "Reactome")),
        ("single_cell", ("Scrublet", "Harmony", "Leiden", "DESeq2")),
        ("config", ("Finished tables",)),
    ],
)
def test_an_absent_arm_is_not_in_the_text(arm, words):
    layers = {name: layer for name, layer in run()["layers"].items() if layer["arm"] != arm}
    with_arm, without = text_of(facts()), text_of(facts(layers=layers))
    for word in words:
        assert word in with_arm
        assert word not in without


def test_a_run_without_layers_has_no_statistics():
    text = text_of(facts(layers={}, integrated=[], predicting=[], multiqc=False))
    for word in ("PERMANOVA", "LinDA", "MOFA", "predicted", "MultiQC", "Evidence"):
        assert word not in text
    assert "RECIST" in text


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("statistics__fdr", 0.07, "a q value up to 0.07"),
        ("statistics__permutations", 1234, "1,234 permutations"),
        ("statistics__batch", "ignore", "Batches were not modelled"),
        ("statistics__min_patients", 5, "fewer than 5 patients"),
        ("differential__prevalence", 0.15, "at least 15 % of the samples"),
        ("clinical__sd_min_days", 42, "day 42 after ILDR"),
        ("clinical__pfs2_event", "second_after_ildr", "the second documented progression"),
        ("clinical__abscopal_rule", "sum", "the sum of all lesions"),
        ("clinical__css_unknown", "other", "not from cancer"),
        ("response__definition", "disease_control", "or stable disease"),
        ("visits__post_window_days", [3, 50], "from day 3 to day 50"),
        ("seed", 77, "seed 77"),
        ("metagenome__nucleotide_index", "joint", "one nucleotide index of all species of the study"),
        ("metagenome__index", "mpa_other", "against mpa_other"),
        ("metabolome__instrument", "tof", "time-of-flight"),
        ("metabolome__normalisation__rsd_max", 0.25, "above 25 %"),
        ("metabolome__annotation__ppm", 8, "by mass (8 ppm)"),
        ("single_cell__quality__min_genes", 321, "fewer than 321 genes"),
        ("single_cell__embedding__resolution", 0.4, "resolution 0.4"),
        ("integration__associations__permutations", 499, "with 499 permutations"),
        ("integration__mediation__bootstrap", 1500, "1,500 resamples"),
        ("integration__mediation__panel", {"taxa": ["a", "b"]}, "two entries of `taxa`"),
        ("integration__evidence__strong_patients", 41, "strong 41 patients"),
        ("prediction__repeats", 9, "9 repeats"),
        ("prediction__schemes", ["nested_cv"], "held out by nested cross-validation (5 outer"),
    ],
)
def test_a_choice_of_the_config_is_in_the_text(path, value, words):
    assert words not in text_of(facts())
    assert words in text_of(facts(config=filled(**{path: value})))


def test_estimands_are_those_declared():
    text = text_of(facts(config=filled(contrasts={"post": {"role": "exploratory"}})))
    assert "`post`, responders minus non-responders after ILDR (exploratory)" in text
    assert "`baseline`" not in text and "Changes were modelled" not in text


def test_given_response_says_so():
    text = text_of(facts(recist=False, adverse_events=False))
    assert "taken as given" in text
    for word in ("RECIST", "Kaplan", "CTCAE", "PFS2 by Cox"):
        assert word not in text


def test_simulated_data_are_called_so_first():
    assert "**All data are simulated" in text_of(facts(simulated=True))
    assert "simulated" not in text_of(facts())


def test_versions_are_the_pins():
    text = text_of(facts())
    tools = pd.read_csv(ROOT / "resources/tools.tsv", sep="\t").set_index("program")["version"]
    for program, name in (("metaphlan", "MetaPhlAn"), ("humann", "HUMAnN"), ("snakemake", "Snakemake")):
        assert f"{name} {tools[program]}" in text
    locked = re.search(r"^pydeseq2==(\S+)", (ROOT / "envs/workflow.requirements.txt").read_text(), flags=re.MULTILINE)
    assert f"PyDESeq2 {locked[1]}" in text


def test_nothing_causal_and_no_path_is_said():
    for name, changes in VARIANTS.items():
        text = text_of(Facts(config=filled(**changes), run=with_trees(name), versions=VERSIONS))
        assert not re.search(r"\b(causes|caused|causal|leads to|effect of ILDR|due to)\b", text)
        assert not re.search(r"\w+\.(msp|pkl|nwk)\b", text), "a path of the config is in the text"


def test_unknown_key_is_told(tmp_path):
    short = tmp_path / "short.bib"
    entries = BIBLIOGRAPHY.read_text().split("\n\n")
    short.write_text("\n\n".join(entry for entry in entries if "molder_2021" not in entry))
    with pytest.raises(GutaxisError, match=r"cites molder_2021, which short\.bib lacks"):
        write_methods(
            facts=facts(), bibliography=short, checklist=CHECKLIST,
            text=tmp_path / "t", citations=tmp_path / "c", storms=tmp_path / "s",
        )  # fmt: skip
    assert not (tmp_path / "t").exists()


def test_key_twice_is_told(tmp_path):
    twice = tmp_path / "twice.bib"
    twice.write_text(BIBLIOGRAPHY.read_text() * 2)
    with pytest.raises(GutaxisError, match="twice"):
        read_bibliography(path=twice)


def storms(made, tmp_path):
    paths = {part: tmp_path / part for part in ("text", "citations", "storms")}
    write_methods(facts=made, bibliography=BIBLIOGRAPHY, checklist=CHECKLIST, **paths)
    return pd.read_csv(paths["storms"], sep="\t", comment="#", dtype=str, keep_default_na=False).set_index("number")


def test_checklist_has_every_item_once_and_answers_what_is_known(tmp_path):
    found = storms(facts(), tmp_path)
    items = pd.read_csv(CHECKLIST, sep="\t", dtype=str)
    assert found.index.tolist() == items["number"].tolist() and found.index.is_unique
    assert found.at["3.6", "answer"] == "48 patients; samples: 90 MGX/STOOL"
    assert found.at["4.8", "answer"] == "2 MGX BLANK"
    assert found.at["4.7", "answer"] == "None in the sheets"
    assert found.at["7.2", "answer"].startswith("MetaPhlAn 4")
    for number_ in ("3.9", "4.4", "8.1", "15.0"):
        assert found.at[number_, "answer"] == OPEN


def test_checklist_of_a_run_without_reads_leaves_the_reads_open(tmp_path):
    layers = {name: layer for name, layer in run()["layers"].items() if layer["arm"] != "metagenome"}
    found = storms(facts(layers=layers, covariates=[]), tmp_path)
    for number_ in ("4.5", "4.11", "7.2", "10.1", "3.5"):
        assert found.at[number_, "answer"] == OPEN


def test_same_facts_same_bytes(tmp_path):
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        storms(Facts(config=json.loads(json.dumps(filled())), run=run(), versions=VERSIONS), folder)
        made.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert made[0] == made[1]


def test_facts_of_the_sheets_are_numbers_alone():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    cohort = load_cohort(config=load_config(config=config, schema_path=SCHEMA), root=ROOT)
    found = cohort_facts(cohort=cohort)
    assert found["patients"] == 12
    assert sum(found["cohorts"].values()) == 12
    assert found["samples"] == {"METAB/PLASMA": 23, "MGX/STOOL": 23, "SCRNA/PBMC": 23, "SCRNA/TUMOR": 21}
    assert found["pairs"]["MGX/STOOL"] == 11
    assert found["controls"] == {"METAB BLANK": 4, "METAB POOL_QC": 12, "MGX BLANK": 1, "MGX MOCK": 1}
    assert "P01" not in json.dumps(found)


def test_words():
    assert listing([]) == "none"
    assert [listing("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert number(1, "batch", "batches") == "one batch"
    assert number(13, "pair") == "13 pairs"
    assert [percent(share) for share in (0.1, 0.125, 1)] == ["10 %", "12.5 %", "100 %"]


def test_items_of_the_checklist_have_the_numbers_of_storms():
    """Against version 1.03 of the workbook (doi:10.5281/zenodo.5714305): how many, and those answered here."""
    items = pd.read_csv(CHECKLIST, sep="\t", dtype=str).set_index("number")
    assert items["section"].value_counts().to_dict() == {
        "Abstract": 4, "Introduction": 2, "Methods": 46, "Results": 6, "Discussion": 6, "Other information": 5,
    }  # fmt: skip
    assert items.loc["7.0":"7.9", "item"].tolist() == [
        "Bioinformatic and statistical methods", "Quality control", "Sequence analysis", "Statistical methods",
        "Longitudinal analysis", "Subgroup analysis", "Missing data", "Sensitivity analyses", "Findings", "Software",
    ]  # fmt: skip


def test_answers_on_methods_stand_at_their_items(tmp_path):
    found = storms(facts(), tmp_path)
    words = {
        "7.4": "within patients", "7.6": "missing response is NA", "7.7": "Beside every primary test",
        "7.8": "False discovery rate", "7.9": "Snakemake",
    }  # fmt: skip
    assert {number: text in found.at[number, "answer"] for number, text in words.items()} == dict.fromkeys(words, True)
    assert found.at["7.5", "answer"] == "to be answered by the authors"

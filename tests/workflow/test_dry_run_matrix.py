"""Plans of every kind of run: which jobs, and how many of each."""

import re

import pytest
import yaml

#: What every run makes of its sheets, with a response that is given.
SHEETS = {
    "batch_choices": 1, "cohort_tables": 1, "completeness": 1, "endpoints": 1, "methods": 1, "report_page": 1, "all": 1,
}  # fmt: skip
SIMULATED_ARM = {
    "clinical_figures": 1,
    "check_reads": 25,
    "clean_reads": 25,
    "fastqc": 25,
    "profile_taxa": 25,
    "profile_functions": 23,
    "extract_features": 78,
    "intake": 2,
    "link_features": 2,
    "force_integrate": 4,
    "feature_matrix": 2,
    "normalise_metabolites": 1,
    "annotate_metabolites": 1,
    "enrich_metabolites": 3,
    "cell_sample": 44,
    "embed_cells": 2,
    "label_lineages": 2,
    "embed_subset": 4,
    "label_states": 4,
    "cell_labels": 2,
    "cell_summary": 4,
    "cell_identity": 1,
    "cell_quality": 1,
    "cell_figures": 2,
    "layer": 9,
    "layers_h5mu": 1,
    "alpha_diversity": 4,
    "beta_diversity": 21,
    "within_patient_shift": 9,
    "signatures": 1,
    "differential_abundance": 27,
    "associations": 2,
    "network": 2,
    "factors": 1,
    "modules": 1,
    "mediation": 1,
    "prediction_models": 1,
    "evidence": 1,
    "batch_snapshot": 1,
    "metagenome_qc": 1,
    "multiqc": 1,
    "methods": 1,
    "report_page": 1,
    "completeness": 1,
}
#: What one compositional layer goes through in one contrast.
ONE_LAYER = {
    "layer": 1,
    "layers_h5mu": 1,
    "alpha_diversity": 1,
    "beta_diversity": 4,
    "within_patient_shift": 1,
    "differential_abundance": 1,
    "prediction_models": 1,
    "evidence": 1,
    "batch_snapshot": 1,
}
PATIENTS = "patient_id\tresponse\nP1\tR\nP2\tNR\nP3\tNA\n"
PROFILE = "#mpa_vJun23_CHOCOPhlAnSGB_202403\nclade_name\tS1\tS2\tS3\nk__Bacteria|s__A\t100\t100\t100\n"


def subset(planned, wanted):
    return {name: planned.get(name, 0) for name in wanted}


def minimal(project, **changes):
    config = {
        "output": "results/x",
        "cohort": {"patients": "p.tsv", "samples": "s.tsv"},
        "response": {"source": "given"},
        "contrasts": {"baseline": {"role": "primary"}},
        "covariates": [],
    }
    project.write("p.tsv", PATIENTS)
    project.write("s.tsv", "sample_id\tpatient_id\nS1\tP1\nS2\tP2\nS3\tP3\n")
    return project.write("x.yaml", {**config, **changes})


def reads_config(project, rows, **metagenome):
    """Write a sheet of stool samples with empty FASTQ files and databases that exist; return the config's path."""
    header = "sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tbatch\tfile_1\tfile_2\tcontrol"
    project.write("s.tsv", "\n".join([header, *rows]) + "\n")
    for row in rows:
        for name in row.split("\t")[6:8]:
            for file in filter(None, name.split(";")):
                project.write(file, "")
    databases = {name: f"db/{name}" for name in ("host", "metaphlan", "nucleotide", "protein")}
    index = "mpa_vJun23_CHOCOPhlAnSGB_202403"
    for part in ("1", "2", "3", "4", "rev.1", "rev.2"):
        project.write(f"db/host/h.{part}.bt2", "x")
        project.write(f"db/metaphlan/{index}.{part}.bt2l", "x")
    project.write(f"db/metaphlan/{index}.pkl", "x")
    project.write("db/nucleotide/g__A.s__B.centroids.v201901_v31.ffn.gz", "x")
    project.write("db/protein/uniref90_201901b_full.dmnd", "x")
    return minimal_with(project, {"databases": databases, **metagenome})


def minimal_with(project, metagenome):
    sheet = (project.folder / "s.tsv").read_text()
    path = minimal(project, metagenome=metagenome)
    project.write("s.tsv", sheet)
    return path


def test_demo_all_arms(project):
    planned = project.planned()
    assert subset(planned, SIMULATED_ARM) == SIMULATED_ARM
    assert planned["simulate_reads"] == 26
    assert planned["simulate_injections"] == 1
    assert planned["simulate_cells"] == 1
    assert planned["recovery"] == planned["metabolome_recovery"] == planned["cell_recovery"] == planned["findings"] == 1


def test_profiles_only(project):
    project.write("merged.txt", PROFILE)
    path = minimal(project, layers={"taxa": {"source": "metaphlan", "path": "merged.txt"}})
    assert project.planned("--configfile", path) == {**SHEETS, **ONE_LAYER, "signatures": 1}


def test_table_only(project):
    project.write("flow.tsv", "sample\tCD4\tCD8\nS1\t.5\t.5\nS2\t.4\t.6\nS3\t.1\t.9\n")
    path = minimal(
        project,
        layers={"cytometry": {"source": "table", "path": "flow.tsv", "kind": "compositional", "unit": "fraction"}},
    )
    assert project.planned("--configfile", path) == {**SHEETS, **ONE_LAYER}


def test_kind_of_layer_decides_what_is_made_of_it(project):
    project.write("il6.tsv", "sample\tIL6\tTNF\nS1\t.5\t.5\nS2\t.4\t.6\nS3\t.1\t.9\n")
    layer = {"source": "table", "path": "il6.tsv", "kind": "continuous", "unit": "other"}
    path = minimal(project, layers={"elisa": layer}, differential={"corrected_layers": True})
    planned = project.planned("--configfile", path)
    wanted = {"beta_diversity": 1, "differential_abundance": 1, "corrected_layer": 1}
    assert subset(planned, wanted) == wanted
    assert "alpha_diversity" not in planned


def test_a_tree_adds_unifrac_and_a_choice_of_metrics_leaves_the_rest_out(project):
    project.write("merged.txt", PROFILE)
    project.write("tree.nwk", "(s__A:1,s__B:1);")
    layers = {"taxa": {"source": "metaphlan", "path": "merged.txt"}}
    diversity = {"trees": {"taxa": "tree.nwk"}}
    assert project.planned("--configfile", minimal(project, layers=layers, diversity=diversity))["beta_diversity"] == 6
    diversity["metrics"] = ["braycurtis", "euclidean"]
    assert project.planned("--configfile", minimal(project, layers=layers, diversity=diversity))["beta_diversity"] == 1


def test_finished_metabolite_table(project):
    project.write("m.tsv", "sample\tC1\tC2\nS1\t5\t5\nS2\t4\t6\nS3\t1\t9\n")
    path = minimal(project, metabolome={"tables": [{"path": "m.tsv", "format": "plain"}]})
    planned = project.planned("--configfile", path)
    wanted = {"import_metabolites": 1, "normalise_metabolites": 1, "annotate_metabolites": 1, "layer": 1, "multiqc": 1}
    assert subset(planned, wanted) == wanted
    assert not {"extract_features", "link_features", "intake"} & set(planned)


def test_no_layer_at_all(project):
    assert project.planned("--configfile", minimal(project)) == SHEETS


def test_two_batches(project):
    planned = project.planned("--configfile", one_batch := reads_config(project, rows_of("A")))
    assert planned["profile_taxa"] == 2
    config = yaml.safe_load(one_batch.read_text())
    first = (project.folder / "s.tsv").read_text()
    project.write("b1.tsv", first)
    reads_config(project, rows_of("B"))
    project.write("b2.tsv", (project.folder / "s.tsv").read_text())
    config["cohort"]["samples"] = ["b1.tsv", "b2.tsv"]
    planned = project.planned("--configfile", project.write("two.yaml", config))
    assert planned["profile_taxa"] == planned["profile_functions"] == 4


def rows_of(batch, *, post=True):
    rows = [f"{batch}1\tP1\tMGX\tSTOOL\tPRE\t{batch}\t{batch}1_R1.fq.gz\t{batch}1_R2.fq.gz\tN"]
    if post:
        rows.append(f"{batch}2\tP1\tMGX\tSTOOL\tPOST\t{batch}\t{batch}2_R1.fq.gz\t{batch}2_R2.fq.gz\tN")
    if batch == "B":
        rows = [row.replace("\tP1\t", "\tP2\t") for row in rows]
    return rows


def test_no_post_samples(project):
    planned = project.planned("--configfile", reads_config(project, rows_of("A", post=False)))
    assert planned["profile_taxa"] == planned["profile_functions"] == 1


def test_taxa_only(project):
    planned = project.planned("--configfile", reads_config(project, rows_of("A"), functions=False))
    assert planned["profile_taxa"] == 2
    assert "profile_functions" not in planned
    assert planned["layer"] == 1


def test_genes_too(project):
    assert project.planned("--configfile", reads_config(project, rows_of("A"), genes=True))["layer"] == 3


def test_joint_index(project):
    planned = project.planned("--configfile", reads_config(project, rows_of("A"), nucleotide_index="joint"))
    assert planned["joint_index"] == 1
    assert planned["profile_functions"] == 2


def test_single_end_and_lanes(project):
    rows = ["A1\tP1\tMGX\tSTOOL\tPRE\tA\ta.fq.gz;b.fq.gz\t\tN"]
    assert project.planned("--configfile", reads_config(project, rows))["check_reads"] == 1


def test_controls_stop_after_metaphlan(project):
    rows = [*rows_of("A"), "X\t\tMGX\t\t\tA\tx_R1.fq.gz\tx_R2.fq.gz\tBLANK"]
    planned = project.planned("--configfile", reads_config(project, rows))
    assert planned["profile_taxa"] == 3
    assert planned["profile_functions"] == 2


def test_databases_are_fetched_where_none_is_named(project):
    path = reads_config(project, rows_of("A"))
    config = yaml.safe_load(path.read_text())
    config["metagenome"]["databases"] = {}
    assert project.planned("--configfile", project.write("fetch.yaml", config))["fetch_database"] == 4


def test_finished_table_replaces_what_the_arm_would_make(project):
    path = reads_config(project, rows_of("A"))
    config = yaml.safe_load(path.read_text())
    project.write("merged.txt", PROFILE.replace("S1\tS2\tS3", "A1\tA2\tX"))
    config["layers"] = {"taxa": {"source": "metaphlan", "path": "merged.txt"}}
    config["metagenome"]["functions"] = False
    planned = project.planned("--configfile", project.write("replaced.yaml", config))
    assert "profile_taxa" not in planned
    assert planned["layer"] == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["bad id\tP1\tMGX\tSTOOL\tPRE\tA\ta.fq.gz\tb.fq.gz\tN"], ["E23 s.tsv:2", "bad id"]),
        (["S$1\tP1\tMGX\tSTOOL\tPRE\tA\ta.fq.gz\tb.fq.gz\tN"], ["E23 s.tsv:2", "S$1"]),
        (["S1\tP9\tMGX\tSTOOL\tPRE\tA\ta.fq.gz\tb.fq.gz\tN"], ["E05 s.tsv:2", "P9"]),
        (["S1\tP1\tMGX\tSTOOL\tPRE\tA\ta.fq.gz\ta.fq.gz\tN"], ["E18 s.tsv:2", "a.fq.gz"]),
    ],
)
def test_sheet_errors_stop_before_any_job(project, rows, words):
    done = project.run("--configfile", reads_config(project, rows), check=False)
    assert done.returncode == 1
    for word in words:
        assert word in done.text
    assert "Nothing was run" in done.text
    assert "Traceback" not in done.text
    assert not (project.folder / "results").exists()


def test_config_errors_stop_before_any_job(project):
    done = project.run("--configfile", minimal(project, layer={}), check=False)
    assert done.returncode == 1
    assert "layers" in done.text
    assert "Traceback" not in done.text


def test_missing_database_is_named_before_any_job(project):
    path = reads_config(project, rows_of("A"))
    (project.folder / "db/metaphlan/mpa_vJun23_CHOCOPhlAnSGB_202403.pkl").unlink()
    done = project.run("--configfile", path, check=False)
    assert done.returncode == 1
    assert "metagenome.databases.metaphlan" in done.text
    assert ".pkl" in done.text
    assert not (project.folder / "results").exists()


def test_wrong_pairing_names_the_right_one(project):
    path = reads_config(project, rows_of("A"), index="mpa_vOct22_CHOCOPhlAnSGB_202403")
    done = project.run("--configfile", path, check=False)
    assert done.returncode == 1
    assert "mpa_vOct22_CHOCOPhlAnSGB_202403 does not work with humann 3.9" in done.text
    assert "mpa_vJun23_CHOCOPhlAnSGB_202403" in done.text


def test_validate_prints_the_grid(project):
    done = project.run("validate")
    # the header and two rows of the grid itself: the warnings below it name patients too
    assert re.search(r"^patient +METAB/PLASMA +MGX/STOOL", done.text, flags=re.MULTILINE)
    assert re.search(r"^P01 +#", done.text, flags=re.MULTILINE)
    assert re.search(r"^P12 +< +<", done.text, flags=re.MULTILINE)
    assert "W06 samples_B2.tsv" in done.text


def test_lint(project):
    assert "Congratulations" in project.run("--lint").text

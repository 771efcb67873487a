"""What a change makes run again: exactly what depends on it."""

import shutil

import pytest

from tests.workflow.conftest import Project

CONFIG = ("--configfile", "trial/config.yaml")
#: What is made of the sheets; a changed sample is a changed sheet.
SHEETS = {"batch_choices", "completeness", "cohort_tables", "endpoints", "clinical_figures", "methods"}
AGGREGATES = {
    "layer": 2,
    "stratify_layer": 1,
    "layers_h5mu": 1,
    "metagenome_qc": 1,
    "multiqc": 1,
    "recovery": 1,
    "findings": 1,
    "alpha_diversity": 2,
    "beta_diversity": 8,
    "within_patient_shift": 2,
    "signatures": 1,
    "differential_abundance": 6,
    "batch_snapshot": 1,
    "report_page": 1,
    "all": 1,
}
#: What all layers are read together for.
TOGETHER = {"associations", "network", "factors", "modules", "mediation", "prediction_models", "evidence"}
#: What follows a changed outcome or covariate in every layer, that of the metabolome too.
ANALYSES = {"alpha_diversity", "beta_diversity", "within_patient_shift", "differential_abundance", "enrich_metabolites",
            "cell_figures", *TOGETHER}  # fmt: skip


@pytest.fixture
def changed(finished, tmp_path):
    """A copy of the finished run, time stamps kept, that a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)


def edit(project, name, old, new):
    path = project.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_copy_is_finished(changed):
    assert changed.planned(*CONFIG) == {}


def test_reordered_rows_schedule_nothing(changed):
    for name in ("samples_B1.tsv", "patients.tsv"):
        path = changed.folder / "trial" / name
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    assert changed.planned(*CONFIG) == {}


def test_batch_with_two_samples_schedules_them_and_the_aggregates(changed):
    header, *rows = (changed.folder / "trial/samples_B1.tsv").read_text().splitlines()
    names = header.split("\t")
    new = []
    for number, row in enumerate([row for row in rows if row.startswith("P01_POST\t")] * 2):
        cells = dict(zip(names, row.split("\t"), strict=True))
        cells |= {"sample_id": f"P02_N{number}", "patient_id": "P02", "batch": "B9", "timepoint": "PRE"}
        cells |= {"collect_date": f"2025-10-{2 + number:02d}", "replicate": str(number + 1)}
        for mate in ("1", "2"):
            source = changed.folder / "simulated/reads" / f"P01_POST_R{mate}.fastq.gz"
            shutil.copy(source, changed.folder / "trial" / f"new{number}_R{mate}.fastq.gz")
            cells[f"file_{mate}"] = f"new{number}_R{mate}.fastq.gz"
        new.append(cells)
    columns = list(new[0])
    lines = ["\t".join(columns), *("\t".join(cells[name] for name in columns) for cells in new)]
    changed.write("trial/samples_B9.tsv", "\n".join(lines) + "\n")
    samples = [f"trial/samples_{batch}.tsv" for batch in ("B1", "B2", "B9")]
    sheets = {name: f"trial/{name}.tsv" for name in ("patients", "lesions", "measurements", "adverse_events")}
    changed.config("with_batch.yaml", cohort={**sheets, "samples": samples})
    # the planted truth knows no such samples: no comparison with it here
    planned = changed.planned("--configfile", "with_batch.yaml")
    per_sample = ("check_reads", "clean_reads", "fastqc", "profile_taxa", "profile_functions", "count_host")
    assert {name: planned.get(name) for name in per_sample} == dict.fromkeys(per_sample, 2)
    others = set(planned) - set(per_sample)
    assert others <= {*AGGREGATES, *SHEETS, *ANALYSES}, planned


def test_edit_of_a_library_module_reruns_its_users_and_no_other(changed):
    edit(changed, "scripts/gutaxis/metagenome/humann.py", 'special = ("UNMAPPED", ', 'special = ("UNMAPPED!", ')
    planned = changed.planned(*CONFIG)
    assert planned.pop("profile_functions") == 3
    assert not {"check_reads", "fastqc", "profile_taxa", "simulate_reads", "simulate_databases"} & set(planned)
    assert set(planned) <= {*AGGREGATES, *TOGETHER}, planned


def test_edit_of_a_layer_module_reruns_no_tool(changed):
    edit(changed, "scripts/gutaxis/layers/build.py", '"""', '"""Edited. ')
    assert changed.planned(*CONFIG) == {}, "a docstring is no code"
    with open(changed.folder / "scripts/gutaxis/layers/build.py", "a") as handle:
        handle.write("\n\nEDITED = True\n")
    planned = changed.planned(*CONFIG)
    assert planned["layer"] == 9
    assert set(planned) <= {*AGGREGATES, *ANALYSES}, planned


def test_edit_of_a_test_reruns_the_analysis_that_uses_it(changed):
    with open(changed.folder / "scripts/gutaxis/stats/linda.py", "a") as handle:
        handle.write("\n\nEDITED = True\n")
    planned = changed.planned(*CONFIG)
    assert planned.pop("differential_abundance") == 27
    after = {"enrich_metabolites", "findings", "factors", "evidence", "batch_snapshot", "report_page", "all"}
    assert set(planned) <= after, planned


def test_edit_of_an_annotation_module_reruns_no_sample_of_cells(changed):
    with open(changed.folder / "scripts/gutaxis/single_cell/annotate.py", "a") as handle:
        handle.write("\n\nEDITED = True\n")
    planned = changed.planned(*CONFIG)
    assert planned["label_lineages"] == 2
    assert not {"cell_sample", "embed_cells", "profile_taxa", "extract_features"} & set(planned)


def test_config_key_reruns_only_what_uses_it(changed):
    edit(changed, "trial/config.yaml", "metagenome:\n", "metagenome:\n  reads: {fastqc: false}\n")
    assert set(changed.planned(*CONFIG)) <= {"multiqc", "methods", "report_page", "all"}


def test_removed_sample_reruns_the_aggregates_only(changed):
    path = changed.folder / "trial/samples_B1.tsv"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("B1_MOCK")))
    assert set(changed.planned(*CONFIG)) <= {*AGGREGATES, *SHEETS, *ANALYSES}

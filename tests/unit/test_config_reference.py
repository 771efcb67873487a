"""config/README.md is in step with the schema, the vocabulary, the checks and the examples it shows."""

import re
from pathlib import Path

import pytest
import yaml

from gutaxis.cohort import load_cohort, load_config
from gutaxis.cohort.reference import BEGIN, END, render_reference, update_readme
from gutaxis.cohort.vocabulary import SHEETS
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "config" / "schemas" / "config.schema.json"
README = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)


def test_the_reference_is_what_the_generator_makes():
    shown = README.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == render_reference(schema_path=SCHEMA).strip(), (
        "run: PYTHONPATH=scripts python -m gutaxis.cohort.reference config/README.md"
    )


def test_the_reference_has_every_column():
    for sheet, columns in SHEETS.items():
        part = README.partition(f"### Sheet `{sheet}`")[2].partition("###")[0]
        assert [f"| `{column.name}` |" in part for column in columns] == [True] * len(columns)


def test_the_readme_lists_exactly_the_codes_of_the_checks():
    sources = [path.read_text() for path in (ROOT / "scripts" / "gutaxis" / "cohort").glob("c*.py")]
    sources += [path.read_text() for path in (ROOT / "scripts" / "gutaxis" / "clinical").glob("*.py")]
    sources.append((ROOT / "scripts" / "gutaxis" / "cohort" / "sheets.py").read_text())
    raised = {code for text in sources for code in re.findall(r'"([EWC]\d\d)"', text)}
    assert set(re.findall(r"^\| ([EWC]\d\d) \|", README, flags=re.MULTILINE)) == raised


def test_table_rows_have_the_cells_of_their_header():
    widths = {
        line.replace("\\|", "").count("|") for line in README.partition(BEGIN)[2].splitlines() if line.startswith("|")
    }
    assert widths == {6}


def test_the_examples_of_the_readme_are_valid(tmp_path):
    configs = [yaml.safe_load(text) for kind, text in BLOCKS if kind == "yaml"]
    assert len(configs) == 2
    for config in configs:
        load_config(config=config, schema_path=SCHEMA)
    patients, samples = [text for kind, text in BLOCKS if not kind and text.startswith(("patient_id", "sample_id"))]
    (tmp_path / "patients.tsv").write_text(patients)
    (tmp_path / "samples.tsv").write_text(samples)
    (tmp_path / "merged_table.txt").touch()
    cohort = load_cohort(config=load_config(config=configs[0], schema_path=SCHEMA), root=tmp_path)
    assert cohort.sample_ids() == ["P01-S1", "P02-S1", "P03-S1"]
    assert not cohort.warnings


def test_updating_keeps_what_stands_around(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    update_readme(readme=page, schema_path=SCHEMA)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n### Config keys")
    assert text.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in text
    update_readme(readme=page, schema_path=SCHEMA)
    assert page.read_text() == text


def test_updating_needs_the_markers(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("no markers\n")
    with pytest.raises(GutaxisError, match="must hold these two lines"):
        update_readme(readme=page, schema_path=SCHEMA)

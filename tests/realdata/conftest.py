"""Published cohorts as their example configs describe them, read once for all tests."""

import shutil
from pathlib import Path

import pytest
import yaml

from gutaxis.cohort import load_cohort, load_config
from gutaxis.cohort.published import make_sheets, write_sheets
from gutaxis.cohort.published_sources import SOURCES
from gutaxis.layers.assemble import assemble_layer

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def runs(public_data, tmp_path_factory):
    """Every cohort as its example config describes it: cohort, layer, sheets."""
    root = tmp_path_factory.mktemp("published")
    (root / "public").symlink_to(public_data)
    made = {}
    for name in SOURCES:
        sheets = make_sheets(data=root / "public", cohort=name)
        write_sheets(sheets=sheets, out=root / "sheets" / name)
        text = (PROJECT / "config" / "examples" / f"{name}.yaml").read_text()
        schema = PROJECT / "config" / "schemas" / "config.schema.json"
        config = load_config(config=yaml.safe_load(text), schema_path=schema)
        cohort = load_cohort(config=config, root=root)
        settings = dict(config["layers"]["taxa"])
        path, assay = settings.pop("path"), settings.pop("assay")
        outputs = {f"output_{kind}": str(root / name / f"taxa.{kind}") for kind in ("h5ad", "tsv", "dropped")}
        layer = assemble_layer(
            name="taxa", paths=[str(root / path)], observations=cohort.observations(assay=assay), **settings, **outputs
        )
        made[name] = (cohort, layer, sheets)
    yield made
    shutil.rmtree(root)

"""The config: defaults, and every mistake told at once in words."""

import json
from pathlib import Path

import jsonschema
import pytest

from gutaxis.cohort import load_config
from gutaxis.cohort.config import did_you_mean, needs_post
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
MINIMAL = {"cohort": {"patients": "p.tsv", "samples": "s.tsv"}, "response": {"source": "given"}}
TABLE = {"source": "table", "path": "x.tsv", "kind": "counts", "unit": "count"}


def load(**keys) -> dict:
    return load_config(config=MINIMAL | keys, schema_path=SCHEMA)


def problems(config: object) -> list[tuple[str, str | None]]:
    with pytest.raises(GutaxisError) as caught:
        load_config(config=config, schema_path=SCHEMA)
    assert all(problem.file == "config" and problem.line is None for problem in caught.value.problems)
    return [(problem.code, problem.column) for problem in caught.value.problems]


def sections(schema: dict, path: str = "") -> list[tuple[str, dict, bool]]:
    found = []
    for name, sub in schema.get("properties", {}).items():
        found += [(f"{path}.{name}", sub, name in schema.get("required", [])), *sections(sub, f"{path}.{name}")]
    free = schema.get("additionalProperties")
    return found + (sections(free, f"{path}.*") if isinstance(free, dict) else [])


def test_the_schema_is_valid_and_says_everything():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for path, sub, required in sections(schema):
        assert sub["description"].endswith("."), path
        section = "properties" in sub and sub.get("type") == "object"
        contrast = path.startswith(".contrasts.") and section
        assert required or contrast or "default" in sub, f"{path} has no default"
        assert section or sub["examples"], f"{path} has no example"
        assert not section or sub["additionalProperties"] is False, f"{path} is open"
        for value in [*sub.get("examples", []), *([sub["default"]] if not required and not contrast else [])]:
            jsonschema.validate(value, sub)


def test_defaults_are_filled_at_every_depth():
    config = load()
    assert config["visits"] == {
        "baseline_window_days": 28, "post_target_day": 21, "post_window_days": [7, 63], "visit_window_days": 7,
    }  # fmt: skip
    assert config["metagenome"]["reads"]["chunk_pairs"] == 2_000_000
    assert config["metagenome"]["databases"]["host"] is None
    assert set(config["contrasts"]) == {"baseline", "change", "response_change"}
    assert config["cohort"]["samples"] == ["s.tsv"]
    assert config["simulate"] is None
    assert config["covariates"] is None


def test_the_users_config_is_not_changed():
    before = json.dumps(MINIMAL)
    load()["cohort"]["samples"].append("x")
    assert json.dumps(MINIMAL) == before
    assert load()["cohort"]["samples"] == ["s.tsv"]


def test_filling_twice_changes_nothing():
    config = load(layers={"taxa": {"source": "metaphlan", "path": "t.tsv"}})
    assert load_config(config=config, schema_path=SCHEMA) == config


def test_contrasts_that_are_written_replace_the_default():
    config = load(contrasts={"baseline": None})
    assert config["contrasts"] == {"baseline": {"role": "exploratory"}}
    assert not needs_post(config=config)
    assert needs_post(config=load())


def test_an_empty_section_means_its_defaults():
    assert load(metagenome=None, visits={}, layers=None) == load()


def test_a_source_fixes_kind_and_unit():
    layers = load(
        layers={"taxa": {"source": "metaphlan", "path": "t"}, "paths": {"source": "humann", "path": ["a", "b"]}}
    )["layers"]
    assert (layers["taxa"]["kind"], layers["taxa"]["unit"]) == ("compositional", "percent")
    assert (layers["paths"]["kind"], layers["paths"]["unit"]) == ("compositional", "rpk")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"outputt": "x"}, [("C01", "outputt")]),
        ({"metagenome": {"reads": {"trff": True}}}, [("C01", "metagenome.reads.trff")]),
        ({"layers": {"a": TABLE | {"orientation": "rows"}}}, [("C03", "layers.a.orientation")]),
        ({"layers": {"A b": TABLE}}, [("C03", "layers.A b")]),
        ({"layers": {"a": {"source": "table"}}}, [("C04", "layers.a.path")]),
        ({"layers": {"a": {"source": "table", "path": "x"}}}, [("C05", "layers.a.kind"), ("C05", "layers.a.unit")]),
        ({"seed": True}, [("C02", "seed")]),
        ({"seed": -1}, [("C03", "seed")]),
        ({"visits": 7}, [("C02", "visits")]),
        ({"visits": {"post_window_days": [7]}}, [("C03", "visits.post_window_days")]),
        ({"visits": {"post_window_days": [7, "x"]}}, [("C02", "visits.post_window_days[1]")]),
        ({"visits": {"post_target_day": 90}}, [("C05", "visits.post_target_day")]),
        ({"contrasts": {}}, [("C03", "contrasts")]),
        ({"contrasts": {"survival": {}}}, [("C05", "cohort.lesions"), ("C05", "cohort.measurements")]),
        ({"contrasts": {"baseline": {"role": "main"}}}, [("C03", "contrasts.baseline.role")]),
        ({"covariates": "cohort"}, [("C02", "covariates")]),
        ({"covariates": ["age", "age"]}, [("C03", "covariates")]),
        ({"simulate": {}}, [("C04", "simulate.truth")]),
        ({"simulate": True}, [("C02", "simulate")]),
        ({"cohort": None}, [("C04", "cohort.patients"), ("C04", "cohort.samples")]),
        ({"cohort": {"patients": "p", "samples": []}}, [("C03", "cohort.samples")]),
        ({"response": {"source": "recist"}}, [("C05", "cohort.lesions"), ("C05", "cohort.measurements")]),
        ({"output": ""}, [("C03", "output")]),
        ({1: 2}, [("C01", "1")]),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_mistakes(keys, expected):
    assert problems(MINIMAL | keys) == expected


@pytest.mark.parametrize("config", [None, [], "text", 7])
def test_what_is_no_config_at_all(config):
    assert problems(config)[0][0] in {"C02", "C04"}


def test_all_mistakes_are_told_together():
    found = problems({"outputt": "x", "seed": "y", "dates": "z", "response": {"source": "given", "sourc": 1}})
    assert sorted(found) == [
        ("C01", "outputt"),
        ("C01", "response.sourc"),
        ("C02", "seed"),
        ("C03", "dates"),
        ("C04", "cohort"),
    ]


def test_did_you_mean():
    assert did_you_mean(word="Sample_ID", known=["patient_id", "sample_id"]) == "sample_id"
    assert did_you_mean(word="xyz", known=["patient_id", "sample_id"]) == ""

"""The profiles name rules that exist, and no rule asks for the same memory and time at each attempt."""

import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
RULES = {path.name: path.read_text() for path in sorted((ROOT / "rules").glob("*.smk"))}
SLURM = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
#: A resource of a rule: its name and the start of its value.
RESOURCE = re.compile(r"^ +(?P<name>mem_mb|runtime|disk_mb)=(?P<value>[\w.]+)", flags=re.MULTILINE)


def rules():
    """Rule -> its text."""
    found = {}
    for source in RULES.values():
        parts = re.split(r"^rule (\w+):", source, flags=re.MULTILINE)
        found |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return found


def test_groups_are_of_rules_that_exist():
    named = dict(entry.split("=") for entry in SLURM["groups"])
    assert set(named) <= set(rules())
    assert {entry.split("=")[0] for entry in SLURM["group-components"]} <= set(named.values())


def test_a_sample_that_fails_holds_up_no_other():
    joined = {entry.split("=")[0] for entry in SLURM["group-components"]}
    named = dict(entry.split("=") for entry in SLURM["groups"])
    assert {"check_reads", "clean_reads"} <= set(named)
    assert not joined & {
        named.get(rule) for rule in ("check_reads", "clean_reads", "profile_taxa", "profile_functions")
    }


def test_every_job_gets_more_memory_and_time_at_a_further_attempt():
    """Named functions grow by what their text says; a plain number never does."""
    functions = "".join(text for name, text in RULES.items() if name.startswith("functions"))
    parts = re.split(r"^def (\w+)\(", functions, flags=re.MULTILINE)
    growing = {name for name, body in zip(parts[1::2], parts[2::2], strict=True) if "attempt" in body}
    for name, text in rules().items():
        found = {match["name"]: match["value"] for match in RESOURCE.finditer(text)}
        if "localrule: True" in text and not found:
            continue
        assert {"mem_mb", "runtime"} <= set(found), name
        assert {found["mem_mb"], found["runtime"]} <= growing, f"{name}: {found}"


def test_the_profiles_do_not_contradict_each_other():
    """Snakemake takes a key from profiles/default where both name it; it would be of no use in the other."""
    default = set(re.findall(r"^([a-z-]+):", (ROOT / "profiles/default/profile.yaml").read_text(), flags=re.MULTILINE))
    assert "keep-going" in default
    assert default & set(SLURM) == set()

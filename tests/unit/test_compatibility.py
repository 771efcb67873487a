"""Tools and databases that work together pass; every known misfit is refused and the right one named."""

import time
from copy import deepcopy
from pathlib import Path

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome.compatibility import (
    check_compatibility,
    check_config,
    database_versions,
    in_range,
    pinned_versions,
    read_statements,
)
from gutaxis.metagenome.database_folders import (
    INDEX_PARTS,
    check_host_index,
    check_metaphlan_folder,
    check_nucleotide_folder,
    check_protein_folder,
    host_folder,
    installed_index,
)

pytestmark = pytest.mark.unit

RESOURCES = Path(__file__).parents[2] / "resources"
TABLE = RESOURCES / "compatibility.tsv"
INDEX = "mpa_vJun23_CHOCOPhlAnSGB_202403"
TOOLS = {"metaphlan": "4.1.1", "humann": "3.9", "bowtie2": "2.5.0", "diamond": "2.1.3"}


def check(**changes):
    tools = {**TOOLS, **{name: changes.pop(name) for name in list(changes) if name in TOOLS}}
    names = {"index": INDEX, "nucleotide": "v201901_v31", "protein": "201901b", **changes}
    return check_compatibility(tools=tools, table=TABLE, **names)


def test_pinned_combination_is_good_and_known():
    tools, databases = (
        pinned_versions(table=RESOURCES / "tools.tsv"),
        database_versions(table=RESOURCES / "databases.tsv"),
    )
    assert {name: tools[name] for name in TOOLS} == TOOLS
    assert databases["metaphlan"] == INDEX
    assert (
        check_compatibility(
            tools=tools,
            index=databases["metaphlan"],
            nucleotide=databases["nucleotide"],
            protein=databases["protein"],
            table=TABLE,
        )
        == []
    )


@pytest.mark.parametrize("version", ["4.1.2", "4.2.5", "4.10.0", "3.1.0"])
def test_metaphlan_that_humann_cannot_read_is_refused(version):
    [problem] = [p for p in check(metaphlan=version) if p.code == "D10"]
    assert "--version" in str(problem) and "Install metaphlan 4.1.1" in str(problem) and "pull/238" in str(problem)


@pytest.mark.parametrize(
    "index", ["mpa_vOct22_CHOCOPhlAnSGB_202212", "mpa_vOct22_CHOCOPhlAnSGB_202403", "mpa_vJan25_CHOCOPhlAnSGB_202503"]
)
def test_index_that_humann_cannot_use_is_refused_with_the_right_one(index):
    [problem] = check(index=index)
    assert (problem.code, problem.column, problem.value) == ("D11", "metagenome.index", index)
    assert f"Use {INDEX}" in problem.mend and "metagenome.functions to false" in problem.mend


def test_any_sgb_index_will_do_without_humann():
    tools = {"metaphlan": "4.1.1"}
    assert check_compatibility(tools=tools, index="mpa_vJan25_CHOCOPhlAnSGB_202503", table=TABLE) == []
    [problem] = check_compatibility(tools=tools, index="mpa_v31_CHOCOPhlAn_201901", table=TABLE)
    assert problem.code == "D11" and "SGB" in problem.wrong


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"nucleotide": "v296_201901b"}, "D12"),
        ({"protein": "201901"}, "D13"),
        ({"diamond": "0.9.24"}, "D10"),
        ({"bowtie2": "2.1.0"}, "D10"),
    ],
)
def test_other_misfits(change, code):
    [problem] = check(**change)
    assert problem.code == code and next(iter(change.values())) == problem.value


def test_all_misfits_at_once():
    codes = sorted(problem.code for problem in check(metaphlan="4.2.5", index="mpa_vJan25_X", protein="2022"))
    assert codes == ["D10", "D11", "D11", "D13"]


def test_unknown_humann_is_not_waved_through():
    [problem] = check(humann="3.7")
    assert problem.code == "D14" and ">=3.9,<3.10" in problem.allowed


def test_humann_alpha_has_its_own_needs():
    codes = [problem.code for problem in check(humann="4.0.0a1", nucleotide="", protein="")]
    assert codes == ["D10", "D11"]


def test_every_statement_has_reason_source_and_fitting_recommendation():
    for statement in read_statements(table=TABLE):
        assert statement.reason and statement.source
        tag = statement.recommended
        assert statement.allows(tag), statement


def test_it_is_fast_enough_for_every_dry_run():
    # the best of five: the bound is on the check, not on what else the machine does
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        check()
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.05


@pytest.mark.parametrize(
    ("version", "ranges", "answer"),
    [
        ("3.9", ">=3.9,<3.10", True),
        ("3.9.0", "==3.9", True),
        ("3.10", ">=3.9,<3.10", False),
        ("4.1.1", "<4.1.2", True),
        ("4.0.0a1", ">=4.0.0", False),
        ("4.0.0a2", ">4.0.0a1, <4", True),
        ("2.1.3.157", ">=2.0.15", True),
        ("1.0", "!=1", False),
        ("2", ">1,<=2", True),
    ],
)
def test_version_ranges(version, ranges, answer):
    assert in_range(version=version, ranges=ranges) is answer


def test_bad_versions_and_ranges():
    with pytest.raises(GutaxisError, match="is not a version number"):
        in_range(version="latest", ranges=">=1")
    with pytest.raises(GutaxisError, match="is not a version range"):
        in_range(version="1", ranges="about 1")


# Folders ------------------------------------------------------------------------------------------------------------


def fill(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def whole_index(name=INDEX):
    return [f"{name}.pkl", *(f"{name}.{part}.bt2l" for part in INDEX_PARTS)]


def test_whole_metaphlan_folder(tmp_path):
    folder = fill(tmp_path / "db", *whole_index(), *whole_index("mpa_vJan25_CHOCOPhlAnSGB_202503"), "mpa_latest")
    assert installed_index(folder=folder) == {INDEX: [], "mpa_vJan25_CHOCOPhlAnSGB_202503": []}
    assert check_metaphlan_folder(folder=folder, index=INDEX) == []


def test_wrong_index_names_both(tmp_path):
    folder = fill(tmp_path / "db", *whole_index("mpa_vJan25_CHOCOPhlAnSGB_202503"))
    [problem] = check_metaphlan_folder(folder=folder, index=INDEX)
    assert problem.code == "D21"
    assert "holds mpa_vJan25_CHOCOPhlAnSGB_202503, not " + INDEX in problem.wrong


def test_missing_parts_and_pickle(tmp_path):
    folder = fill(tmp_path / "db", *whole_index())
    (folder / f"{INDEX}.3.bt2l").unlink()
    (folder / f"{INDEX}.pkl").unlink()
    assert installed_index(folder=folder) == {INDEX: [f"{INDEX}.3.bt2l", f"{INDEX}.pkl"]}
    parts, pickle = check_metaphlan_folder(folder=folder, index=INDEX)
    assert (parts.code, pickle.code) == ("D22", "D23")
    assert f"{INDEX}.3.bt2l" in parts.wrong and f"{INDEX}.1.bt2l" not in parts.wrong
    assert f"{INDEX}_bt2.tar" in parts.mend and f"{INDEX}.tar" in pickle.mend


def test_small_index_is_explained(tmp_path):
    folder = fill(tmp_path / "db", f"{INDEX}.pkl", *(f"{INDEX}.{part}.bt2" for part in INDEX_PARTS))
    [problem] = check_metaphlan_folder(folder=folder, index=INDEX)
    assert problem.code == "D22" and "small index" in problem.wrong and "--large-index" in problem.mend


def test_no_index_at_all(tmp_path):
    for folder in (tmp_path / "missing", fill(tmp_path / "empty", "README")):
        [problem] = check_metaphlan_folder(folder=folder, index=INDEX)
        assert problem.code == "D20" and INDEX in problem.mend


CHOCO = "g__Bacteroides.s__Bacteroides_dorei.centroids.v201901_v31.ffn.gz"


def test_humann_folders(tmp_path):
    nucleotide = fill(tmp_path / "n", CHOCO, ".snakemake_timestamp")
    protein = fill(tmp_path / "p", "uniref90_201901b_full.dmnd")
    assert check_nucleotide_folder(folder=nucleotide) == [] == check_protein_folder(folder=protein)


def test_stray_files_are_named(tmp_path):
    folder = fill(tmp_path / "n", CHOCO, "README.md", ".DS_Store", *(f"x{n}" for n in range(9)))
    [problem] = check_nucleotide_folder(folder=folder)
    assert problem.code == "D25" and problem.mend == "Move these files elsewhere"
    assert ".DS_Store, README.md, x0, x1, x2 and 6 more" in problem.wrong


def test_folder_of_another_version(tmp_path):
    folder = fill(tmp_path / "n", CHOCO.replace("v201901_v31", "v296_201901b"))
    stray, empty = check_nucleotide_folder(folder=folder)
    assert (stray.code, empty.code) == ("D25", "D24")
    assert "version v201901_v31" in stray.mend


def test_protein_folder_without_diamond_database(tmp_path):
    [problem] = check_protein_folder(folder=fill(tmp_path / "p", "uniref90_201901b_full.fasta"))
    assert problem.code == "D24" and ".dmnd" in problem.wrong
    [problem] = check_protein_folder(folder=tmp_path / "none")
    assert problem.code == "D24" and problem.column == "metagenome.databases.protein"


def test_demonstration_folder_name(tmp_path):
    [problem] = check_nucleotide_folder(folder=fill(tmp_path / "chocophlan_DEMO", CHOCO))
    assert problem.code == "D26"


@pytest.mark.parametrize("ending", ["bt2", "bt2l"])
def test_host_index_as_folder_or_prefix(tmp_path, ending):
    folder = fill(tmp_path / "host", *(f"hg_39.{part}.{ending}" for part in INDEX_PARTS))
    assert check_host_index(path=folder) == [] == check_host_index(path=folder / "hg_39")
    assert host_folder(path=folder / "hg_39") == folder == host_folder(path=folder)


def test_host_index_problems(tmp_path):
    folder = fill(tmp_path / "host", *(f"hg_39.{part}.bt2" for part in INDEX_PARTS if part != "rev.1"))
    [problem] = check_host_index(path=folder)
    assert problem.code == "D27" and "hg_39.rev.1.bt2" in problem.wrong
    fill(folder, "mouse.1.bt2")
    [problem] = check_host_index(path=folder / "hg_39")
    assert "several bowtie2 indexes: hg_39, mouse" in problem.wrong
    [problem] = check_host_index(path=fill(tmp_path / "empty"))
    assert "no bowtie2 index" in problem.wrong


# The whole config ---------------------------------------------------------------------------------------------------

CONFIG = {
    "metagenome": {
        "databases": dict.fromkeys(["host", "metaphlan", "nucleotide", "protein", "pathways"]) | {"directory": "d"},
        "index": INDEX,
        "functions": True,
    }
}


def config_with(**changes):
    config = deepcopy(CONFIG)
    for key, value in changes.items():
        section = config["metagenome"] if key in ("index", "functions") else config["metagenome"]["databases"]
        section[key] = value
    return config


def test_default_config_passes():
    check_config(config=CONFIG, arm=True, resources=RESOURCES)


def test_nothing_is_checked_without_the_arm():
    check_config(config=config_with(index="nonsense"), arm=False, resources=RESOURCES)


def test_index_that_cannot_be_fetched():
    index = "mpa_vJan25_CHOCOPhlAnSGB_202503"
    with pytest.raises(GutaxisError) as error:
        check_config(config=config_with(index=index, functions=False), arm=True, resources=RESOURCES)
    assert [problem.code for problem in error.value.problems] == ["D15"]


def test_own_folders_are_looked_into(tmp_path):
    metaphlan = fill(tmp_path / "m", *whole_index("mpa_vOct22_CHOCOPhlAnSGB_202403"))
    nucleotide = fill(tmp_path / "n", CHOCO, "notes.txt")
    protein, host = fill(tmp_path / "p"), fill(tmp_path / "h")
    folders = {"metaphlan": metaphlan, "nucleotide": nucleotide, "protein": protein, "host": host}
    config = config_with(**{name: str(folder) for name, folder in folders.items()})
    with pytest.raises(GutaxisError) as error:
        check_config(config=config, arm=True, resources=RESOURCES)
    assert sorted(problem.code for problem in error.value.problems) == ["D21", "D24", "D25", "D27"]
    config["metagenome"]["functions"] = False
    with pytest.raises(GutaxisError) as error:
        check_config(config=config, arm=True, resources=RESOURCES)
    assert sorted(problem.code for problem in error.value.problems) == ["D21", "D27"]


def test_folders_that_the_run_will_make_are_not_missed():
    made = {name: f"made/by/the/run/{name}" for name in ("host", "metaphlan", "nucleotide", "protein")}
    check_config(config=config_with(**made), arm=True, resources=RESOURCES)

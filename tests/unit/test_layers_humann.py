"""HUMAnN tables: suffixes, special rows, strata, CPM, and each message about a wrong one."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.layers.humann import cpm, of_samples, read_table, read_tables

pytestmark = pytest.mark.unit

PATHWAYS = """# Pathway\tS1_Abundance
UNMAPPED\t40
UNINTEGRATED\t50
UNINTEGRATED|g__Bacteroides.s__Bacteroides_uniformis\t-0
PWY-7208: superpathway of pyrimidine nucleobases salvage\t8
PWY-7208: superpathway of pyrimidine nucleobases salvage|g__Bacteroides.s__Bacteroides_uniformis\t5
PWY-7208: superpathway of pyrimidine nucleobases salvage|unclassified\t3
PWY-3841: folate transformations II\t2
"""
GENES = """# Gene Family\tS1_Abundance-RPKs\tS2_Abundance-RPKs
UNMAPPED\t100\t0
UniRef90_A\t300\t10
UniRef90_A|unclassified\t300\t10
"""


def write(path, text):
    path.write_text(text)
    return path


def message(call, **arguments):
    with pytest.raises(GutaxisError) as error:
        call(**arguments)
    return str(error.value)


def test_pathway_table_of_one_sample(tmp_path):
    table = read_table(path=write(tmp_path / "p.tsv", PATHWAYS))
    assert list(table.values.columns) == ["S1"]
    assert list(table.values.index) == ["PWY-7208", "PWY-3841"]
    assert table.names["PWY-7208"] == "PWY-7208: superpathway of pyrimidine nucleobases salvage"
    assert list(table.special.index) == ["UNMAPPED", "UNINTEGRATED"]
    assert len(table.stratified) == 3
    assert str(table.stratified.iloc[0, 0]) == "0.0"  # -0 is cleaned
    assert table.unit == "rpk"


def test_cpm_is_of_the_whole_community_and_stays_put(tmp_path):
    once = cpm(functions=read_table(path=write(tmp_path / "p.tsv", PATHWAYS)))
    # humann_renorm_table --units cpm: total 40 + 50 + 8 + 2 = 100, strata over the same total
    assert once.values["S1"].to_dict() == {"PWY-7208": 80_000.0, "PWY-3841": 20_000.0}
    assert once.special["S1"].to_dict() == {"UNMAPPED": 400_000.0, "UNINTEGRATED": 500_000.0}
    assert once.stratified["S1"].tolist() == [0.0, 50_000.0, 30_000.0]
    assert once.unit == "cpm"
    twice = cpm(functions=once)
    assert twice.values.equals(once.values)


def test_joined_gene_families_and_choice_of_samples(tmp_path):
    table = read_table(path=write(tmp_path / "g.tsv", GENES))
    assert list(table.values.columns) == ["S1", "S2"]
    assert cpm(functions=table).values.loc["UniRef90_A"].tolist() == [750_000.0, 1_000_000.0]
    assert list(of_samples(functions=table, samples=["S2"]).special.columns) == ["S2"]


@pytest.mark.parametrize(
    ("column", "sample", "unit"),
    [
        ("S1_Abundance", "S1", "rpk"), ("S1_Abundance-CPM", "S1", "cpm"), ("S1_Abundance-RELAB", "S1", "relab"),
        ("S1", "S1", "rpk"), ("S1_paired_Abundance-RPKs", "S1_paired", "rpk"),
    ],
)  # fmt: skip
def test_suffixes(tmp_path, column, sample, unit):
    table = read_table(path=write(tmp_path / "p.tsv", PATHWAYS.replace("S1_Abundance", column)))
    assert (list(table.values.columns), table.unit) == ([sample], unit)


def test_prefix_and_suffix_by_config(tmp_path):
    path = write(tmp_path / "p.tsv", PATHWAYS.replace("S1_Abundance", "x_S1_kneaddata_Abundance"))
    table = read_table(path=path, sample_prefix="x_", sample_suffix="_kneaddata")
    assert list(table.values.columns) == ["S1"]


def test_tables_of_several_samples_are_joined(tmp_path):
    folder = tmp_path / "pathways"
    folder.mkdir()
    write(folder / "1.tsv", PATHWAYS)
    other = PATHWAYS.replace("S1_", "S2_").replace("PWY-3841: folate transformations II", "PWY-1: x")
    write(folder / "2.tsv", other)
    joined = read_tables(paths=[folder])
    assert joined.values.loc["PWY-1"].tolist() == [0.0, 2.0]
    assert joined.values.loc["PWY-3841"].tolist() == [2.0, 0.0]
    assert joined.names["PWY-1"] == "PWY-1: x"
    assert list(joined.values.index) == sorted(joined.values.index)


def test_unmapped_only_profile_is_valid(tmp_path):
    table = cpm(functions=read_table(path=write(tmp_path / "p.tsv", "# Pathway\tS1_Abundance\nUNMAPPED\t5\n")))
    assert table.values.empty
    assert table.special.at["UNMAPPED", "S1"] == 1_000_000.0


def test_not_a_humann_table_and_coverage(tmp_path):
    path = write(tmp_path / "x.tsv", "id\tS1\nA\t1\n")
    assert "L03 x.tsv:1 value=id: this is no HUMAnN table" in message(read_table, path=path)
    path = write(tmp_path / "c.tsv", PATHWAYS.replace("_Abundance", "_Coverage"))
    assert "pathway coverage is no abundance" in message(read_table, path=path)


def test_duplicates_are_named(tmp_path):
    path = write(tmp_path / "p.tsv", PATHWAYS + "UNMAPPED\t1\n")
    assert "L02 p.tsv:9 value=UNMAPPED: feature UNMAPPED is in the table twice, first in line 2" in message(
        read_table, path=path
    )
    path = write(tmp_path / "g.tsv", GENES.replace("S2_", "S1_"))
    assert "sample column(s) S1 occur more than once" in message(read_table, path=path)
    path = write(tmp_path / "n.tsv", PATHWAYS + "PWY-3841: other name\t1\n")
    assert "one feature id under two names" in message(read_table, path=path)
    paths = [write(tmp_path / f"{name}.tsv", PATHWAYS) for name in ("a", "b")]
    assert "sample S1 is also in a.tsv" in message(read_tables, paths=paths)


@pytest.mark.parametrize("cell", ["abc", "-3", "", "nan", "inf"])
def test_wrong_cell(tmp_path, cell):
    path = write(tmp_path / "p.tsv", PATHWAYS.replace("II\t2", f"II\t{cell}"))
    found = message(read_table, path=path)
    assert f"L04 p.tsv:8 column=S1_Abundance value={cell or '(empty)'}: the cell is no abundance" in found


def test_ragged_row(tmp_path):
    path = write(tmp_path / "p.tsv", PATHWAYS + "PWY-9\t1\t2\n")
    assert "the row has 3 cells, the header 2" in message(read_table, path=path)


def test_tables_made_in_different_ways(tmp_path):
    paths = [write(tmp_path / "a.tsv", PATHWAYS)]
    paths.append(write(tmp_path / "b.tsv", PATHWAYS.replace("S1_Abundance", "S2_Abundance-CPM")))
    assert "the tables do not fit together: units cpm, rpk" in message(read_tables, paths=paths)
    paths[1] = write(tmp_path / "c.tsv", PATHWAYS.replace("S1_", "S2_").replace("UNMAPPED\t40\n", ""))
    assert "some with and some without an UNMAPPED row" in message(read_tables, paths=paths)


def test_sample_without_abundance(tmp_path):
    path = write(tmp_path / "g.tsv", GENES.replace("\t10\n", "\t0\n"))
    assert "sample(s) S2 have no abundance at all" in message(cpm, functions=read_table(path=path))


@pytest.mark.tools
def test_cpm_equals_humann_renorm_table(tmp_path):
    program = Path(__file__).resolve().parents[2] / ".tools" / "bin" / "humann_renorm_table"
    if not program.exists():
        pytest.skip("humann_renorm_table is not installed (make setup)")
    path = write(tmp_path / "p.tsv", PATHWAYS)
    subprocess.run([program, "-i", path, "-o", tmp_path / "cpm.tsv", "-u", "cpm"], check=True, capture_output=True)
    theirs = read_table(path=tmp_path / "cpm.tsv")
    ours = cpm(functions=read_table(path=path))
    for name in ("values", "special", "stratified"):
        pd.testing.assert_frame_equal(getattr(ours, name), getattr(theirs, name), rtol=1e-5)

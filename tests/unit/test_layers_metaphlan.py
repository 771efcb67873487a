"""MetaPhlAn tables of every version, in every shape, and each message about a wrong one."""

import gzip

import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.layers.metaphlan import find_tables, read_profile, read_profiles
from gutaxis.layers.ranks import lineage_table, taxa_of_rank

pytestmark = pytest.mark.unit

GENUS = "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Oscillospiraceae|g__Faecalibacterium"
OTHER = "k__Bacteria|p__Bacteroidota|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae|g__Bacteroides"
PRAUSNITZII = f"{GENUS}|s__Faecalibacterium_prausnitzii"
UNIFORMIS = f"{OTHER}|s__Bacteroides_uniformis"
INDEX = "#mpa_vJun23_CHOCOPhlAnSGB_202403"


def rows(first, second, *, taxid="", sgb=True):
    """Rows of all ranks for two species with the given percentages."""
    lines = []
    for species, sgb_name, value in ((PRAUSNITZII, "SGB15316", first), (UNIFORMIS, "SGB1836", second)):
        parts = species.split("|")
        names = ["|".join(parts[: depth + 1]) for depth in range(1, 7)]
        lines += [f"{name}\t{taxid}{value}" for name in names]
        if sgb:
            lines.append(f"{species}|t__{sgb_name}\t{taxid}{value}")
    total = first + second
    return [f"k__Bacteria\t{taxid}{total}", *lines]


def profile4(path, sample, first, second, *, unclassified=None, index=INDEX, sample_line=True):
    lines = [index, "#/opt/metaphlan reads.fastq -x other_index", "#1000 reads processed"]
    lines += [f"#SampleID\t{sample}"] if sample_line else []
    lines += ["#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species"]
    if unclassified is not None:
        lines.append(f"UNCLASSIFIED\t-1\t{unclassified}\t")
    lines += [f"{row}\t" for row in rows(first, second, taxid="2|1224|\t")]
    path.write_text("\n".join(lines) + "\n")
    return path


def merged(path, columns, first, second, *, index=None, header="clade_name", taxid=False):
    lines = [index] if index else []
    lines.append("\t".join([header, *(["NCBI_tax_id"] if taxid else []), *columns]))
    for clade in dict.fromkeys(row.split("\t")[0] for row in rows(1, 1)):
        low = clade.startswith((GENUS, "k__Bacteria|p__Firmicutes"))
        value = (
            [a + b for a, b in zip(first, second, strict=True)] if clade == "k__Bacteria" else first if low else second
        )
        lines.append("\t".join([clade, *(["2|"] if taxid else []), *map(str, value)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def message(call, **arguments):
    with pytest.raises(GutaxisError) as error:
        call(**arguments)
    return str(error.value)


def test_profile_of_version_4(tmp_path):
    profile = read_profile(path=profile4(tmp_path / "file_name.txt", "S1", 60.0, 30.0, unclassified=10.0))
    assert list(profile.percent.columns) == ["S1"]
    assert profile.index == "mpa_vJun23_CHOCOPhlAnSGB_202403"  # from its own line, not from the command line
    assert profile.unclassified["S1"] == 10.0
    assert profile.taxid[PRAUSNITZII] == "2|1224|"
    taxa = taxa_of_rank(profiles=profile, rank="species")
    assert taxa.denominator == "all reads"
    assert taxa.values.loc["S1"].to_dict() == {
        "Bacteroides_uniformis": 0.3, "Faecalibacterium_prausnitzii": 0.6,
    }  # fmt: skip
    assert taxa.unclassified["S1"] == pytest.approx(0.1)


def test_profile_without_sample_line_is_named_by_its_file_and_suffix_goes_only_if_asked(tmp_path):
    path = profile4(tmp_path / "S7_profile.txt", "", 60.0, 40.0, sample_line=False)
    assert list(read_profile(path=path).percent.columns) == ["S7_profile"]
    assert list(read_profile(path=path, sample_suffix="_profile").percent.columns) == ["S7"]


def test_placeholder_id_of_version_3_is_no_sample_id(tmp_path):
    path = profile4(tmp_path / "S8.tsv", "Metaphlan_Analysis", 60.0, 40.0, index="#mpa_v30_CHOCOPhlAn_201901")
    assert list(read_profile(path=path).percent.columns) == ["S8"]


def test_version_3_header_in_blanks_and_unknown_beside_full_sum(tmp_path):
    path = tmp_path / "demo.tsv"
    lines = ["#v30_CHOCOPhlAn_201901", "#SampleID       Metaphlan2_Analysis"]
    lines += ["#clade_name     NCBI_tax_id     relative_abundance", "UNKNOWN -1      51.49048"]
    path.write_text("\n".join(lines + rows(65.0, 35.0, taxid="\t", sgb=False)) + "\n")
    profile = read_profile(path=path)
    assert profile.index == "v30_CHOCOPhlAn_201901"
    taxa = taxa_of_rank(profiles=profile, rank="species")
    assert taxa.denominator == "classified reads"
    assert taxa.unclassified.iloc[0] == pytest.approx(0.5149048)
    assert taxa.values.to_numpy().sum() == pytest.approx(1.0)


def test_version_2_with_two_columns(tmp_path):
    path = tmp_path / "old.txt"
    path.write_text("\n".join(["#SampleID\tMetaphlan2_Analysis", *rows(70.0, 30.0, sgb=False)]) + "\n")
    assert taxa_of_rank(profiles=read_profile(path=path), rank="species").values.index.tolist() == ["old"]


def test_read_statistics_shape_takes_abundance_not_coverage(tmp_path):
    path = tmp_path / "S1.txt"
    header = "#clade_name\tclade_taxid\trelative_abundance\tcoverage\testimated_number_of_reads_from_the_clade"
    body = [f"{row.rpartition(chr(9))[0]}\t2\t{row.rpartition(chr(9))[2]}\t0.5\t77" for row in rows(60.0, 40.0)]
    path.write_text("\n".join([INDEX, "#SampleID\tS1", header, *body]) + "\n")
    taxa = taxa_of_rank(profiles=read_profile(path=path), rank="species")
    assert sorted(taxa.values.loc["S1"]) == [0.4, 0.6]


@pytest.mark.parametrize("header", ["clade_name", "ID", "#clade_name"])
@pytest.mark.parametrize("index", [None, INDEX])
@pytest.mark.parametrize("taxid", [False, True])
def test_merged_table(tmp_path, header, index, taxid):
    path = tmp_path / "merged.txt"
    merged(path, ["mp_A", "mp_B"], [60.0, 0.0], [40.0, 100.0], header=header, index=index, taxid=taxid)
    profiles = read_profile(path=path, sample_prefix="mp_")
    taxa = taxa_of_rank(profiles=profiles, rank="sgb")
    assert list(taxa.values.index) == ["A", "B"]
    assert taxa.values.loc["B"].to_dict() == {"SGB15316": 0.0, "SGB1836": 1.0}
    assert profiles.index == (index[1:] if index else "unknown")
    assert taxa.unclassified.isna().all()
    assert taxa.var.at["SGB15316", "label"] == "Faecalibacterium prausnitzii (SGB15316)"
    assert taxa.var.at["SGB15316", "family"] == "Oscillospiraceae"
    assert taxa.var.at["SGB15316", "taxid"] == ("2|" if taxid else "")


def test_merged_table_with_byte_order_mark_crlf_and_gzip(tmp_path):
    path = merged(tmp_path / "m.txt", ["A"], [60.0], [40.0])
    packed = tmp_path / "m2.txt.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")))
    assert read_profile(path=packed).percent.equals(read_profile(path=path).percent)


def test_folder_and_list_fill_absent_clades_with_zero(tmp_path):
    folder = tmp_path / "profiles"
    folder.mkdir()
    profile4(folder / "b.txt", "B", 100.0, 0.0)
    one = profile4(folder / "a.txt", "A", 60.0, 40.0)
    text = (folder / "b.txt").read_text()
    (folder / "b.txt").write_text("".join(line for line in text.splitlines(True) if "Bacteroid" not in line))
    (folder / ".hidden.txt").write_text("x")
    (folder / "log.md").write_text("x")
    profiles = read_profiles(paths=[folder])
    assert list(profiles.percent.columns) == ["A", "B"]
    assert profiles.percent.at[UNIFORMIS, "B"] == 0.0
    assert read_profiles(paths=[one, folder / "b.txt"]).percent.equals(profiles.percent)


def test_lineage_table_follows_the_marks_not_the_position():
    table = lineage_table(clades=["k__Viruses|s__Some_phage", "k__Bacteria|p__X", "bare_name"])
    assert table["depth"].tolist() == ["s", "p", ""]
    assert table["species"].tolist() == ["Some_phage", "", ""]


def test_missing_path_and_empty_folder(tmp_path):
    assert "L01 none: no table here" in message(find_tables, paths=[tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    assert "the folder holds none" in message(find_tables, paths=[tmp_path / "empty"])


def test_other_table_is_no_profile(tmp_path):
    path = tmp_path / "flow.tsv"
    path.write_text("sample\tCD8\tCD4\nA\t1\t2\n")
    assert "L03 flow.tsv:1: this is no MetaPhlAn profile" in message(read_profile, path=path)


def test_duplicate_clade_and_column_are_named(tmp_path):
    path = merged(tmp_path / "m.txt", ["A", "A"], [60.0, 1.0], [40.0, 99.0])
    assert "sample column(s) A occur more than once" in message(read_profile, path=path)
    path = profile4(tmp_path / "p.txt", "S1", 60.0, 40.0)
    path.write_text(path.read_text() + f"{UNIFORMIS}\t2\t1.0\t\n")
    found = message(read_profile, path=path)
    assert f"clade {UNIFORMIS} is in the table twice" in found
    assert "L02 p.txt:21" in found


def test_prefix_that_makes_two_columns_equal_is_refused(tmp_path):
    path = merged(tmp_path / "m.txt", ["mp_A", "A"], [60.0, 1.0], [40.0, 99.0])
    assert "sample column(s) A occur more than once" in message(read_profile, path=path, sample_prefix="mp_")


def test_sample_in_two_files_is_named_with_both(tmp_path):
    paths = [profile4(tmp_path / name, "S1", 60.0, 40.0) for name in ("a.txt", "b.txt")]
    assert "sample S1 is in more than one file: a.txt, b.txt" in message(read_profiles, paths=paths)


def test_mixed_databases_are_refused(tmp_path):
    paths = [profile4(tmp_path / "a.txt", "A", 60.0, 40.0)]
    paths.append(profile4(tmp_path / "b.txt", "B", 60.0, 40.0, index="#mpa_vOct22_CHOCOPhlAnSGB_202212"))
    found = message(read_profiles, paths=paths)
    assert "L05" in found
    assert "mpa_vJun23_CHOCOPhlAnSGB_202403 (a.txt); mpa_vOct22_CHOCOPhlAnSGB_202212 (b.txt)" in found


@pytest.mark.parametrize("cell", ["", "abc", "-1", "inf", "NA"])
def test_wrong_cell_is_named_with_line_and_column(tmp_path, cell):
    path = merged(tmp_path / "m.txt", ["A", "B"], [60.0, 50.0], [40.0, 50.0])
    lines = path.read_text().splitlines()
    lines[3] = lines[3].rpartition("\t")[0] + f"\t{cell}"
    path.write_text("\n".join(lines) + "\n")
    assert f"L04 m.txt:4 column=B value={cell or '(empty)'}: the cell is no percentage" in message(
        read_profile, path=path
    )


def test_ragged_row(tmp_path):
    path = merged(tmp_path / "m.txt", ["A", "B"], [60.0, 50.0], [40.0, 50.0])
    path.write_text(path.read_text() + "k__Archaea\t0\n")
    assert "the row has 2 cells, the header 3" in message(read_profile, path=path)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0.6, 0.4, "these look like fractions. 100 % within 1 point at the rank in use. Set `unit: fraction`"),
        (6.0, 4.0, "a near-empty or cut profile, or rows were filtered out"),
        (120.0, 80.0, "more than one rank is counted"),
    ],
)
def test_wrong_sums_say_sample_sum_and_what_to_do(tmp_path, first, second, expected):
    path = merged(tmp_path / "m.txt", ["A", "B"], [first, 50.0], [second, 50.0])
    found = message(taxa_of_rank, profiles=read_profile(path=path), rank="species")
    assert f"L07 m.txt column=A value={first + second:g}" in found
    assert "the taxa of sample A sum to" in found
    assert expected in found
    assert "column=B" not in found


def test_only_samples_in_use_are_checked(tmp_path):
    profiles = read_profile(path=merged(tmp_path / "m.txt", ["A", "B"], [6.0, 50.0], [4.0, 50.0]))
    assert list(taxa_of_rank(profiles=profiles, rank="species", samples=["B"]).values.index) == ["B"]


def test_profile_cut_at_genus_is_told(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text(f"clade_name\tA\nk__Bacteria\t100\n{GENUS}\t100\n{GENUS}|s__X\t0\n")
    found = message(taxa_of_rank, profiles=read_profile(path=path), rank="species")
    assert "the profile has no row of this rank" in found


def test_rank_that_the_table_lacks(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text("\n".join(["clade_name\tA", *rows(60.0, 40.0, sgb=False)]) + "\n")
    found = message(taxa_of_rank, profiles=read_profile(path=path), rank="sgb")
    assert "L06 m.txt value=sgb: the table holds no clade of rank sgb" in found
    path.write_text("clade_name\tAkkermansia\nAkkermansia_muciniphila\t100\n")
    found = message(taxa_of_rank, profiles=read_profile(path=path), rank="species")
    assert "its first rows are Akkermansia_muciniphila" in found
    assert "use `source: table`" in found
    assert "L06 rank=genus: unknown rank" in message(taxa_of_rank, profiles=read_profile(path=path), rank="genus")


def test_one_species_under_two_lineages(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text(f"clade_name\tA\n{GENUS}|s__X\t50\n{OTHER}|s__X\t50\n")
    assert "one species under two lineages" in message(taxa_of_rank, profiles=read_profile(path=path), rank="species")


def test_profile_without_any_taxon_is_set_apart(tmp_path):
    path = tmp_path / "blank.txt"
    header = "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species"
    path.write_text("\n".join([INDEX, "#SampleID\tblank", header, "UNCLASSIFIED\t-1\t100.0\t"]) + "\n")
    profiles = read_profiles(paths=[path, profile4(tmp_path / "a.txt", "A", 60.0, 30.0, unclassified=10.0)])
    taxa = taxa_of_rank(profiles=profiles, rank="species")
    assert taxa.empty == ["blank"]
    assert list(taxa.values.index) == ["A"]


def test_samples_with_and_without_unclassified_estimation(tmp_path):
    paths = [profile4(tmp_path / "a.txt", "A", 60.0, 30.0, unclassified=10.0)]
    paths.append(profile4(tmp_path / "b.txt", "B", 60.0, 40.0))
    found = message(taxa_of_rank, profiles=read_profiles(paths=paths), rank="species")
    assert "taxa are fractions of all reads in A but of the classified reads in B" in found
    fine = [paths[0], profile4(tmp_path / "c.txt", "C", 60.0, 40.0, unclassified=0.0)]
    assert taxa_of_rank(profiles=read_profiles(paths=fine), rank="species").denominator == "all reads"


def test_fractions_are_exact_and_sum_to_one(tmp_path):
    values = np.array([12.34567, 87.65433])
    path = merged(tmp_path / "m.txt", ["A"], [values[0]], [values[1]])
    taxa = taxa_of_rank(profiles=read_profile(path=path), rank="species")
    pd.testing.assert_series_equal(
        taxa.values.loc["A"], pd.Series(values[::-1] / 100, index=taxa.values.columns, name="A"), check_exact=True
    )

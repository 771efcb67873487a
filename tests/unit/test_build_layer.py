"""Alignment with the sheets, the layer itself, its bytes, and the whole way from files to a layer."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import anndata as ad
import mudata as md
import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.layers.align import align
from gutaxis.layers.assemble import assemble_layer, stratify_layer
from gutaxis.layers.build import build_layer, write_dropped, write_layer, write_twin
from gutaxis.layers.mudata import combine_files, combine_layers, visit_names
from gutaxis.layers.names import id_from_file, suggest_affix

pytestmark = pytest.mark.unit

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def observations(ids=("S1", "S2", "S3"), **more):
    columns = {
        "patient_id": [f"P{at // 2}" for at in range(len(ids))],
        "timepoint": ["PRE" if at % 2 == 0 else "POST" for at in range(len(ids))],
        "batch": "B1", "age": 60.0, "sex": ["M", None, "F"] * (len(ids) // 3) + ["M"] * (len(ids) % 3),
    } | more  # fmt: skip
    return pd.DataFrame(columns, index=pd.Index(ids, name="sample_id"))


def values(ids=("S1", "S2", "S3")):
    return pd.DataFrame({"b": np.arange(len(ids)) / 10, "a": 0.5}, index=list(ids))


def layer(**more):
    arguments = {"values": values(), "observations": observations(), "name": "x", "arm": "table"}
    return build_layer(**(arguments | {"kind": "compositional", "unit": "fraction"} | more))


def message(call, **arguments):
    with pytest.raises(GutaxisError) as error:
        call(**arguments)
    return str(error.value)


def sha(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


# --- alignment


def test_align_reports_every_reason():
    ids = ["S1", "S2", "S3", "S4", "S5", "S6"]
    obs = observations(
        ids, control=["N", "N", "BLANK", "N", "MOCK", "N"], qc=["PASS", "FAIL", "PASS", "PASS", "FAIL", "PASS"]
    )
    table = values(["S6", "S1", "S2", "S3", "X9"])
    got, kept, dropped = align(values=table, observations=obs)
    assert got.index.tolist() == kept.index.tolist() == ["S1", "S6"]
    assert dict(dropped.itertuples(index=False)) == {
        "S2": "qc FAIL", "S3": "control BLANK", "S4": "no profile in the table", "S5": "control MOCK",
        "X9": "not in the sheets",
    }  # fmt: skip


def test_align_fail_names_both_sides_but_not_controls():
    obs = observations(["S1", "S2", "S3"], control=["N", "N", "BLANK"])
    found = message(align, values=values(["S1", "X9"]), observations=obs, missing="fail", file="t.tsv")
    assert "L11 t.tsv: 2 sample(s) without a counterpart: in the table, not in the sheets: X9; " in found
    assert "in the sheets, not in the table: S2" in found
    got, _, _ = align(values=values(["S1", "S2"]), observations=obs, missing="fail")
    assert len(got) == 2
    assert "missing=drop" in message(align, values=values(), observations=obs, missing="drop")


def test_no_overlap_suggests_prefix_orientation_or_assay():
    obs = observations()
    found = message(align, values=values(["metaphlan_S1", "metaphlan_S2"]), observations=obs, file="m.txt")
    assert "L12 m.txt: none of the 2 sample names of the table (metaphlan_S1, metaphlan_S2)" in found
    assert "Set `sample_prefix: metaphlan_`: it turns 2 of 2 names into sample ids" in found
    found = message(align, values=values(["S1_profile", "S2_profile"]), observations=obs)
    assert "Set `sample_suffix: _profile`" in found
    found = message(align, values=values(["mp_A", "mp_B"]), observations=obs)
    assert "All names begin with `mp_`" in found
    found = message(align, values=values(["foo", "bar"]), observations=obs)
    assert "Use the same names" in found
    turned = values().T
    assert "the sample ids are where the features should be" in message(align, values=turned, observations=obs)
    found = message(align, values=values(), observations=observations(qc="FAIL"))
    assert "the sheets hold no patient's sample" in found


def test_names():
    assert id_from_file(path="a/S1.v2_profile.tsv.gz") == "S1.v2_profile"
    assert suggest_affix(names=["x_1", "y_2"], sample_ids=["1", "2", "3"]).startswith("Set `sample_prefix: x_`")
    assert suggest_affix(names=["x"], sample_ids=["1"]) == ""


# --- the layer


def test_layer_is_sorted_float64_and_plain():
    built = layer(
        values=values(["S3", "S1", "S2"]), uns={"index": "v1", "nothing": None},
        observations=observations(empty=None, paired=[True, False, True]),
    )  # fmt: skip
    assert built.obs_names.tolist() == ["S1", "S2", "S3"]
    assert built.var_names.tolist() == ["a", "b"]
    assert built.X.dtype == np.float64
    assert built.X[0].tolist() == [0.5, 0.1]
    assert built.uns == {"arm": "table", "index": "v1", "kind": "compositional", "name": "x", "unit": "fraction"}
    assert built.obs["sex"].isna().tolist() == [False, True, False]
    assert built.obs["empty"].isna().all()
    assert built.obs["paired"].tolist() == [True, False, True]
    assert built.var["label"].tolist() == ["a", "b"]


@pytest.mark.parametrize("column", ["response", "os_days", "Death", "bor", "after_pd"])
def test_outcome_in_observations_is_refused_by_name(column, tmp_path):
    found = message(layer, observations=observations(**{column: 1}))
    assert f"L09 x column={column}: observation `{column}` reads like a response or an outcome" in found
    built = layer()
    built.obs[column] = 1
    assert f"column={column}" in message(write_layer, adata=built, path=tmp_path / "x.h5ad")
    assert not (tmp_path / "x.h5ad").exists()


def test_outcome_among_features_and_misfits_are_refused():
    assert "feature `PFS2` reads like" in message(layer, values=values().rename(columns={"a": "PFS2"}))
    assert "L13 x: samples that do not fit: S3" in message(layer, values=values(["S1", "S2"]))
    assert "L13 x: features that do not fit: b" in message(layer, var=pd.DataFrame(index=["a"]))
    twice = values().rename(columns={"a": "b"})
    assert "features that do not fit: b" in message(layer, values=twice, var=pd.DataFrame(index=["b", "b"]))
    nothing = {"values": values([]), "observations": observations([])}
    assert "the layer has 0 samples and 2 features" in message(layer, **nothing)
    assert "kind=ratio" in message(layer, kind="ratio")


def test_equal_content_gives_equal_bytes_in_another_process_and_second(tmp_path):
    program = f"""
import sys; sys.path.insert(0, {str(SCRIPTS)!r})
import numpy as np, pandas as pd
from gutaxis.layers.build import build_layer, write_layer, write_twin
from gutaxis.layers.mudata import combine_files
rng = np.random.default_rng(1)
ids = [f"S{{i}}" for i in range(12)]
order = np.random.default_rng(int(sys.argv[2])).permutation(12)
obs = pd.DataFrame({{"patient_id": [f"P{{i // 2}}" for i in range(12)], "timepoint": ["PRE", "POST"] * 6}}, index=ids)
obs["sex"] = ["M", None] * 6
values = pd.DataFrame(rng.random((12, 30)), index=ids, columns=[f"f{{i}}" for i in range(30)])
dropped = pd.DataFrame({{"sample_id": ["z"], "reason": ["why"]}})
built = build_layer(values=values.iloc[order], observations=obs.iloc[order[::-1]], name="x", arm="table",
    kind="continuous", unit="other", uns={{"dropped": dropped, "b": 1, "a": "t"}})
write_layer(adata=built, path=sys.argv[1] + ".h5ad")
write_twin(adata=built, path=sys.argv[1] + ".tsv")
combine_files(paths={{"y": sys.argv[1] + ".h5ad", "x": sys.argv[1] + ".h5ad"}}, output=sys.argv[1] + ".h5mu")
"""
    for name, seed, hashing in (("one", "1", "0"), ("two", "2", "77")):
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / name), seed],
            env={"PYTHONHASHSEED": hashing}, check=True,
        )  # fmt: skip
        time.sleep(1.1)  # HDF5 time stamps count seconds
    for end in ("h5ad", "tsv", "h5mu"):
        assert sha(tmp_path / f"one.{end}") == sha(tmp_path / f"two.{end}"), end
    back = ad.read_h5ad(tmp_path / "one.h5ad")
    assert back.obs["sex"].isna().sum() == 6
    assert back.uns["dropped"].iloc[0].tolist() == ["z", "why"]


def test_write_is_atomic(tmp_path, monkeypatch):
    path = tmp_path / "x.h5ad"
    write_layer(adata=layer(), path=path)
    before = sha(path)

    def broken(self, filename):
        Path(filename).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(ad.AnnData, "write_h5ad", broken)
    with pytest.raises(OSError, match="disk full"):
        write_layer(adata=layer(), path=path)
    assert sha(path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.h5ad"]


def test_twin_and_dropped(tmp_path):
    write_twin(adata=layer(values=values().replace(0.0, np.nan)), path=tmp_path / "x.tsv")
    lines = (tmp_path / "x.tsv").read_text().splitlines()
    assert lines[0] == "# layer x; kind compositional; unit fraction; features x samples"
    assert lines[1:] == ["feature\tS1\tS2\tS3", "a\t0.5\t0.5\t0.5", "b\tNA\t0.1\t0.2"]
    dropped = pd.DataFrame({"sample_id": ["b", "a"], "reason": ["2", "1"], "more": 0})
    write_dropped(dropped=dropped, path=tmp_path / "d.tsv")
    assert (tmp_path / "d.tsv").read_text() == "sample_id\treason\na\t1\nb\t2\n"


# --- MuData


@pytest.mark.filterwarnings("ignore:From 0.4:FutureWarning")  # of mudata, when it reads
def test_visits_join_layers_of_different_samples(tmp_path):
    stool = layer(name="taxa")
    blood_ids = ["M1", "M2", "M3"]
    blood = layer(name="metabolites", values=values(blood_ids), observations=observations(blood_ids))
    whole = combine_layers(layers={"taxa": stool, "metabolites": blood})
    assert list(whole.mod) == ["metabolites", "taxa"]
    assert whole.obs_names.tolist() == ["P0:POST", "P0:PRE", "P1:PRE"]
    assert whole.obs["patient_id"].tolist() == ["P0", "P0", "P1"]
    assert whole["taxa"].obs.loc["P0:PRE", "sample_id"] == "S1"
    assert whole["metabolites"].var_names.tolist() == ["metabolites:a", "metabolites:b"]
    assert whole.var_names.is_unique
    assert "there is no layer to combine" in message(combine_layers, layers={})
    write_layer(adata=stool, path=tmp_path / "taxa.h5ad")
    combine_files(paths={"taxa": tmp_path / "taxa.h5ad"}, output=tmp_path / "layers.h5mu")
    assert md.read_h5mu(tmp_path / "layers.h5mu")["taxa"].shape == (3, 2)


def test_visit_with_several_samples():
    obs = observations(["S1", "S2", "S3"], patient_id="P0", timepoint="POST")
    assert visit_names(observations=obs).tolist() == ["P0:POST:S1", "P0:POST:S2", "P0:POST:S3"]
    obs["pair_status"] = ["EXTRA", "PAIRED", "EXTRA"]
    assert visit_names(observations=obs).tolist() == ["P0:POST:S1", "P0:POST", "P0:POST:S3"]
    assert visit_names(observations=observations().drop(columns="timepoint")).tolist() == ["P0:S1", "P0:S2", "P1"]


# --- from files to a layer


def assemble(tmp_path, text, *, source, suffix=".tsv", **more):
    path = tmp_path / f"input{suffix}"
    path.write_text(text)
    outputs = {f"output_{kind}": str(tmp_path / f"layer.{kind}") for kind in ("h5ad", "tsv", "dropped")}
    arguments = {"name": "layer", "source": source, "paths": [str(path)], "observations": observations()}
    return assemble_layer(**(arguments | outputs | more))


MERGED = """clade_name\tmp_S1\tmp_S2\tmp_X
k__Bacteria\t100\t100\t3
k__Bacteria|p__P|c__C|o__O|f__F|g__G|s__G_one\t75\t100\t2
k__Bacteria|p__P|c__C|o__O|f__F|g__G|s__G_two\t25\t0\t1
"""


def test_assemble_metaphlan(tmp_path):
    built = assemble(tmp_path, MERGED, source="metaphlan", sample_prefix="mp_")
    assert built.shape == (2, 2)
    assert built.X.tolist() == [[0.75, 0.25], [1.0, 0.0]]
    assert built.uns["index"] == "unknown"
    assert built.uns["unit"] == "fraction"
    assert "the table has no UNCLASSIFIED row" in built.uns["unclassified_note"]
    assert built.obs["unclassified"].isna().all()
    assert (tmp_path / "layer.dropped").read_text() == (
        "sample_id\treason\nS3\tno profile in the table\nX\tnot in the sheets\n"  # X, near-empty, is not checked
    )
    assert ad.read_h5ad(tmp_path / "layer.h5ad").uns["dropped"]["sample_id"].tolist() == ["S3", "X"]
    fractions = MERGED.replace("\t100", "\t1").replace("\t75", "\t0.75").replace("\t25", "\t0.25")
    again = assemble(tmp_path, fractions, source="metaphlan", sample_prefix="mp_", unit="fraction")
    assert np.allclose(again.X, built.X)


def test_assemble_metaphlan_refusals(tmp_path):
    found = message(assemble, tmp_path=tmp_path, text=MERGED, source="metaphlan")
    assert "Set `sample_prefix: mp_`" in found
    found = message(assemble, tmp_path=tmp_path, text=MERGED, source="metaphlan", kind="counts")
    assert "a metaphlan layer is compositional" in found
    assert "source=kraken: unknown source" in message(assemble, tmp_path=tmp_path, text="", source="kraken")
    found = message(assemble, tmp_path=tmp_path, text=MERGED, source="metaphlan", sample_prefix="mp_", missing="fail")
    assert "in the table, not in the sheets: X; in the sheets, not in the table: S3" in found
    assert not (tmp_path / "layer.h5ad").exists()


def test_assemble_profiles_with_one_empty(tmp_path):
    head = "#mpa_v1_X\n#SampleID\t{}\n#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n"
    species = "k__B|p__P|c__C|o__O|f__F|g__G|s__G_one\t1|2\t80\t\n"
    (tmp_path / "a.txt").write_text(head.format("S1") + "UNCLASSIFIED\t-1\t20\t\n" + species)
    (tmp_path / "b.txt").write_text(head.format("S2") + "UNCLASSIFIED\t-1\t100\t\n")
    paths = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    built = assemble(tmp_path, "", source="metaphlan", paths=paths)
    assert built.obs_names.tolist() == ["S1"]
    assert built.obs["unclassified"].tolist() == [0.2]
    assert built.uns["dropped"]["reason"].tolist() == [
        "empty profile: nothing was found in it", "no profile in the table",
    ]  # fmt: skip
    assert built.uns["denominator"] == "all reads"


def test_assemble_humann_with_strata_beside(tmp_path):
    text = "# Pathway\tS1_Abundance\tS2_Abundance\nUNMAPPED\t50\t0\nPWY-1: x\t50\t10\nPWY-1: x|unclassified\t50\t10\n"
    built = assemble(tmp_path, text, source="humann")
    assert built.var_names.tolist() == ["PWY-1"]
    assert built.var.at["PWY-1", "name"] == "PWY-1: x"
    assert built.X.tolist() == [[500_000.0], [1_000_000.0]]
    assert built.obs["unmapped"].tolist() == [500_000.0, 0.0]
    assert built.uns["unit"] == "cpm"
    arguments = {"name": "layer", "paths": [str(tmp_path / "input.tsv")], "observations": observations()}
    stratify_layer(**arguments, output=str(tmp_path / "strata.tsv"))
    strata = (tmp_path / "strata.tsv").read_text().splitlines()
    assert strata[1:] == ["feature\tS1\tS2", "PWY-1: x|unclassified\t500000\t1000000"]


def test_assemble_table(tmp_path):
    text = "id\tCD4\tCD8\nS1\t60\t40\nS2\t50\t50\nS3\t900\t50\n"
    arguments = {"source": "table", "kind": "compositional", "unit": "percent"}
    assert "sample S3 sums to 950" in message(assemble, tmp_path=tmp_path, text=text, **arguments)
    failed = observations(qc=["PASS", "PASS", "FAIL"])  # the advice of that message is enough to go on
    built = assemble(tmp_path, text, observations=failed, **arguments)
    assert built.X.tolist() == [[0.6, 0.4], [0.5, 0.5]]
    assert (built.uns["unit"], built.uns["unit_given"]) == ("fraction", "percent")
    assert "`kind` and `unit` are not given" in message(assemble, tmp_path=tmp_path, text=text, source="table")
    found = message(assemble, tmp_path=tmp_path, text=text, paths=["a.tsv", "b.tsv"], **arguments)
    assert "a table layer needs one file" in found

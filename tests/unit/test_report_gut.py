"""The gut on the page: what is said is in the tables, what was refused is said, and names are only words."""

import json

import numpy as np
import pandas as pd
import pytest
import vl_convert
from tests.report_layers import CONTRASTS, EMPTY, HOSTILE, UNIT, make_results, page_of, result_rows, shown, write
from tests.report_layers import write_samples as samples

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.report.changes import changes_figure, scaled_values
from gutaxis.report.charts import MAX_MARKS, UNKNOWN
from gutaxis.report.differential import features_table
from gutaxis.report.effects import effects_figure
from gutaxis.report.gut import GUT, alpha_item, beta_item, pathways_item, species_item
from gutaxis.report.items import Absent, Figure, Table
from gutaxis.report.paired import by_patient

pytestmark = pytest.mark.unit

FEATURES = {"A_one": (1.25, 0.0004, 0.002), HOSTILE: (-0.04, 0.2, 0.4), "c": (None, None, None)}


def data_of(chart, *, having):
    """Return the rows of the chart's data that have a column."""
    sets = chart_spec(chart=chart)["datasets"].values()
    return [pd.DataFrame(rows) for rows in sets if rows and having in rows[0]]


def svg(figure):
    """Draw a figure; nothing is drawn of an expression that cannot be read."""
    return vl_convert.vegalite_to_svg(json.dumps(chart_spec(chart=figure.chart)))


def write_differential(root, *, layer="taxa", features=FEATURES):
    for contrast, about in CONTRASTS.items():
        rows = result_rows(contrast=contrast, features=features, role=about["role"], layer=layer)
        write(root, f"differential/{layer}/{contrast}.tsv", rows, UNIT)


def test_species_say_what_passed_with_effect_interval_and_direction(tmp_path):
    write_differential(tmp_path)
    write(
        tmp_path, "differential/taxa/baseline.dropped.tsv",
        [{"what": "sample", "name": "P9", "reason": "no response"}, {"what": "feature", "name": "x", "reason": "rare"}],
        "left out",
    )  # fmt: skip
    results = make_results(tmp_path)
    first, change, other, counted, *_ = shown(species_item(results))
    assert first == (
        "Species, baseline (primary; responders minus non-responders before ILDR): 1 of 2 features tested passes "
        "q &lt; 0.1. Smallest p: A one, higher in responders: +1.25 (95 % interval +0.75 to +1.75; p &lt; 0.001, "
        "q = 0.002), in log2 fold change against the features that do not change; 75 % of the sensitivity analyses "
        "agree."
    ).replace("&lt;", "<")
    assert "higher after ILDR" in change and "response change (secondary" in other
    assert counted == (
        "Baseline: n = 4 patients (2 responders, 1 non-responders); left out: 1 sample (no response) and 1 feature "
        "(rare)."
    )
    text = page_of(results, species_item)
    assert "<script>window.bad" not in text and "&lt;script&gt;window.bad" in text


def test_nothing_passed_is_a_finding(tmp_path):
    write_differential(tmp_path, features={HOSTILE: (-0.04, 0.2, 0.4), "b": (0.5, 0.3, 0.4)})
    results = make_results(tmp_path)
    first = shown(species_item(results))[0]
    assert "no feature passed q < 0.1, of 2 tested" in first
    assert "lower in responders: \u22120.04 (95 % interval \u22120.54 to +0.46; p = 0.2, q = 0.4)" in first
    page_of(results, species_item)


def test_a_refused_contrast_says_why_in_place(tmp_path):
    write(tmp_path, "differential/taxa/baseline.tsv", EMPTY, f"no result: 0 responders\n{UNIT}")
    write(
        tmp_path, "differential/taxa/change.tsv",
        result_rows(contrast="change", features={"a": (None, None, None)}), UNIT,
    )  # fmt: skip
    results = make_results(tmp_path)
    content = species_item(results)
    first, change, *rest = shown(content)
    assert first.endswith("not tested: 0 responders.")
    assert change.endswith("not tested: constant.")
    assert "Baseline: no patient could be compared." in rest
    figure = next(block for block in content.blocks if isinstance(block, Figure))
    assert "Nothing to show: no contrast could be tested" in svg(figure)


def test_without_layers_every_item_is_absent_with_the_reason(tmp_path):
    results = make_results(tmp_path, layers=())
    for item in GUT:
        made = item.build(results)
        assert isinstance(made, Absent) and made.why == "Nobody made it."
    samples(tmp_path)
    assert isinstance(alpha_item(make_results(tmp_path, layers=())), Absent)


def test_every_contrast_can_be_chosen_and_the_marks_are_bounded(tmp_path):
    contrasts = {name: {"role": "primary"} for name in ("baseline", "change", "response_change", "post", "survival")}
    p = np.linspace(0.0001, 0.9, 1000)
    features = {f"f{place:04}": (0.5, value, value) for place, value in enumerate(p)}
    for contrast in contrasts:
        unit = "unit of estimate: log hazard ratio per SD" if contrast == "survival" else UNIT
        rows = result_rows(contrast=contrast, features=features)
        write(tmp_path, f"differential/taxa/{contrast}.tsv", rows, unit)
    results = make_results(tmp_path, contrasts=contrasts)
    figure = effects_figure(results=results, layer="taxa", name="Species")
    spec = chart_spec(chart=figure.chart)
    options = [param["bind"]["options"] for param in spec["params"] if "bind" in param]
    assert options == [["baseline", "change", "response change", "post", "survival"]]
    points, forest = sorted(data_of(figure.chart, having="estimate"), key=len, reverse=True)
    assert len(points) <= MAX_MARKS and set(points["c"]) == set(options[0])
    assert points.groupby("c")["p"].max().max() < np.sort(p)[MAX_MARKS // 5]
    assert forest.groupby("c").size().unique().tolist() == [20]
    assert "600 of 1000 features are drawn" in json.dumps(spec["title"])
    assert "survival: log hazard ratio per SD" in json.dumps(spec)
    assert len(json.dumps(spec)) < 1_500_000
    assert svg(figure).count('aria-roledescription="point"') == 600 + 20
    table = features_table(results=results, layer="taxa", name="Species")
    assert len(table.rows) == 500 and set(table.filters) <= set(table.rows.columns)
    assert {"Effect", "Unit of the effect"} <= set(table.rows.columns)
    said = shown(species_item(results))[4]
    assert "higher hazard at higher values: +0.50" in said and "in log hazard ratio per SD" in said


def test_features_with_one_label_stay_apart(tmp_path):
    rows = result_rows(contrast="baseline", features={"F1": (1.0, 0.1, 0.1), "F2": (2.0, 0.2, 0.2)})
    write(tmp_path, "differential/taxa/baseline.tsv", [row | {"label": "same"} for row in rows], UNIT)
    figure = effects_figure(results=make_results(tmp_path), layer="taxa", name="Species")
    assert {"same (F1)", "same (F2)"} == set(data_of(figure.chart, having="estimate")[0]["label"])
    assert "params" not in chart_spec(chart=figure.chart)  # one contrast: nothing to choose
    heads = features_table(results=make_results(tmp_path), layer="taxa", name="Species").rows.columns
    assert "Effect (log2 fold change against the features that do not change)" in heads


def test_changes_are_those_of_centred_log_ratios_in_the_order_of_response(tmp_path):
    write_differential(tmp_path)
    names = samples(tmp_path)
    values = pd.DataFrame({name: [0.5, 0.25, 0.25] for name in names}, index=["A_one", HOSTILE, "c"])
    values["P1_POST"] = [0.8, 0.2, 0.0]
    write(tmp_path, "layers/taxa.tsv", values.rename_axis("feature").reset_index(), "layer taxa; unit fraction")
    results = make_results(tmp_path)
    figure = changes_figure(results=results, layer=results.layers["taxa"], name="Species")
    (rows,) = data_of(figure.chart, having="change")
    rows = rows.set_index(["patient", "feature"])["change"]
    before, after = np.log2([0.5, 0.25, 0.25]), np.log2([0.8, 0.2, 0.1])  # zero: half of the smallest value, 0.2
    expected = (after - after.mean()) - (before - before.mean())
    found = [rows["P1", name] for name in ("A one", HOSTILE, "c")]
    assert found == pytest.approx(expected, abs=2e-3)
    assert rows["P2"].abs().max() == 0
    spec = json.dumps(chart_spec(chart=figure.chart), ensure_ascii=False)
    assert '"sort": ["P1", "P2", "P3"]' in spec  # R, NR, not known; P4 has no POST sample
    assert "P4" not in spec and "centred log ratios" in spec
    drawn = svg(figure)
    assert "A one" in drawn and "<script>window.bad" not in drawn


def test_no_pairs_is_said_in_place_of_the_heat_map(tmp_path):
    write_differential(tmp_path)
    write(tmp_path, "layers/taxa.tsv", {"feature": ["A_one"], "P4_PRE": [1.0]})
    samples(tmp_path)
    results = make_results(tmp_path)
    figure = changes_figure(results=results, layer=results.layers["taxa"], name="Species")
    assert "no patient has a PRE and a POST sample" in svg(figure)


@pytest.mark.parametrize(
    ("kind", "expected"), [("log_intensity", 3.0), ("continuous", 3.0), ("counts", np.log2(3.5 / 13 * 1e6))]
)
def test_scales_of_the_kinds(kind, expected):
    found = scaled_values(values=pd.DataFrame({"s": [3, 9]}, index=["a", "b"]), kind=kind)
    assert found.at["a", "s"] == pytest.approx(expected)


def write_alpha(root, *, tests=True):
    names = samples(root)
    rows = [
        {"sample_id": name, "patient_id": name[:2], "timepoint": name[3:], "observed": 5 + place, "shannon": 1.5}
        for place, name in enumerate(names)
    ]
    head = "observed: observed features (number)\nshannon: Shannon index (nats)\nno rarefaction: no counts"
    write(root, "diversity/taxa/alpha_diversity.tsv", rows, head)
    rows = result_rows(contrast="baseline", features={"observed": (-2.0, 0.02, 0.04), "shannon": (0.25, 0.3, 0.3)})
    rows += result_rows(contrast="baseline", features={"shannon": (9.0, 0.9, 0.9)}, role="sensitivity")
    write(
        root, "diversity/taxa/alpha_tests.tsv", rows if tests else EMPTY,
        "no result: change: 1 patient has both; response_change: 0 non-responders\nno rarefaction: no counts",
    )  # fmt: skip


def test_alpha_names_the_first_index_and_counts_all(tmp_path):
    write_alpha(tmp_path)
    results = make_results(tmp_path)
    content = alpha_item(results)
    baseline, change, response_change, counted, note = shown(content)
    assert "shannon: +0.25 (95 % interval \u22120.25 to +0.75; p = 0.3, q = 0.3). 1 of 2 indices" in baseline
    assert change.endswith("not tested: 1 patient has both.")
    assert response_change.endswith("not tested: 0 non-responders.")
    assert counted == "n = 7 samples of 4 patients." and note == "No rarefaction: no counts."
    page_of(results, alpha_item)


def test_missing_response_is_not_a_non_responder(tmp_path):
    write_alpha(tmp_path)
    figure = alpha_item(make_results(tmp_path)).blocks[0]
    (rows,) = data_of(figure.chart, having="response")
    groups = rows.drop_duplicates("patient_id").set_index("patient_id")["response"].to_dict()
    assert groups == {"P1": "responders", "P2": "non-responders", "P3": UNKNOWN, "P4": "responders"}
    spec = chart_spec(chart=figure.chart)
    assert spec["params"][0]["bind"]["options"] == ["Shannon index (nats)", "observed features (number)"]
    assert svg(figure).count('aria-roledescription="point"') == 7


def test_extra_samples_are_not_drawn_and_a_study_without_pairs_is(tmp_path):
    names = samples(tmp_path)
    values = pd.DataFrame({"sample_id": names, "name": "x", "value": 1.0})
    table = pd.read_csv(tmp_path / "clinical/sample_response.tsv", sep="\t")
    table.loc[0, "pair_status"] = "EXTRA"
    write(tmp_path, "clinical/sample_response.tsv", table)
    assert len(by_patient(results=make_results(tmp_path), values=values)) == len(names) - 1
    write(tmp_path, "clinical/sample_response.tsv", table.assign(pair_status=None, timepoint=None))
    alone = by_patient(results=make_results(tmp_path), values=values)
    assert len(alone) == len(names) and set(alone["timepoint"]) == {"timepoint not given"}


def write_beta(root):
    common = {"df": 1, "ss": 1.0, "f": 2.0, "scheme": "patients within blocks", "exact": False}
    for metric, p in (("aitchison", 0.021), ("braycurtis", 0.4)):
        made = common | {"permutations": 9999, "n": 4, "reason": None}
        rows = [
            {"contrast": "baseline", "term": "response", "r2": 0.264, "p": p} | made,
            {"contrast": "baseline", "term": "Total", "r2": 1, "p": None} | made,
            {"contrast": "change", "term": None, "n": 1, "reason": "1 patient"},
        ]
        head = "layer taxa\nleft out of change: patient P_4: no POST sample"
        write(root, f"diversity/taxa/permanova_{metric}.tsv", rows, head)
        points = [
            {"sample_id": name, "patient_id": name[:2], "timepoint": name[3:], "cohort": "LUNG", "batch": HOSTILE,
             "axis_1": place, "axis_2": -place}
            for place, name in enumerate(samples(root))
        ]  # fmt: skip
        head = "explained, of the positive eigenvalues: axis_1 31.2%, axis_2 26.7%"
        write(root, f"diversity/taxa/pcoa_{metric}.tsv", points, head)
    rows = [
        {"contrast": "baseline", "term": "response", "centre": "median", "f": 1.5, "p": 0.0004, "spread": "R 1; NR 3",
         "n": 4, "reason": None}
    ]  # fmt: skip
    write(root, "diversity/taxa/dispersion_aitchison.tsv", rows)
    rows = [{"patient_id": f"P{n}", "metric": "aitchison", "own_is_nearest": n < 3} for n in (1, 2, 3)]
    write(root, "diversity/taxa/within_patient_shift.tsv", rows)


def test_beta_says_share_permutations_and_spread(tmp_path):
    write_beta(tmp_path)
    results = make_results(tmp_path)
    content = beta_item(results)
    baseline, change, response_change, pairs, counted, left = shown(content)
    assert baseline == (
        "Species, baseline (primary): the response goes with 26 % of the variation between patients (Aitchison "
        "distance, PERMANOVA, n = 4 patients; p = 0.021, 9,999 permutations: patients within blocks); difference in "
        "spread: p < 0.001. Other distances: Bray-Curtis p = 0.4."
    )
    assert change.endswith("not tested: 1 patient.")
    assert response_change.endswith("not tested: the table has no row for it.")
    assert "in 2 of 3 patients" in pairs
    assert counted == "n = 7 samples of 4 patients (Aitchison distance)."
    assert left == "Left out of change: patient P_4: no POST sample."
    figure, table = content.blocks[:2]
    assert isinstance(table, Table) and set(table.rows["Distance"]) == {"Aitchison", "Bray-Curtis"}
    choices = {param["name"]: param["bind"]["options"] for param in chart_spec(chart=figure.chart)["params"]}
    assert choices == {
        "distance": ["Aitchison", "Bray-Curtis"],
        "colour": ["response", "timepoint", "cohort", "batch"],
    }
    drawn = svg(figure)
    assert drawn.count('aria-roledescription="point"') == 7 and "axis 1 31.2%" in drawn
    assert "<script>window.bad" not in page_of(results, beta_item)


def test_published_scores_count_samples_before_treatment_and_say_why_one_is_missing(tmp_path):
    write_differential(tmp_path)
    rows = [
        {"sample_id": name, "patient_id": name[:2], "timepoint": name[3:], "score": None, "toposcore": None,
         "akkermansia_percent": 5.0, "akkermansia_class": None if name == "P3_PRE" else "high",
         "reason": "only 0 of 37 species"}
        for name in samples(tmp_path)
    ]  # fmt: skip
    write(tmp_path, "diversity/taxa/signatures.tsv", rows, "derived for lung cancer; research use")
    results = make_results(tmp_path)
    content = species_item(results)
    said = shown(content)
    assert "Akkermansia class, 4 samples before ILDR: 3 high, 0 low, 0 without it, 1 not known." in said
    assert "TOPOSCORE is not given for a part of the samples: only 0 of 37 species." in said
    assert "Derived for lung cancer; research use." in said
    counts = content.blocks[-1].rows
    assert counts["Samples"].sum() == 7
    assert set(counts["Response"]) == {"responders", "non-responders", UNKNOWN}
    page_of(results, species_item)


def test_pathways_are_an_item_of_their_own(tmp_path):
    write_differential(tmp_path, layer="pathways")
    results = make_results(tmp_path, layers=("pathways",))
    assert shown(pathways_item(results))[0].startswith("Pathways, baseline (primary")
    assert isinstance(species_item(results), Absent)

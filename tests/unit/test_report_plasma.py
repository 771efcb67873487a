"""The plasma and the user's own layers on the page: panel, ratios, pathways; what was not measured is said."""

import json

import pandas as pd
import pytest
import vl_convert
from tests.report_layers import EMPTY, HOSTILE, make_results, page_of, result_rows, shown, write, write_samples

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.report.items import Absent, Figure
from gutaxis.report.other import other_items
from gutaxis.report.plasma import PLASMA, metabolites_item

pytestmark = pytest.mark.unit

UNIT = "unit of estimate: log2 fold change"
FEATURES = {"F1": (0.5, 0.2, 0.3), "F2": (1.5, 0.001, 0.01), "F3": (0.1, 0.9, 0.9)}


def write_plasma(root, *, layer="metabolites", annotated=True):
    rows = result_rows(contrast="baseline", features=FEATURES, layer=layer)
    write(root, f"differential/{layer}/baseline.tsv", rows, UNIT)
    names = write_samples(root)
    values = pd.DataFrame({name: [1.0, 2.0 + place, 3.0] for place, name in enumerate(names)}, index=list(FEATURES))
    head = f"layer {layer}; kind log_intensity; unit log2; features x samples"
    write(root, f"layers/{layer}.tsv", values.rename_axis("feature").reset_index(), head)
    if annotated:
        rows = [
            {"feature": "F1", "label": HOSTILE, "compound": HOSTILE, "level": 2},
            {"feature": "F2", "label": "kynurenine?", "compound": "kynurenine", "level": 4},
            {"feature": "F3", "label": "unknown", "compound": None, "level": 5},
        ]
        write(root, "metabolome/annotation/annotations.tsv", rows)
    return names


def named(content, words):
    return next(block for block in content.blocks if words in block.title)


def options(figure):
    return chart_spec(chart=figure.chart)["params"][0]["bind"]["options"]


def test_compounds_of_the_panel_can_be_chosen_the_strongest_first(tmp_path):
    write_plasma(tmp_path)
    results = make_results(tmp_path, layers=("metabolites",))
    content = metabolites_item(results)
    figure = named(content, "compounds of the panel")
    assert options(figure) == ["kynurenine?", HOSTILE]
    spec = json.dumps(chart_spec(chart=figure.chart))
    assert "2 of 2 compounds of the panel" in spec and "Value (log2)" in spec
    drawn = vl_convert.vegalite_to_svg(spec)
    assert drawn.count('aria-roledescription="point"') == 7 and 'aria-roledescription="box"' in drawn
    text = page_of(results, metabolites_item)
    assert "<script>window.bad" not in text and "1 of 3 features tested passes" in shown(content)[0]


def test_a_layer_without_names_shows_its_features(tmp_path):
    write_plasma(tmp_path, annotated=False)
    figure = named(metabolites_item(make_results(tmp_path, layers=("metabolites",))), "Metabolites: features")
    assert options(figure) == ["F2", "F1", "F3"]


def test_coverage_tells_not_found_from_not_visible(tmp_path):
    write_plasma(tmp_path)
    status = ["identified", "mass only", "mass only", "not found", "not assayed"]
    write(tmp_path, "metabolome/annotation/coverage.tsv", [{"compound": "x", "status": word} for word in status])
    results = make_results(tmp_path, layers=("metabolites",))
    assert (
        "Panel of 5 compounds: 1 identified, 2 known by their mass alone, 1 not found and 1 not visible to this assay. "
        "A question mark behind a name: it rests on masses alone."
    ) in shown(metabolites_item(results))
    page_of(results, metabolites_item)


def write_ratios(root, names, *, measured):
    about = [
        {"ratio": "kynurenine_to_tryptophan", "method": "balance", "numerator": "L-kynurenine" if measured else None,
         "denominator": "L-tryptophan" if measured else None, "not_measured": None, "n_samples": 6 * measured,
         "status": "ok" if measured else "not measured", "meaning": "IDO1"},
        {"ratio": "secondary_to_primary_bile_acids", "method": "balance", "numerator": None, "denominator": None,
         "not_measured": "cholic acid", "n_samples": 0, "status": "not measured", "meaning": "bacteria"},
    ]  # fmt: skip
    write(root, "metabolome/annotation/ratios_about.tsv", about)
    values = pd.DataFrame({name: [float(place) if measured else None, None] for place, name in enumerate(names)})
    values.insert(0, "ratio", [row["ratio"] for row in about])
    write(root, "metabolome/annotation/ratios.tsv", values)


def test_measured_ratios_are_drawn_with_medians_and_others_named(tmp_path):
    write_ratios(tmp_path, write_plasma(tmp_path), measured=True)
    results = make_results(tmp_path, layers=("metabolites",))
    content = metabolites_item(results)
    said = "\n".join(shown(content))
    assert "Kynurenine to tryptophan: measured in 6 samples, from L-kynurenine over L-tryptophan." in said
    assert "Not measured, 1 of 2 ratios: Secondary to primary bile acids." in said
    medians = named(content, "medians").rows.set_index(["Response", "Timepoint"])
    assert medians.at[("responders", "PRE"), "Median"] == 3.0  # P1: 0, P4: 6
    assert medians.at[("responders", "PRE"), "Samples"] == 2
    page_of(results, metabolites_item)


def test_ratios_that_nobody_could_measure_leave_no_empty_picture(tmp_path):
    write_ratios(tmp_path, write_plasma(tmp_path), measured=False)
    content = metabolites_item(make_results(tmp_path, layers=("metabolites",)))
    assert any("Not measured, 2 of 2 ratios" in line for line in shown(content))
    assert not [block for block in content.blocks if isinstance(block, Figure) and "Ratios" in block.title]
    assert list(named(content, "What each ratio").rows["Measured"]) == ["not measured"] * 2


def test_pathways_of_metabolites_are_exploratory(tmp_path):
    write_plasma(tmp_path)
    row = {"layer": "metabolites", "contrast": "baseline", "method": "rank_sum", "pathway": "R-1", "name": HOSTILE,
           "n_pathway": 3, "n_hits_pathway": 1, "estimate": 0.7, "p": 0.01, "q": 0.02, "reason": None}  # fmt: skip
    write(tmp_path, "metabolome/enrichment/baseline.tsv", [row, row | {"pathway": "R-2", "p": None, "q": None}])
    none = row | {"contrast": "change", "p": None, "q": None, "reason": "no hits"}
    write(tmp_path, "metabolome/enrichment/change.tsv", [none])
    results = make_results(tmp_path, layers=("metabolites",))
    said = shown(metabolites_item(results))
    assert "Pathways of metabolites, baseline (exploratory): 1 of 1 tests pass q < 0.1." in said
    assert "Pathways of metabolites, change (exploratory): not tested: no hits." in said
    assert "<script>window.bad" not in page_of(results, metabolites_item)


def test_without_plasma_the_item_says_why(tmp_path):
    made = PLASMA[0].build(make_results(tmp_path, layers=()))
    assert isinstance(made, Absent) and made.why == "Nobody made it." and "METAB" in made.mend


def test_every_other_layer_is_an_item(tmp_path):
    write_plasma(tmp_path, layer="cytometry", annotated=False)
    results = make_results(tmp_path, layers=("cytometry",))
    (item,) = other_items(results)
    assert (item.key, item.section) == ("L-cytometry", "response")
    assert shown(item.build(results))[0].startswith("cytometry, baseline (primary; responders minus")
    page_of(results, item.build)
    assert other_items(make_results(tmp_path, layers=("metabolites",))) == ()


def test_another_layer_with_alpha_diversity_or_without_a_result(tmp_path):
    names = write_plasma(tmp_path, layer="cytometry", annotated=False)
    values = [{"sample_id": name, "patient_id": name[:2], "timepoint": name[3:], "shannon": 1.0} for name in names]
    write(tmp_path, "diversity/cytometry/alpha_diversity.tsv", values, "shannon: Shannon index (nats)")
    write(tmp_path, "diversity/cytometry/alpha_tests.tsv", EMPTY, "no result: baseline: too few; change: too few")
    results = make_results(tmp_path, layers=("cytometry",))
    content = other_items(results)[0].build(results)
    assert any(line.endswith("not tested: too few.") for line in shown(content))
    assert named(content, "alpha diversity")
    (tmp_path / "differential/cytometry/baseline.tsv").unlink()
    results = make_results(tmp_path, layers=("cytometry",))
    assert isinstance(other_items(results)[0].build(results), Absent)

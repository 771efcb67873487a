"""Layers together in the report: links, chains, factors, modules."""

import json

import pandas as pd
import pytest
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.clinical.figure_frame import empty_figure, save_figure
from gutaxis.report.axis import AXIS
from gutaxis.report.items import Absent

pytestmark = pytest.mark.unit

LINKS, FACTORS = (item.build for item in AXIS)
PAIR = {"n": 12, "rho": 0.9, "ci_low": 0.6, "ci_high": 0.98, "p": 0.001, "q": 0.02, "q_max_t": 0.03, "cluster_a": "c",
        "cluster_b": "c", "p_cluster": 0.001, "q_cluster": 0.02, "q_study": 0.04, "p_pair": 0.001, "rho_cluster": 0.9,
        "q_cluster_study": 0.04}  # fmt: skip
CHAIN = {"state": "baseline", "x_layer": "taxa", "x": "s1", "m_layer": "metabolites", "m": "m1",
         "y_layer": "blood_cells", "y": "treg", "outcome": "subset", "a": 1.0, "b": -0.5, "c_prime": 0.1,
         "indirect": -0.5, "ci_low": -1.2, "ci_high": -0.1, "p_joint": 0.004, "q": 0.03, "rank": 1, "reverse_p": 0.2,
         "n": 11, "n_r": None, "immune_first_p": 0.3, "signs": "+ -", "x_label": "Species one", "m_label": HOSTILE,
         "y_label": "treg", "role": "primary"}  # fmt: skip


def pair(a, b, **other):
    (layer_a, feature_a), (layer_b, feature_b) = a, b
    return {
        "layer_a": layer_a, "feature_a": feature_a, "label_a": feature_a, "layer_b": layer_b, "feature_b": feature_b,
        "label_b": feature_b, **PAIR, **other,
    }  # fmt: skip


def links_folder(root, rows, *head):
    put(root, "integration/associations/baseline.tsv", pd.DataFrame(rows), "associations", *head)
    page = root / "integration/associations/baseline.html"
    save_figure(chart=empty_figure(title="Links", reason="no link at q < 0.1"), svg=page.with_suffix(".svg"), html=page)


@pytest.fixture
def linked(tmp_path):
    rows = [
        pair(("blood_cells", "treg"), ("tumor_cells", "nk"), q_study=0.01),
        pair(("metabolites", HOSTILE), ("taxa", "s1"), rho=-0.8, ci_low=-0.95, ci_high=-0.3, q_study=0.2),
        pair(("metabolites", "m2"), ("taxa", "s1"), rho=0.1, p=None, q=None, q_study=None),
    ]
    links_folder(
        tmp_path, rows, "of one arm, so that features may go together by construction: blood_cells x tumor_cells",
        "taxa x tumor_cells: not tested, 3 shared patients, at least 8 are needed",
    )  # fmt: skip
    put(
        tmp_path, "integration/mediation.tsv",
        pd.DataFrame([CHAIN, CHAIN | {"rank": 2, "x": "s2", "q": 0.5, "p_joint": 0.2, "n": 10}]),
        "baseline, chains to subset: the best 2 of 40 are listed",
        "baseline, taxa -> metabolites -> blood_cells -> response: no chain, for 3 of 12 patients respond",
    )  # fmt: skip
    return results_of(tmp_path)


def test_links_are_counted_and_the_nearest_is_between_two_arms(linked):
    said = words(LINKS(linked).findings)
    assert said[0].startswith("Links, before the dose: of 3 pairs of features listed, 2 pass q < 0.1 within")
    assert "and 1 over all pairs of layers" in said[0]
    # the pair of two cell layers has a smaller q, but comes from one arm
    assert f"The nearest between two arms is {HOSTILE} (metabolites) with s1 (taxa): rho −0.80" in said[0]
    assert "(95 % interval −0.95 to −0.30), q = 0.2 over all, 12 patients" in said[0]


def test_an_empty_network_is_said_and_not_drawn(linked):
    made = LINKS(linked)
    assert "Network of links, before the dose: no link at q < 0.1." in words(made.findings)
    assert not any("Network" in title for title in charts(made))


def test_pairs_of_layers_that_could_not_be_compared_are_named(linked):
    said = " ".join(words(LINKS(linked).counted))
    assert "taxa x tumor_cells: not tested, 3 shared patients" in said
    assert "for 3 of 12 patients respond" in said
    assert "10 to 11 patients have all three layers" in said


def test_chains_say_their_rank_one_and_the_other_order(linked):
    said = next(line for line in words(LINKS(linked).findings) if line.startswith("Chains"))
    assert said.startswith("Chains, before the dose, to the immune subset (primary): of 2 listed, 1 pass q < 0.1.")
    assert f"Species one > {HOSTILE} > treg: product of the arrows −0.50 (95 % interval −1.20 to −0.10)" in said
    assert "With the metabolite first, p = 0.2" in said
    assert list(tables(LINKS(linked))["Best chains"]["Rank"]) == [1, 2]


def test_a_refused_state_says_why(tmp_path):
    put(
        tmp_path, "integration/associations/baseline.tsv", pd.DataFrame(columns=list(pair(("a", "b"), ("c", "d")))),
        "associations", "no result: no pair of layers could be tested", "taxa: left out, 3 patients",
    )  # fmt: skip
    made = LINKS(results_of(tmp_path))
    assert "Links, before the dose: no pair of layers could be tested." in words(made.findings)
    assert "Chains: This run does not make it." in words(made.findings)
    assert "Before the dose: taxa: left out, 3 patients." in words(made.counted)
    assert made.blocks == []


def test_links_of_one_arm_only_are_not_called_between_arms(tmp_path):
    links_folder(tmp_path, [pair(("blood_cells", "treg"), ("tumor_cells", "nk"))])
    assert "The nearest is treg (blood_cells) with nk" in words(LINKS(results_of(tmp_path)).findings)[0]


def factors_folder(root):
    folder = "integration/factors"
    put(
        root, f"{folder}/explained.tsv",
        pd.DataFrame({"layer": ["taxa", "metabolites"], "factor_1": [0.31, 0.1], "factor_2": [0.02, 0.12]}), "MOFA",
    )  # fmt: skip
    scores = [(f"P{n}", time, n / 3, -n / 4) for n in range(4) for time in ("PRE", "POST")]
    put(
        root, f"{folder}/scores.tsv",
        pd.DataFrame(scores, columns=["patient_id", "timepoint", "factor_1", "factor_2"]),
    )  # fmt: skip
    put(
        root, "clinical/sample_response.tsv",
        pd.DataFrame({"patient_id": ["P0", "P1", "P2"], "response": ["R", "NR", None]}),
    )  # fmt: skip
    test = {"layer": "factors", "n": 4, "se": 0.1, "p": 0.01, "role": "primary", "agreement": 1, "reason": None}
    put(
        root, f"{folder}/tests.tsv",
        pd.DataFrame(
            [
                test | {"contrast": "baseline", "feature": "factor_1", "label": "factor_1", "estimate": 1.25,
                        "ci_low": 0.5, "ci_high": 2.0, "q": 0.02},
                test | {"contrast": "baseline", "feature": "factor_2", "label": "factor_2", "estimate": -0.25,
                        "ci_low": -1.5, "ci_high": 1.0, "q": 0.6, "p": 0.6},
                test | {"contrast": "change", "feature": "factor_1", "label": "factor_1", "estimate": None,
                        "ci_low": None, "ci_high": None, "q": None, "p": None, "reason": "fewer than 3 pairs"},
            ]
        ),
    )  # fmt: skip
    put(
        root, f"{folder}/weights.tsv",
        pd.DataFrame(
            {"factor": "factor_1", "layer": "taxa", "feature": ["s1", "s2"], "label": [HOSTILE, HOSTILE],
             "weight": [0.5, -0.7], "rank": [2, 1]}
        ),
    )  # fmt: skip
    put(
        root, f"{folder}/stability.tsv",
        pd.DataFrame({"factor": ["factor_1", "factor_2"], "patients_median_r": [0.9, 0.55],
                      "patients_min_r": [0.8, 0.1]}),
    )  # fmt: skip
    put(
        root, f"{folder}/nuisance.tsv",
        pd.DataFrame({"factor": ["factor_1", "factor_2"], "variable": ["cohort", "batch"], "levels": 3, "n": 4,
                      "eta2": [0.5, 0.1], "p": [0.001, 0.5], "q": [0.002, 0.5]}),
    )  # fmt: skip


@pytest.fixture
def factored(tmp_path):
    factors_folder(tmp_path)
    about = {"layers": "taxa+metabolites", "n_r": 6, "n_nr": 6, "shuffles": 200}
    put(
        tmp_path, "integration/module_tests.tsv",
        pd.DataFrame(
            [
                about | {"state": "baseline", "module": "module_1", "n_features": 5, "n": 12, "auc_left_out": 0.9,
                         "ci_low": 0.7, "ci_high": 1.0, "p": 0.01, "q": 0.02, "reason": None},
                about | {"state": "change", "module": None, "n_features": None, "n": 7, "auc_left_out": None,
                         "ci_low": None, "ci_high": None, "p": None, "q": None, "reason": "4 responders; at least 6"},
            ]
        ),
        "supervised modules",
    )  # fmt: skip
    return results_of(tmp_path)


def test_factors_say_variance_contrasts_steadiness_and_nuisance(factored):
    said = words(FACTORS(factored).findings)
    assert "31 % of taxa, is explained by factor_1." in said[0]
    assert any("Factors, baseline (primary; responders minus non-responders" in line for line in said)
    assert any(
        "1 of 2 factors pass q < 0.1. Smallest q: factor_1, higher in responders, +1.25" in line for line in said
    )
    assert any(line.endswith("not tested: fewer than 3 pairs.") for line in said)
    assert any("median |r| of 0.55 (the least steady) to 0.90" in line for line in said)
    assert any("1 pass q < 0.1: factor_1 with cohort." in line for line in said)


def test_modules_say_their_auc_or_why_there_is_none(factored):
    said = words(FACTORS(factored).findings)
    assert any("module_1 (5 features) in patients left out has an AUC of 0.90 (95 % interval 0.70 to 1.00)" in line
               for line in said)  # fmt: skip
    assert "Modules, change over the dose: not tested, 4 responders; at least 6." in said


def test_a_patient_without_a_response_is_not_drawn_as_a_non_responder(factored):
    spec = charts(FACTORS(factored))["Factors of each patient"].to_dict()
    rows = [row for data in spec["datasets"].values() for row in data if "response" in row]
    said = {row["patient_id"]: row["response"] for row in rows}
    assert said == {"P0": "responders", "P1": "non-responders", "P2": "response not known", "P3": "response not known"}


def test_features_that_share_a_label_stay_apart(factored):
    text = json.dumps(charts(FACTORS(factored))["Features of each factor"].to_dict())
    assert "(s1) (taxa)" in text and "(s2) (taxa)" in text


def test_no_factor_is_a_finding_with_its_reason(tmp_path):
    put(tmp_path, "integration/factors/explained.tsv", pd.DataFrame(columns=["layer"]), "MOFA", "no result: 3 visits")
    made = FACTORS(results_of(tmp_path))
    assert words(made.findings) == ["No factors: 3 visits.", "Modules: This run does not make it."]
    assert made.blocks == []


def test_without_any_file_both_items_say_why(tmp_path):
    for item in AXIS:
        made = item.build(results_of(tmp_path))
        assert isinstance(made, Absent)
        assert made.why == "This run does not make it."


def test_every_number_of_the_page_stands_in_its_table(linked, tmp_path):
    factors_folder(tmp_path)
    text = checked_page(results_of(tmp_path), AXIS, tmp_path)
    assert "Species one" in text

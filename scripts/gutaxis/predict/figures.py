"""ROC curves with the band of shuffled runs, and predicted against observed shares."""

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import BLUE, GREY, INK, LIGHT, Chart, empty_figure, titled
from gutaxis.clinical.intervals import clopper_pearson
from gutaxis.predict.settings import NESTED
from gutaxis.predict.tables import KEY

SIZE, COLUMNS = 190, 3
#: Groups of patients of rising predicted probability.
GROUPS = 4


def _title(row: pd.Series) -> str:
    fused = row["layers"].count("+") + 1
    return f"{row['model']}: {row['layers'] if fused == 1 else f'{fused} layers'}"


def roc_figure(*, roc: pd.DataFrame, performance: pd.DataFrame, reason: str = "no model could be judged") -> Chart:
    """Return one ROC panel per model, with the 95 % band of shuffled runs.

    Parameters
    ----------
    roc, performance
        Tables of :class:`gutaxis.predict.tables.Tables`.
    reason
        Said in place of an empty figure.
    """
    title = "Response predicted for patients held out"
    if roc.empty:
        return empty_figure(title=title, reason=reason)
    panels = []
    for key, curve in roc.groupby(KEY, sort=False):
        row = performance[(performance[KEY] == key).all(axis=1) & (performance["scheme"] == NESTED)].iloc[0]
        notes = [
            f"AUC {row['auc']:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f}), n = {row['n']}, {row['n_r']} R",
            "no shuffled runs" if pd.isna(row["p_null"]) else f"p = {row['p_null']:.3g} against shuffled responses",
        ]
        data = curve[["fpr", "tpr", "band_low", "band_high"]].astype(float)
        axis = alt.X("fpr:Q", title="1 - specificity", scale=alt.Scale(domain=[0, 1]))
        base = alt.Chart(data).encode(x=axis)
        band = base.mark_area(color=LIGHT, interpolate="step-after").encode(
            y=alt.Y("band_low:Q", title="Sensitivity", scale=alt.Scale(domain=[0, 1])), y2="band_high:Q"
        )
        line = base.mark_line(color=BLUE, interpolate="step-after", strokeWidth=2).encode(
            y="tpr:Q", tooltip=[alt.Tooltip(name, format=".2f") for name in data]
        )
        chance = base.mark_line(color=GREY, strokeDash=[4, 4]).encode(y="fpr:Q")
        parts = [*([band] if data["band_low"].notna().any() else []), chance, line]
        panel = alt.layer(*parts).properties(width=SIZE, height=SIZE)
        panels.append(titled(chart=panel, title=_title(row), notes=notes))
    return titled(
        chart=_grid(panels), title=title,
        notes=[
            "Nested cross-validation, compared within test folds. Grey band: 95 % of runs with shuffled responses.",
            "Associations in one study without a control arm; exploratory.",
        ],
    )  # fmt: skip


def calibration_points(*, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return predicted and observed shares of responders in quarters of rising prediction.

    Parameters
    ----------
    predictions
        Rows of one model: probability, observed (R, NR).

    Returns
    -------
    pandas.DataFrame
        group, n, predicted (mean), observed, low, high (Clopper-Pearson).
    """
    table = predictions.sort_values(["probability", "patient_id"], ignore_index=True)
    group = (np.arange(len(table)) * GROUPS) // max(len(table), 1)
    rows = []
    for name in range(GROUPS):
        part = table[group == name]
        if len(part):
            share = clopper_pearson(k=int((part["observed"] == "R").sum()), n=len(part))
            rows.append((name + 1, len(part), part["probability"].astype(float).mean(), *share))
    return pd.DataFrame(rows, columns=["group", "n", "predicted", "observed", "low", "high"])


def calibration_figure(
    *, predictions: pd.DataFrame, performance: pd.DataFrame, reason: str = "no model could be judged"
) -> Chart:
    """Return one panel per model: share of responders against predicted probability."""
    title = "Predicted and observed response"
    table = predictions[(predictions["outcome"] == "response") & (predictions["scheme"] == NESTED)]
    if table.empty:
        return empty_figure(title=title, reason=reason)
    panels = []
    for key, part in table.groupby(KEY, sort=False):
        row = performance[(performance[KEY] == key).all(axis=1) & (performance["scheme"] == NESTED)].iloc[0]
        points = calibration_points(predictions=part)
        scale = alt.Scale(domain=[0, 1])
        x = alt.X("predicted:Q", title="Predicted probability", scale=scale)
        base = alt.Chart(points).encode(x=x)
        line = alt.Chart(pd.DataFrame({"predicted": [0.0, 1.0], "observed": [0.0, 1.0]})).mark_line(
            color=GREY, strokeDash=[4, 4]
        )
        bars = base.mark_rule(color=INK).encode(y=alt.Y("low:Q", title="Share of responders", scale=scale), y2="high:Q")
        dots = base.mark_circle(color=BLUE, size=60, opacity=1).encode(
            y="observed:Q", tooltip=["n", *(alt.Tooltip(name, format=".2f") for name in points.columns[2:])]
        )
        panel = alt.layer(line.encode(x=x, y="observed:Q"), bars, dots).properties(width=SIZE, height=SIZE)
        slope = "none" if pd.isna(row["calibration_slope"]) else f"{row['calibration_slope']:.2f}"
        notes = [f"slope {slope}, Brier {row['brier']:.3f} (share alone: {row['brier_reference']:.3f})"]
        panels.append(titled(chart=panel, title=_title(row), notes=notes))
    notes = ["Quarters of the patients by mean held-out probability, with exact 95 % intervals."]
    return titled(chart=_grid(panels), title=title, notes=notes)


def _grid(panels: list[Chart]) -> Chart:
    rows = [alt.hconcat(*panels[at : at + COLUMNS]) for at in range(0, len(panels), COLUMNS)]
    return alt.vconcat(*rows)

"""The change of each feature in each patient, as a picture: POST minus PRE, patients ordered by response."""

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import empty_figure, titled
from gutaxis.report.charts import MAX_MARKS, RESPONSES, response_scale, rounded, unique_labels
from gutaxis.report.differential import source_of
from gutaxis.report.items import Figure
from gutaxis.report.paired import samples_of
from gutaxis.report.sources import LayerInfo, Results

MOST_FEATURES = 25
#: Above this many patients, columns get thinner and lose their names.
MAX_NAMED = 60
#: What a change is of, by kind of the layer: unit, and what was done to the values of the table.
UNITS = {
    "compositional": (
        "log2 of the centred ratio",
        (
            "Derived for this picture: zeros as half the smallest value of the table, then centred log ratios.",
            "Parts of a whole: one feature can fall because others rise.",
        ),
    ),
    "counts": (
        "log2 counts per million",
        ("Derived for this picture: log2 of counts per million, half a count added.",),
    ),
    "log_intensity": ("log2", ()),
    "continuous": ("unit of the layer", ()),
}


def changes_figure(*, results: Results, layer: LayerInfo, name: str) -> Figure:
    """Return a heat map of the change of the strongest features in every patient with both samples.

    Parameters
    ----------
    results
        With ``layers/{layer}.tsv`` and ``clinical/sample_response.tsv``.
    layer
        The layer.
    name
        In words.
    """
    source = f"layers/{layer.name}.tsv"
    title = f"{name}: change within each patient, POST minus PRE"
    values = results.table(source).set_index("feature")
    pairs = _pairs(results=results, names=list(values.columns))
    if pairs.empty:
        chart = empty_figure(title=title, reason="no patient has a PRE and a POST sample in this layer")
        return Figure(title=title, chart=chart, source=source)
    most = max(5, min(MOST_FEATURES, MAX_MARKS // len(pairs)))
    names = _strongest(results=results, layer=layer.name, values=values)[:most]
    scaled = scaled_values(values=values, kind=layer.kind).loc[names]
    change = scaled[pairs["POST"]].to_numpy() - scaled[pairs["PRE"]].to_numpy()
    labels = _labels(results=results, layer=layer.name, names=names)
    rows = pd.DataFrame(change, index=labels, columns=pairs.index).rename_axis("feature").reset_index()
    rows = rows.melt(id_vars="feature", var_name="patient", value_name="change").dropna(subset=["change"])
    rows["response"] = rows["patient"].map(pairs["response"])
    unit, about = UNITS[layer.kind]
    notes = [
        f"{len(names)} of {len(values)} features: those with the smallest p of the contrasts over time.",
        *about,
        "A picture, no test: those are in the tables of the contrasts.",
    ]
    return Figure(
        title=title, source=source,
        chart=titled(chart=_chart(rows=rows, labels=labels, pairs=pairs, unit=unit), title=title, notes=notes),
    )  # fmt: skip


def scaled_values(*, values: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return a layer on a scale whose differences are changes: log2 for amounts, as it is otherwise.

    Parameters
    ----------
    values
        Features x samples.
    kind
        Of the layer. compositional: zeros become half the smallest positive value of the table, then
        log2(x) minus its mean over the features of the sample. counts: log2((c + 0.5) / (sum + 1) 10^6).
    """
    table = values.astype(float)
    if kind == "counts":
        return np.log2((table + 0.5) / (table.sum() + 1) * 1e6)
    if kind != "compositional":
        return table
    positive = table.to_numpy()[table.to_numpy() > 0]
    if not positive.size:
        return table * np.nan
    logs = np.log2(table.mask(table <= 0, positive.min() / 2))
    return logs - logs.mean()


def _pairs(*, results: Results, names: list[str]) -> pd.DataFrame:
    """Return one row per patient with both samples: PRE, POST, response; in the order of the picture."""
    samples = samples_of(results=results, names=names)
    table = samples.pivot_table(index="patient_id", columns="timepoint", values="sample_id", aggfunc="first")
    table = table.reindex(columns=["PRE", "POST"]).dropna()
    response = samples.drop_duplicates("patient_id").set_index("patient_id")["response"].reindex(table.index)
    rank = {words: place for place, (words, _) in enumerate(RESPONSES.values())}
    table = table.assign(response=response, rank=response.map(rank)).rename_axis("patient").reset_index()
    return table.sort_values(["rank", "patient"]).set_index("patient")


def _strongest(*, results: Results, layer: str, values: pd.DataFrame) -> list[str]:
    """Return features by their smallest p in the contrasts over time, else in any; those without a p last."""
    declared = list(results.settings["contrasts"])
    over_time = [name for name in declared if name in ("change", "response_change")]
    found: dict[str, float] = {}
    for contrast in over_time or declared:
        source = source_of(layer=layer, contrast=contrast)
        if not results.has(source):
            continue
        table = results.table(source).dropna(subset=["feature", "p"])
        for feature, p in zip(table["feature"], table["p"], strict=True):
            found[feature] = min(p, found.get(feature, 1.0))
    return sorted(values.index, key=lambda feature: (found.get(feature, 2.0), str(feature)))


def _labels(*, results: Results, layer: str, names: list[str]) -> list[str]:
    known: dict[str, str] = {}
    for contrast in results.settings["contrasts"]:
        source = source_of(layer=layer, contrast=contrast)
        if results.has(source):
            table = results.table(source).dropna(subset=["feature", "label"])
            known |= dict(zip(table["feature"], table["label"], strict=True))
    rows = pd.DataFrame({"feature": names, "label": [known.get(name, name) for name in names]})
    return list(unique_labels(rows=rows))


def _chart(*, rows: pd.DataFrame, labels: list[str], pairs: pd.DataFrame, unit: str) -> alt.VConcatChart:
    """Return the picture, with a strip above that tells the response of each patient."""
    most = float(rows["change"].abs().max()) if len(rows) else 1.0
    scale = alt.Scale(scheme="blueorange", domain=[-most, most], domainMid=0)
    named = len(pairs) <= MAX_NAMED
    width = alt.Step(15 if named else 15 * MAX_NAMED / len(pairs))
    patients = list(pairs.index)
    who = alt.Tooltip("response:N", title="Response")
    strip = (
        alt.Chart(pairs["response"].reset_index())
        .mark_rect(stroke="white")
        .encode(
            x=alt.X("patient:N", sort=patients, axis=None),
            color=alt.Color(
                "response:N", title="Response", scale=response_scale(seen=list(pairs["response"])),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[alt.Tooltip("patient:N", title="Patient"), who],
        )
        .properties(width=width, height=10)
    )  # fmt: skip
    heat = (
        alt.Chart(rounded(rows=rows, digits=3))
        .mark_rect()
        .encode(
            x=alt.X("patient:N", sort=patients, title="Patient", axis=alt.Axis(labels=named, ticks=False)),
            y=alt.Y("feature:N", sort=labels, title=None, axis=alt.Axis(labelLimit=220, labelFontSize=10)),
            color=alt.Color(
                "change:Q", title=f"Change ({unit})", scale=scale,
                legend=alt.Legend(orient="bottom", gradientLength=220, titleLimit=300),
            ),
            tooltip=[
                alt.Tooltip("feature:N", title="Feature"), alt.Tooltip("patient:N", title="Patient"), who,
                alt.Tooltip("change:Q", title=f"Change ({unit})"),
            ],
        )
        .properties(width=width, height=alt.Step(14))
    )  # fmt: skip
    return alt.vconcat(strip, heat, spacing=4).resolve_scale(color="independent")

"""One layer in every contrast, drawn: volcano, and a forest of the features with the smallest p."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import GREY, INK, VERMILION, Chart, empty_figure, titled
from gutaxis.report.charts import MAX_MARKS, WIDTH, chosen_rows, dropdown, rounded, unique_labels, with_choice
from gutaxis.report.differential import contrast_words, contrasts_of, source_of, unit_of
from gutaxis.report.items import Figure
from gutaxis.report.numbers import formatted
from gutaxis.report.sources import Results

FOREST_ROWS = 20
TOOLTIP = [
    alt.Tooltip("label:N", title="Feature"), alt.Tooltip("estimate:Q", title="Effect"),
    alt.Tooltip("ci_low:Q", title="95 % low"), alt.Tooltip("ci_high:Q", title="95 % high"),
    alt.Tooltip("p:Q", title="p", format=".2g"), alt.Tooltip("q:Q", title="q", format=".2g"),
]  # fmt: skip


def effects_figure(*, results: Results, layer: str, name: str) -> Figure:
    """Return volcano and forest of a layer, with a choice of the contrast.

    Parameters
    ----------
    results, layer, name
        As :func:`gutaxis.report.differential.findings`.
    """
    names = contrasts_of(results=results, layer=layer)
    rows, sizes = _drawn(results=results, layer=layer, names=names)
    title = f"{name}: effect and p of each feature, by contrast"
    source = source_of(layer=layer, contrast=names[0])
    if rows.empty:
        return Figure(title=title, chart=empty_figure(title=title, reason="no contrast could be tested"), source=source)
    shown = [contrast_words(contrast=contrast) for contrast in names if sizes[contrast]]
    choice = dropdown(name="contrast", words="Contrast", options=shown)
    units = {contrast: unit_of(results=results, source=source_of(layer=layer, contrast=contrast)) for contrast in names}
    axis = _axis(units={contrast_words(contrast=key): unit for key, unit in units.items() if sizes[key]})
    fdr = formatted(value=float(results.settings["fdr"]), style="short")
    words = [f"q < {fdr}", f"q \u2265 {fdr}"]
    rows["found"] = np.where(rows["q"] < float(results.settings["fdr"]), *words)
    cut = [key for key in sizes if sizes[key] > (rows["c"] == contrast_words(contrast=key)).sum()]
    notes = [
        f"{contrast_words(contrast=key)}: {(rows['c'] == contrast_words(contrast=key)).sum()} of {sizes[key]} features "
        "are drawn, those with the smallest p; the table has all"
        for key in cut
    ]
    forest = rows[rows["place"] <= FOREST_ROWS]
    both = alt.vconcat(
        _volcano(rows=rows.drop(columns=["place"]), choice=choice, axis=axis, words=words),
        _forest(rows=forest, choice=choice, axis=axis, words=words),
    ).resolve_scale(color="shared", shape="shared")
    chart = titled(chart=with_choice(chart=both, choice=choice), title=title, notes=notes)
    return Figure(title=title, chart=chart, source=source)


def _drawn(*, results: Results, layer: str, names: Sequence[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows to draw, strongest first, and how many each contrast has."""
    parts, sizes = [], {}
    for contrast in names:
        table = results.table(source_of(layer=layer, contrast=contrast))
        table = table[table["p"].notna() & table["estimate"].notna() & table["feature"].notna()]
        table = table.sort_values(["p", "feature"], kind="stable")
        sizes[contrast] = len(table)
        table = table.assign(label=unique_labels(rows=table), c=contrast_words(contrast=contrast))
        parts.append(table.assign(place=range(1, len(table) + 1)).head(MAX_MARKS // len(names)))
    full = [part for part in parts if len(part)] or parts[:1]
    rows = pd.concat(full, ignore_index=True)
    columns = ["c", "label", "estimate", "ci_low", "ci_high", "p", "q", "place"]
    return rounded(rows=rows.reindex(columns=columns)), sizes


def _axis(*, units: dict[str, str]) -> str:
    distinct = list(dict.fromkeys(units.values()))
    if len(distinct) == 1:
        return f"Effect ({distinct[0]})"
    parts = [f"{', '.join(key for key in units if units[key] == unit)}: {unit}" for unit in distinct]
    return f"Effect ({'; '.join(parts)})"


def _look(*, words: Sequence[str]) -> dict[str, alt.Color | alt.Shape]:
    colors = alt.Scale(domain=list(words), range=[VERMILION, GREY])
    shapes = alt.Scale(domain=list(words), range=["triangle-up", "circle"])
    return {
        "color": alt.Color("found:N", title=None, scale=colors, legend=alt.Legend(orient="top")),
        "shape": alt.Shape("found:N", title=None, scale=shapes, legend=alt.Legend(orient="top")),
    }


def _volcano(*, rows: pd.DataFrame, choice: alt.Parameter | None, axis: str, words: Sequence[str]) -> Chart:
    # below this a p is zero for the computer, and its logarithm cannot be drawn
    rows = rows.assign(y=(-np.log10(rows["p"].clip(lower=1e-300))).round(3))
    base = chosen_rows(chart=alt.Chart(rows), column="c", choice=choice)
    points = base.mark_point(filled=True, size=45, opacity=0.75).encode(
        x=alt.X("estimate:Q", title=axis), y=alt.Y("y:Q", title="\u2212log10 p"), tooltip=TOOLTIP, **_look(words=words)
    )
    return alt.layer(_zero(), points).properties(width=WIDTH - 180, height=260)


def _forest(*, rows: pd.DataFrame, choice: alt.Parameter | None, axis: str, words: Sequence[str]) -> Chart:
    base = chosen_rows(chart=alt.Chart(rows), column="c", choice=choice)
    order = alt.EncodingSortField(field="place", op="min", order="ascending")
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelFontSize=10))
    bars = base.mark_rule(strokeWidth=1.4).encode(
        x=alt.X("ci_low:Q", title=axis), x2="ci_high:Q", y=y, tooltip=TOOLTIP, color=_look(words=words)["color"]
    )
    points = base.mark_point(filled=True, size=50, opacity=1).encode(
        x=alt.X("estimate:Q", title=axis), y=y, tooltip=TOOLTIP, **_look(words=words)
    )
    heading = f"The {FOREST_ROWS} features with the smallest p, with 95 % intervals"
    return alt.layer(bars, points, _zero()).properties(width=WIDTH - 180, height=alt.Step(15), title=heading)


def _zero() -> alt.Chart:
    return alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="zero:Q")

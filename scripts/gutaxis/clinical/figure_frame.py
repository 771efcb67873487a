"""What all figures share: colours, titles, the message of an empty figure, and saving as SVG and interactive HTML."""

import html as html_words
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from gutaxis.clinical.figure_page import SPEC_OPEN, script_json
from gutaxis.files import atomic_write

Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart
#: Okabe and Ito's colours, told apart with any colour vision; grey and black beside them.
BLUE, SKY, GREEN, ORANGE, VERMILION = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"
PURPLE, YELLOW, GREY, LIGHT, INK = "#CC79A7", "#F0E442", "#8C8C8C", "#D0D0D0", "#222222"
RESPONSE_COLORS = {
    "CR": BLUE,
    "PR": SKY,
    "SD": GREY,
    "NON-CR/NON-PD": PURPLE,
    "PD": VERMILION,
    "NE": YELLOW,
    "MISSING": LIGHT,
}
GROUP_COLORS = (INK, BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
WIDTH = 560
#: Above this many rows, patients are drawn thinner and not named.
MAX_NAMED = 120


def response_color(*, values: Sequence[str], legend: alt.Legend | None = None) -> alt.Color:
    """Return the colour of the responses that occur, in their clinical order."""
    seen = [name for name in RESPONSE_COLORS if name in set(values)]
    scale = alt.Scale(domain=seen, range=[RESPONSE_COLORS[name] for name in seen])
    return alt.Color("bor:N", scale=scale, title="Best response", legend=legend or alt.Legend())


def titled(*, chart: Chart, title: str, notes: Sequence[str]) -> Chart:
    """Put a title and small lines of notes above a chart."""
    return chart.properties(
        title=alt.TitleParams(title, subtitle=[note for note in notes if note], anchor="start", offset=12)
    )


def counted(*, shown: int, total: int, missing: Mapping[str, int], what: str = "patients") -> str:
    """Say how many are shown and why the others are not: ``n = 41 of 48 patients. Not shown: 7 without a scan``."""
    left = [f"{count} {reason}" for reason, count in missing.items() if count]
    tail = f". Not shown: {', '.join(left)}" if left else ""
    return f"n = {shown} of {total} {what}{tail}"


def empty_figure(*, title: str, reason: str) -> Chart:
    """Return a figure that says what is missing and why, in place of an empty plot."""
    lines = [f"Nothing to show: {reason}."]
    text = alt.Chart(pd.DataFrame({"text": lines})).mark_text(fontSize=14, color=INK, align="left")
    chart = text.encode(x=alt.value(10), y=alt.value(30), text="text:N").properties(width=WIDTH, height=60)
    return titled(chart=chart, title=title, notes=[])


def line_legend() -> alt.Legend:
    """Return a legend of strokes in full colour, whatever the opacity of the bands."""
    return alt.Legend(symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2.5, symbolSize=150)


def in_order(
    *, rows: pd.DataFrame, order: Sequence[str], title: str, upright: bool = False, grid: bool = False
) -> tuple[pd.DataFrame, alt.X | alt.Y]:
    """Return the rows with the patients' places, and an axis that draws the patients in that order.

    Many patients are placed by number and not named: a list of thousands of names is more than Vega can sort.
    """
    places = {patient: place for place, patient in enumerate(order)}
    rows = rows.assign(place=rows["patient_id"].map(places))
    named = len(order) <= MAX_NAMED
    axis = alt.Axis(labelAngle=0 if upright else -90, labels=named, ticks=False, grid=grid, labelFontSize=9)
    channel = alt.Y if upright else alt.X
    if named:
        return rows, channel("patient_id:N", sort=list(order), title=title, axis=axis)
    return rows, channel("place:O", title=title, axis=axis)


def row_step(*, rows: int) -> float:
    """Return the height of one patient's row in a figure of ``rows`` rows."""
    return 13 if rows <= MAX_NAMED else MAX_NAMED * 13 / rows


def save_figure(*, chart: Chart, svg: Path, html: Path) -> None:
    """Write a chart as SVG and as one interactive HTML page; the same chart always gives the same bytes.

    The page holds its data and all its JavaScript, and a policy that lets it load nothing else: it needs no network.
    Text of the data is never read as HTML.

    Parameters
    ----------
    chart
        Any chart of this package.
    svg, html
        Files to write.
    """
    spec = chart_spec(chart=chart)
    picture = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=_vegalite_version())
    for path, text in ((Path(svg), picture), (Path(html), _page(spec))):
        with atomic_write(path) as part:
            part.write_text(text, encoding="utf-8")


def chart_spec(*, chart: Chart) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart, in the style of this package, whatever was drawn before it."""
    styled = (
        chart.configure(font="sans-serif", background="white")
        .configure_view(stroke=None)
        .configure_title(fontSize=15, subtitleFontSize=11, subtitleColor="#555555", subtitleLineHeight=15, color=INK)
        .configure_axis(labelFontSize=11, titleFontSize=12, gridColor="#ECECEC", titleFontWeight="normal")
        .configure_legend(labelFontSize=11, titleFontSize=11, titleFontWeight="normal", symbolStrokeWidth=1.5)
        .configure_header(labelFontSize=12, titleFontSize=12)
    )
    with alt.data_transformers.enable("default", max_rows=None):
        text = json.dumps(styled.to_dict(), sort_keys=True)
    return json.loads(text)


def _vegalite_version() -> str:
    """Return the newest Vega-Lite of the converter, as ``6.4``, so that picture and page use the same one."""
    return max(vl_convert.get_vegalite_versions(), key=lambda text: tuple(map(int, text.split("."))))


def figure_bundle(*, snippet: str) -> str:
    """Return Vega, Vega-Lite and vega-embed as one script that ends with the given JavaScript and needs no network.

    Parameters
    ----------
    snippet
        JavaScript in which ``vegaEmbed`` is known.
    """
    return vl_convert.javascript_bundle(snippet, vl_version=_vegalite_version()).replace("</script", "<\\/script")


@cache
def _bundle() -> str:
    return figure_bundle(snippet="window.drawFigure = (spec) => vegaEmbed('#figure', spec, window.figureOptions);")


def _page(spec: dict[str, Any]) -> str:
    title = spec.get("title", {})
    heading = html_words.escape(str(title.get("text", "Figure") if isinstance(title, dict) else title))
    policy = (
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
    )
    options = '{"renderer": "svg", "actions": {"export": true, "source": false, "compiled": false, "editor": false}}'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{heading}</title>
</head>
<body>
<div id="figure"></div>
{SPEC_OPEN}{script_json(value=spec)}</script>
<script>window.figureOptions = {options};</script>
<script type="module">{_bundle()}</script>
<script type="module">window.drawFigure(JSON.parse(document.getElementById("figure-spec").textContent));</script>
</body>
</html>
"""

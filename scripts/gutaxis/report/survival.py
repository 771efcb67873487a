"""Features before the dose and PFS2: Cox models of every layer, as a forest and in words."""

import numpy as np
import pandas as pd

from gutaxis.report.differential import COMPARED, effect, header_value, label_of, role_of
from gutaxis.report.forest import MOST, forest, verdict, verdicts
from gutaxis.report.items import Content, Figure, Table
from gutaxis.report.numbers import sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.statements import level, plain, strongest, unique_names
from gutaxis.report.wording import in_words

CONTRAST = "survival"
HEADS = {
    "layer": "Layer",
    "label": "Feature",
    "hazard": "Hazard ratio per SD",
    "hazard_low": "95 % interval, low",
    "hazard_high": "95 % interval, high",
    "p": "p",
    "q": "q within the layer",
    "agreement": "Sensitivity analyses that agree (share)",
    "n": "Patients",
}
ROWS = 200
#: A hazard ratio beyond this says that the estimate is not to be trusted; it would flatten the chart.
LARGEST = 100.0


def survival_parts(*, results: Results) -> Content:
    """Return what the contrast ``survival`` found in every layer; without blocks where nothing was tested.

    Parameters
    ----------
    results
        The results.
    """
    if CONTRAST not in results.settings["contrasts"]:
        why = "Hazard of progression or death by feature: the config declares no contrast `survival`."
        return Content(findings=[sentence(why)], counted=[], blocks=[])
    findings, counted, parts = [], [], []
    role = role_of(results=results, contrast=CONTRAST)
    for layer in results.layers:
        source = f"differential/{layer}/{CONTRAST}.tsv"
        if not results.has(source):
            counted.append(sentence("Cox models of {layer}: {why}", layer=layer, why=results.why(source)))
            continue
        table = results.table(source)
        best = strongest(table=table, by=("q", "p"), size="estimate")
        if best.empty:
            why = header_value(results=results, source=source, start="no result:")
            reasons = "; ".join(sorted(set(table["reason"].dropna().astype(str)))) or "the table has no row"
            counted.append(sentence("Cox models of {layer}: not tested, {why}.", layer=layer, why=why or reasons))
            continue
        first = best.iloc[0]
        where = [("feature", "==", plain(first["feature"]))]
        _, above, below = COMPARED[CONTRAST]
        findings.append(
            sentence(
                "Progression or death by {layer} before the dose ({role}): {k} of {m} features pass q &lt; {q}. "
                "Smallest q: {label}, {direction}, log hazard ratio per SD {effect}.",
                layer=layer, role=role, q=level(results=results), label=label_of(row=first),
                k=total(results=results, source=source, where=[("q", "<", results.settings["fdr"])]),
                m=total(results=results, source=source, where=[("p", "known", None)]),
                direction=above if first["estimate"] > 0 else below,
                effect=effect(results=results, source=source, where=where),
            )
        )  # fmt: skip
        counted.append(
            sentence(
                "Cox models of {layer}: up to {n} patients.", layer=layer,
                n=total(results=results, source=source, what="max", column="n"),
            )
        )  # fmt: skip
        parts.append(best.head(ROWS))
    if not parts:
        findings.append(sentence("Hazard of progression or death by feature: no layer could be tested."))
        return Content(findings=findings, counted=counted, blocks=[])
    return Content(findings=findings, counted=counted, blocks=_blocks(results=results, rows=pd.concat(parts)))


def _blocks(*, results: Results, rows: pd.DataFrame) -> list[Figure | Table]:
    order = strongest(table=rows, by=("q", "p"), size="estimate").reset_index(drop=True)
    order = order.assign(
        hazard=np.exp(order["estimate"]), hazard_low=np.exp(order["ci_low"]), hazard_high=np.exp(order["ci_high"])
    )
    named = order.assign(name=unique_names(table=order, within=["layer"]))
    inside = named[named["hazard"].between(1 / LARGEST, LARGEST)]
    every = inside.head(MOST).assign(view="every layer")
    every["name"] = every["name"] + " (" + every["layer"] + ")"
    drawn = pd.concat([every, *(part.head(MOST).assign(view=layer) for layer, part in inside.groupby("layer"))])
    # an end of an interval beyond the chart is drawn at its border; the table has the number
    drawn = drawn.assign(
        estimate=drawn["hazard"], low=drawn["hazard_low"].clip(lower=1 / LARGEST),
        high=drawn["hazard_high"].clip(upper=LARGEST),
        group=verdict(q=drawn["q"], level=results.settings["fdr"]),
    )  # fmt: skip
    source = f"differential/{order['layer'].iloc[0]}/{CONTRAST}.tsv"
    blocks: list[Figure | Table] = []
    if len(drawn):
        beyond = len(named) - len(inside)
        chart = forest(
            rows=drawn, title="Hazard of progression or death per SD of the feature before the dose",
            null=1.0, log=True,
            notes=[f"The {MOST} with the smallest q of each choice, at most; intervals end at the border of the chart.",
                   f"Not drawn, for the estimate is beyond {LARGEST:g}: {beyond}." if beyond else ""],
            axis="Hazard ratio per SD (95 % interval)", group="Feature", choice="Show",
            groups=verdicts(level=results.settings["fdr"]),
            tips={"layer": "Layer", "p": "p", "q": "q within the layer"},
        )  # fmt: skip
        blocks.append(Figure(title="Hazard ratios of PFS2", chart=chart, source=source))
    rows_of = in_words(rows=order.head(ROWS), heads=HEADS)
    blocks.append(
        Table(title="Hazard ratios of PFS2, smallest q first", rows=rows_of, source=source, filters=("Layer",))
    )
    return blocks

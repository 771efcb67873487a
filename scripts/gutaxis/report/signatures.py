"""Published scores of the taxa layer on the page: class of Akkermansia, TOPOSCORE."""

import pandas as pd
from markupsafe import Markup

from gutaxis.report.charts import response_words
from gutaxis.report.items import Figure, Table
from gutaxis.report.numbers import Condition, listed, sentence, total
from gutaxis.report.paired import SAMPLES, by_patient, pairs_figure
from gutaxis.report.sources import Results

#: Column of the table -> what the chart calls it.
VALUES = {"akkermansia_percent": "Akkermansia muciniphila (percent of the taxa)", "score": "TOPOSCORE (0 to 1)"}
CLASSES = ("high", "low", "zero")


def signature_findings(*, results: Results, source: str) -> list[Markup]:
    """Say how many samples fall into each class, and why a score is missing.

    Parameters
    ----------
    results
        The results.
    source
        ``signatures.tsv`` of a layer.
    """
    table = results.table(source)
    if table.empty:
        return [sentence("TOPOSCORE and Akkermansia class: the layer has no sample.")]
    before: list[Condition] = [("timepoint", "==", "PRE")] if (table["timepoint"] == "PRE").any() else []
    when = "samples before ILDR" if before else "samples"

    def number(column: str, value: str) -> Markup:
        return total(results=results, source=source, where=[*before, (column, "==", value)])

    counts = {"n": total(results=results, source=source, where=before), "when": when}
    classes = {name: number("akkermansia_class", name) for name in CLASSES}
    said = [
        sentence(
            "Akkermansia class, {n} {when}: {high} high, {low} low, {zero} without it, {unknown} not known.",
            **counts, **classes,
            unknown=total(results=results, source=source, where=[*before, ("akkermansia_class", "missing", None)]),
        )
    ]  # fmt: skip
    if table["toposcore"].notna().any():
        said.append(sentence(
            "TOPOSCORE, {n} {when}: {good} SIG2+, {bad} SIG1+, {unknown} without a score.", **counts,
            good=number("toposcore", "SIG2+"), bad=number("toposcore", "SIG1+"),
            unknown=total(results=results, source=source, where=[*before, ("toposcore", "missing", None)]),
        ))  # fmt: skip
    reasons = sorted(set(table["reason"].dropna().astype(str)))
    if reasons:
        said.append(sentence("TOPOSCORE is not given for a part of the samples: {why}.", why=listed(reasons)))
    notes = [line for line in results.header(source) if line.startswith(("derived for", "TOPOSCORE and"))]
    return said + [sentence("{note}.", note=note[:1].upper() + note[1:]) for note in notes]


def signature_blocks(*, results: Results, source: str) -> list[Figure | Table]:
    """Return the values patient by patient, and the classes by timepoint and response.

    Parameters
    ----------
    results, source
        As :func:`signature_findings`.
    """
    table = results.table(source)
    long = table.melt(id_vars="sample_id", value_vars=list(VALUES), var_name="column")
    long["value"] = pd.to_numeric(long["value"], errors="coerce")
    long["name"] = long["column"].map(VALUES)
    rows = by_patient(results=results, values=long[["sample_id", "name", "value"]])
    title = "Akkermansia and TOPOSCORE before and after ILDR, by response"
    chart = pairs_figure(
        rows=rows, title=title, axis=None, words="Value",
        notes=["A line is one patient. For research: neither value predicts anything for a single patient."],
    )  # fmt: skip
    known = results.table(SAMPLES).drop_duplicates("sample_id").set_index("sample_id")["response"]
    table = table.assign(Response=response_words(values=table["sample_id"].map(known)))
    groups = {"timepoint": "Timepoint", "akkermansia_class": "Akkermansia class", "toposcore": "TOPOSCORE class"}
    words = {"akkermansia_class": "not known", "toposcore": "no score", "timepoint": "not given"}
    table = table.rename(columns=groups).fillna({groups[key]: word for key, word in words.items()})
    heads = ["Response", *groups.values()]
    counts = table.astype(dict.fromkeys(heads, str)).groupby(heads).size().reset_index(name="Samples")
    return [
        Figure(title=title, chart=chart, source=source),
        Table(title="Samples by class, timepoint and response", rows=counts, source=source),
    ]

"""Diversity of a layer: alpha before and after ILDR; beta as ordination, PERMANOVA, and shift within patients."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from gutaxis.report.charts import rounded
from gutaxis.report.differential import COMPARED, chance, contrast_words, effect, header_value, role_of
from gutaxis.report.items import Figure, Table
from gutaxis.report.numbers import Condition, cell, chosen, listed, sentence, total
from gutaxis.report.ordination import ordination_figure
from gutaxis.report.paired import by_patient, pairs_figure
from gutaxis.report.sources import Results

#: Distances in words, the one of the first sentence first.
DISTANCES = {
    "aitchison": "Aitchison", "euclidean": "Euclidean", "logcpm": "log2 CPM", "robust_aitchison": "robust Aitchison",
    "braycurtis": "Bray-Curtis", "jaccard": "Jaccard", "weighted_unifrac": "weighted UniFrac",
    "unweighted_unifrac": "unweighted UniFrac",
}  # fmt: skip
#: The term that a contrast is about, and how it is called.
TERMS = {
    "baseline": ("response", "the response"),
    "post": ("response", "the response"),
    "change": ("time", "the time of sampling, before or after ILDR,"),
    "response_change": ("response:time", "the response"),
    "survival": ("pfs2", "PFS2"),
}
#: Of what a term takes a share.
VARIATION = {"change": "of all paired samples", "response_change": "of the changes between patients"}
ALPHA_HEADS = {
    "label": "Index", "contrast": "Contrast", "role": "Role", "estimate": "Effect", "ci_low": "95 % interval, low",
    "ci_high": "95 % interval, high", "p": "p", "q": "q", "agreement": "Sensitivity analyses that agree (share)",
    "n": "Patients", "method": "Test", "reason": "Why without a result",
}  # fmt: skip
PERMANOVA_HEADS = {
    "distance": "Distance", "contrast": "Contrast", "term": "Term", "df": "df", "r2": "R\u00b2 (share of variation)",
    "f": "F", "p": "p", "permutations": "Permutations", "scheme": "Permuted", "n": "Patients",
    "reason": "Why without a result",
}  # fmt: skip
SPREAD_HEADS = {
    "distance": "Distance", "contrast": "Contrast", "term": "Term", "centre": "Centre", "f": "F", "p": "p",
    "spread": "Mean distance to the centre", "n": "Patients", "reason": "Why without a result",
}  # fmt: skip
MAIN = ("role", "!=", "sensitivity")


def alpha_files(*, layer: str) -> tuple[str, str]:
    """Return the values and the tests of alpha diversity of a layer."""
    return f"diversity/{layer}/alpha_diversity.tsv", f"diversity/{layer}/alpha_tests.tsv"


def alpha_findings(*, results: Results, layer: str, name: str) -> list[Markup]:
    """Say for each contrast what became of the first index, and how many of all indices changed.

    Parameters
    ----------
    results, layer
        The layer, with :func:`alpha_files`.
    name
        In words, such as ``Species``.
    """
    source = alpha_files(layer=layer)[1]
    return [
        _alpha_finding(results=results, source=source, name=name, contrast=contrast)
        for contrast in results.settings["contrasts"]
    ]


def _alpha_finding(*, results: Results, source: str, name: str, contrast: str) -> Markup:
    start = sentence(
        "{name}, {contrast} ({role}; {compared})", name=name, contrast=contrast_words(contrast=contrast),
        role=role_of(results=results, contrast=contrast), compared=COMPARED[contrast][0],
    )  # fmt: skip
    own: list[Condition] = [("contrast", "==", contrast), MAIN]
    rows = chosen(table=results.table(source), where=own)
    tested = rows[rows["p"].notna()]
    if tested.empty:
        reasons = sorted(set(rows["reason"].dropna().astype(str)))
        why = "; ".join(reasons) or _refused(results=results, source=source, contrast=contrast)
        return sentence("{start}: not tested: {why}.", start=start, why=why.rstrip("."))
    first = tested[tested["feature"] == "shannon"] if (tested["feature"] == "shannon").any() else tested
    row = first.iloc[0]
    fdr = float(results.settings["fdr"])
    passed = total(results=results, source=source, where=[*own, ("q", "<", fdr)])
    text = (
        "{start}: {label}{unit} {effect}. {passed} of {tested} indices tested {verb} q &lt; {fdr}; "
        "they measure one thing in several ways."
    )
    return sentence(
        text, start=start, label=row["label"], unit=", log hazard ratio per SD:" if contrast == "survival" else ":",
        passed=passed, fdr=f"{fdr:g}",
        verb="passes" if (tested["q"] < fdr).sum() == 1 else "pass",
        effect=effect(results=results, source=source, where=[*own, ("feature", "==", row["feature"])]),
        tested=total(results=results, source=source, where=[*own, ("p", "known", None)]),
    )  # fmt: skip


def _refused(*, results: Results, source: str, contrast: str) -> str:
    """Return why a contrast has no row: the header says it for all contrasts in one line."""
    said = header_value(results=results, source=source, start="no result:") or "the table has no row for it"
    parts = said.split("; ")
    start = f"{contrast}: "
    return next((part.removeprefix(start) for part in parts if part.startswith(start)), said)


def alpha_counted(*, results: Results, layer: str) -> list[Markup]:
    """Say how many samples and patients have a value, and what could not be computed."""
    values, tests = alpha_files(layer=layer)
    said = [
        sentence(
            "n = {samples} samples of {patients} patients.", samples=total(results=results, source=values),
            patients=total(results=results, source=values, what="distinct", column="patient_id"),
        )
    ]  # fmt: skip
    notes = [line for line in results.header(tests) if line.startswith(("no rarefaction", "no Faith", "columns *"))]
    return said + [sentence("{note}.", note=note[:1].upper() + note[1:]) for note in notes]


def alpha_blocks(*, results: Results, layer: str, name: str) -> list[Figure | Table]:
    """Return the indices patient by patient, and their tests.

    Parameters
    ----------
    results, layer, name
        As :func:`alpha_findings`.
    """
    values, tests = alpha_files(layer=layer)
    table = results.table(values)
    names = {}
    for line in results.header(values):
        word, _, label = line.partition(": ")
        if word in table.columns and pd.to_numeric(table[word], errors="coerce").notna().any():
            names[word] = label
    # the index of the first sentence is the one that is shown first
    order = sorted(names, key=lambda word: word != "shannon")
    long = table.melt(id_vars="sample_id", value_vars=order, var_name="index")
    long["name"] = long["index"].map(names)
    rows = by_patient(results=results, values=long[["sample_id", "name", "value"]])
    title = f"{name}: alpha diversity before and after ILDR, by response"
    chart = pairs_figure(
        rows=rows, title=title, axis=None, words="Index",
        notes=["A line is one patient; a lone point has one timepoint only."],
    )  # fmt: skip
    found = results.table(tests)
    found["contrast"] = found["contrast"].map(_words)
    shown = rounded(rows=found[list(ALPHA_HEADS)]).rename(columns=ALPHA_HEADS)
    return [
        Figure(title=title, chart=chart, source=values),
        Table(title=f"{name}: tests of alpha diversity", rows=shown, source=tests, filters=("Contrast", "Role")),
    ]


def metrics_of(*, results: Results, layer: str) -> list[str]:
    """Return the distances of a layer, the one of the first sentence first."""
    start = f"diversity/{layer}/permanova_"
    found = [path.removeprefix(start).removesuffix(".tsv") for path in results.matching(f"{start}*.tsv")]
    known = list(DISTANCES)
    return sorted(found, key=lambda metric: (known.index(metric) if metric in known else len(known), metric))


def metric_words(*, metric: str) -> str:
    """Return the name of a distance as it is written."""
    return DISTANCES.get(metric, metric.replace("_", " "))


def beta_findings(*, results: Results, layer: str, name: str) -> list[Markup]:
    """Say for each contrast how much of the variation goes with its term, and how near pairs of a patient are.

    Parameters
    ----------
    results, layer, name
        As :func:`alpha_findings`; the layer has at least one distance.
    """
    metrics = metrics_of(results=results, layer=layer)
    said = [
        _beta_finding(results=results, layer=layer, name=name, contrast=contrast, metrics=metrics)
        for contrast in results.settings["contrasts"]
    ]
    shift = f"diversity/{layer}/within_patient_shift.tsv"
    if results.has(shift):
        own: list[Condition] = [("metric", "==", metrics[0])]
        if len(chosen(table=results.table(shift), where=own)):
            said.append(sentence(
                "{name}, pairs: in {nearest} of {pairs} patients the POST sample nearest to their PRE sample is their "
                "own ({metric} distance).",
                name=name, metric=metric_words(metric=metrics[0]),
                nearest=total(results=results, source=shift, where=[*own, ("own_is_nearest", "==", True)]),
                pairs=total(results=results, source=shift, where=own),
            ))  # fmt: skip
    return said


def _beta_finding(*, results: Results, layer: str, name: str, contrast: str, metrics: Sequence[str]) -> Markup:
    term, words = TERMS[contrast]
    where: list[Condition] = [("contrast", "==", contrast), ("term", "==", term)]
    start = sentence(
        "{name}, {contrast} ({role})", name=name, contrast=contrast_words(contrast=contrast),
        role=role_of(results=results, contrast=contrast),
    )  # fmt: skip
    sources = {metric: f"diversity/{layer}/permanova_{metric}.tsv" for metric in metrics}
    made = [metric for metric in metrics if _p(results=results, source=sources[metric], where=where) is not None]
    if not made:
        rows = chosen(table=results.table(sources[metrics[0]]), where=[("contrast", "==", contrast)])
        why = "; ".join(sorted(set(rows["reason"].dropna().astype(str)))) or "the table has no row for it"
        return sentence("{start}: not tested: {why}.", start=start, why=why.rstrip("."))
    first, source = made[0], sources[made[0]]

    def number(column: str, style: str) -> Markup:
        return cell(results=results, source=source, where=where, column=column, style=style)

    text = "{start}: {words} goes with {r2} of the variation {of} ({metric} distance, PERMANOVA, n = {n} patients; p{p}"
    said = sentence(
        text + ", {count} permutations: {scheme})", start=start, words=words, metric=metric_words(metric=first),
        of=VARIATION.get(contrast, "between patients"), r2=number("r2", "percent"), n=number("n", "integer"),
        count=number("permutations", "integer"), scheme=number("scheme", "text"),
        p=chance(results=results, source=source, where=where, column="p"),
    )  # fmt: skip
    spread = f"diversity/{layer}/dispersion_{first}.tsv"
    centre = [*where, ("centre", "==", "median")]
    if results.has(spread) and _p(results=results, source=spread, where=centre) is not None:
        said += sentence(
            "; difference in spread: p{p}", p=chance(results=results, source=spread, where=centre, column="p")
        )
    others = [
        sentence(
            "{metric} p{p}", metric=metric_words(metric=metric),
            p=chance(results=results, source=sources[metric], where=where, column="p"),
        )
        for metric in made[1:]
    ]  # fmt: skip
    return said + (sentence(". Other distances: {others}.", others=listed(others)) if others else sentence("."))


def _p(*, results: Results, source: str, where: Sequence[Condition]) -> float | None:
    """Return the p of the row, or None where there is no row or no p."""
    rows = chosen(table=results.table(source), where=where)
    return None if rows.empty or pd.isna(rows["p"].iloc[0]) else float(rows["p"].iloc[0])


def beta_counted(*, results: Results, layer: str) -> list[Markup]:
    """Say how many samples are ordinated, and who is left out of which contrast."""
    metric = metrics_of(results=results, layer=layer)[0]
    points = f"diversity/{layer}/pcoa_{metric}.tsv"
    said = []
    if results.has(points):
        said.append(sentence(
            "n = {samples} samples of {patients} patients ({metric} distance).", metric=metric_words(metric=metric),
            samples=total(results=results, source=points),
            patients=total(results=results, source=points, what="distinct", column="patient_id"),
        ))  # fmt: skip
    start = "left out of "
    for line in results.header(f"diversity/{layer}/permanova_{metric}.tsv"):
        contrast, _, who = line.removeprefix(start).partition(": ")
        if line.startswith(start):
            said.append(sentence("Left out of {contrast}: {who}.", contrast=_words(contrast), who=who))
    return said


def beta_blocks(*, results: Results, layer: str, name: str) -> list[Figure | Table]:
    """Return the ordination with a choice of the distance, and the tables of PERMANOVA and of spread.

    Parameters
    ----------
    results, layer, name
        As :func:`beta_findings`.
    """
    metrics = metrics_of(results=results, layer=layer)
    named = {metric: metric_words(metric=metric) for metric in metrics}
    blocks: list[Figure | Table] = []
    drawn = ordination_figure(results=results, layer=layer, name=name, metrics=named)
    blocks += [drawn] if drawn else []
    for kind, title, heads in (
        ("permanova", "share of variation by term (PERMANOVA)", PERMANOVA_HEADS),
        ("dispersion", "spread of the groups (as betadisper)", SPREAD_HEADS),
    ):
        sources = {metric: f"diversity/{layer}/{kind}_{metric}.tsv" for metric in metrics}
        parts = [
            results.table(source).assign(distance=named[metric]).dropna(axis="columns", how="all")
            for metric, source in sources.items()
            if results.has(source)
        ]
        if parts:
            table = pd.concat(parts, ignore_index=True).reindex(columns=list(heads))
            table["contrast"] = table["contrast"].map(_words)
            first = next(source for source in sources.values() if results.has(source))
            blocks.append(Table(
                title=f"{name}: {title}", rows=rounded(rows=table).rename(columns=heads), source=first,
                filters=("Distance", "Contrast"),
            ))  # fmt: skip
    return blocks


def _words(contrast: str) -> str:
    return contrast_words(contrast=contrast)

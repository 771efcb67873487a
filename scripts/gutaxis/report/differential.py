"""One layer in every contrast: what was found in words, who it rests on, the strongest features as a table."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from gutaxis.report.charts import rounded
from gutaxis.report.items import Table
from gutaxis.report.numbers import Condition, cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results

#: What is compared, and the direction of an effect above and below zero.
COMPARED = {
    "baseline": ("responders minus non-responders before ILDR", "higher in responders", "lower in responders"),
    "post": ("responders minus non-responders after ILDR", "higher in responders", "lower in responders"),
    "change": ("after minus before ILDR, within patients", "higher after ILDR", "lower after ILDR"),
    "response_change": (
        "change of responders minus change of non-responders",
        "rising more, or falling less, in responders",
        "rising less, or falling more, in responders",
    ),
    "survival": ("PFS2 by the value before ILDR", "higher hazard at higher values", "lower hazard at higher values"),
}
TABLE_ROWS = 500
COLUMNS = {
    "label": "Feature", "contrast": "Contrast", "role": "Role", "estimate": "Effect", "unit": "Unit of the effect",
    "ci_low": "95 % interval, low", "ci_high": "95 % interval, high", "p": "p", "q": "q",
    "agreement": "Sensitivity analyses that agree (share)", "n": "Patients", "method": "Test",
    "reason": "Why without a result", "feature": "Name in the tables",
}  # fmt: skip


def contrast_words(*, contrast: str) -> str:
    """Return the name of a contrast as it is read: no underscores."""
    return contrast.replace("_", " ")


def source_of(*, layer: str, contrast: str) -> str:
    """Return the table of a layer in a contrast."""
    return f"differential/{layer}/{contrast}.tsv"


def contrasts_of(*, results: Results, layer: str) -> list[str]:
    """Return the declared contrasts for which a layer has a table: primary ones first, then as declared."""
    rank = {"primary": 0, "secondary": 1}
    names = [name for name in results.settings["contrasts"] if results.has(source_of(layer=layer, contrast=name))]
    return sorted(names, key=lambda name: rank.get(role_of(results=results, contrast=name), 2))


def role_of(*, results: Results, contrast: str) -> str:
    """Return primary, secondary or exploratory, as declared."""
    return str(results.settings["contrasts"][contrast]["role"])


def header_value(*, results: Results, source: str, start: str) -> str | None:
    """Return what follows ``start`` in the comment lines above a table, or None."""
    return next((line[len(start) :].strip() for line in results.header(source) if line.startswith(start)), None)


def unit_of(*, results: Results, source: str) -> str:
    """Return the unit of the effects of a result table."""
    return header_value(results=results, source=source, start="unit of estimate:") or "unit not stated"


def effect(*, results: Results, source: str, where: Sequence[Condition]) -> Markup:
    """Return effect, interval, p and q of one row: ``+2.33 (95 % interval +1.25 to +3.42; p = 0.0019, q = 0.019)``.

    Parameters
    ----------
    results, source
        A result table.
    where
        Conditions that one row fulfils.
    """
    row = chosen(table=results.table(source), where=where).iloc[0]
    # two decimals would make nothing of a small effect
    small = row[["estimate", "ci_low", "ci_high"]].astype(float).abs().max() < 0.1

    def number(column: str) -> Markup:
        return cell(
            results=results, source=source, where=where, column=column, style="short" if small else "signed"
        )  # fmt: skip

    return sentence(
        "{estimate} (95 % interval {low} to {high}; p{p}, q{q})",
        estimate=number("estimate"), low=number("ci_low"), high=number("ci_high"),
        p=chance(results=results, source=source, where=where, column="p"),
        q=chance(results=results, source=source, where=where, column="q"),
    )  # fmt: skip


def chance(*, results: Results, source: str, where: Sequence[Condition], column: str) -> Markup:
    """Return a p or q with its sign: `` = 0.03`` or `` < 0.001``."""
    value = chosen(table=results.table(source), where=where)[column].iloc[0]
    text = " {value}" if pd.isna(value) or value < 0.001 else " = {value}"  # the style p writes the sign of small ones
    return sentence(text, value=cell(results=results, source=source, where=where, column=column, style="p"))


def findings(*, results: Results, layer: str, name: str) -> list[Markup]:
    """Say what each contrast of a layer found: one sentence or two each.

    Parameters
    ----------
    results
        The results.
    layer
        Its name in the files.
    name
        In words, such as ``Species``.
    """
    return [
        _finding(results=results, layer=layer, name=name, contrast=contrast)
        for contrast in contrasts_of(results=results, layer=layer)
    ]


def _finding(*, results: Results, layer: str, name: str, contrast: str) -> Markup:
    source = source_of(layer=layer, contrast=contrast)
    compared, above, below = COMPARED[contrast]
    start = sentence(
        "{name}, {contrast} ({role}; {compared})", name=name, contrast=contrast_words(contrast=contrast),
        role=role_of(results=results, contrast=contrast), compared=compared,
    )  # fmt: skip
    table = results.table(source)
    tested = table[table["p"].notna()]
    if tested.empty:
        why = header_value(results=results, source=source, start="no result:")
        reasons = sorted(set(table["reason"].dropna().astype(str)))
        words = why or "; ".join(reasons) or "the table has no row"
        return sentence("{start}: not tested: {why}.", start=start, why=words.rstrip("."))
    fdr = float(results.settings["fdr"])
    passed = int((tested["q"] < fdr).sum())
    parts = {
        "start": start, "fdr": f"{fdr:g}",
        "passed": total(results=results, source=source, where=[("q", "<", fdr)]),
        "tested": total(results=results, source=source, where=[("p", "known", None)]),
    }  # fmt: skip
    text = (
        "{start}: {passed} of {tested} features tested {pass_} q &lt; {fdr}. "
        if passed
        else "{start}: no feature passed q &lt; {fdr}, of {tested} tested. "
    )
    named = tested[tested["feature"].notna()].sort_values(["p", "feature"], kind="stable")
    if named.empty:
        return sentence(text.strip(), **parts, pass_="pass")
    first = named.iloc[0]
    where = [("feature", "==", first["feature"])]
    parts |= {
        "pass_": "passes" if passed == 1 else "pass", "label": label_of(row=first),
        "direction": above if first["estimate"] > 0 else below,
        "effect": effect(results=results, source=source, where=where), "unit": unit_of(results=results, source=source),
        "agree": _agreement(results=results, source=source, where=where, value=first["agreement"]),
    }  # fmt: skip
    return sentence(text + "Smallest p: {label}, {direction}: {effect}, in {unit}{agree}.", **parts)


def _agreement(*, results: Results, source: str, where: Sequence[Condition], value: float) -> Markup:
    if pd.isna(value):
        return sentence("; no sensitivity analysis could be made")
    share = cell(results=results, source=source, where=where, column="agreement", style="percent")
    return sentence("; {share} of the sensitivity analyses agree", share=share)


def label_of(*, row: pd.Series) -> str:
    """Return what a feature is called in a sentence."""
    return str(row["label"] if pd.notna(row["label"]) else row["feature"])


def counted(*, results: Results, layer: str) -> list[Markup]:
    """Say how many patients each contrast rests on, what was left out, and where all numbers stand.

    Parameters
    ----------
    results, layer
        The layer.
    """
    names = contrasts_of(results=results, layer=layer)
    said = []
    for contrast in names:
        source = source_of(layer=layer, contrast=contrast)
        words = sentence("{contrast}: ", contrast=contrast_words(contrast=contrast).capitalize())
        if results.table(source).empty:
            words += sentence("no patient could be compared")
        else:
            numbers = {
                column: total(results=results, source=source, what="max", column=column)
                for column in ("n", "n_r", "n_nr")
            }
            words += sentence("n = {n} patients ({n_r} responders, {n_nr} non-responders)", **numbers)
        said.append(words + _left_out(results=results, source=source) + sentence("."))
    folder = f"differential/{layer}"
    said.append(sentence("All features, contrasts and sensitivity analyses: folder {folder}.", folder=folder))
    return said


def _left_out(*, results: Results, source: str) -> Markup:
    dropped = source.removesuffix(".tsv") + ".dropped.tsv"
    if not results.has(dropped):
        return Markup("")
    table = results.table(dropped)
    parts = []
    for what in table["what"].dropna().unique():
        rows = table[table["what"] == what]
        reasons = sorted(set(rows["reason"].dropna().astype(str)))
        why = reasons[0] if len(reasons) == 1 else "reasons in the table of what was left out"
        number = total(results=results, source=dropped, where=[("what", "==", what)])
        parts.append(sentence("{n} {what} ({why})", n=number, what=what if len(rows) == 1 else f"{what}s", why=why))
    return sentence("; left out: {parts}", parts=listed(parts)) if parts else sentence("; nothing left out")


def features_table(*, results: Results, layer: str, name: str, rows: int = TABLE_ROWS) -> Table:
    """Return the features with the smallest p of every contrast.

    Parameters
    ----------
    results, layer, name
        As :func:`findings`.
    rows
        Most rows, shared by the contrasts.
    """
    names = contrasts_of(results=results, layer=layer)
    parts = []
    for contrast in names:
        source = source_of(layer=layer, contrast=contrast)
        table = results.table(source).sort_values(["p", "feature"], kind="stable")
        parts.append(table.assign(unit=unit_of(results=results, source=source)).head(rows // len(names)))
    full = [part for part in parts if len(part)] or parts[:1]
    table = pd.concat(full, ignore_index=True).assign(contrast=lambda own: own["contrast"].map(_words))
    table["label"] = table["label"].where(table["label"].notna(), table["feature"])
    table = table[list(COLUMNS)].dropna(axis="columns", how="all") if len(table) else table[list(COLUMNS)]
    heads = dict(COLUMNS)
    units = list(table["unit"].unique()) if "unit" in table else []
    if len(units) == 1:
        table, heads["estimate"] = table.drop(columns="unit"), f"Effect ({units[0]})"
    return Table(
        title=f"{name}: features by p in each contrast", rows=rounded(rows=table).rename(columns=heads),
        source=source_of(layer=layer, contrast=names[0]), filters=("Contrast",),
    )  # fmt: skip


def _words(contrast: str) -> str:
    return contrast_words(contrast=contrast)

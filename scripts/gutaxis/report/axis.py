"""How the layers hang together: links between them and chains through them (F13), factors and modules (F14)."""

import pandas as pd
from markupsafe import Markup

from gutaxis.report.axis_factors import factors_item
from gutaxis.report.differential import chance
from gutaxis.report.drawn import taken_over
from gutaxis.report.forest import MOST, forest, verdict, verdicts
from gutaxis.report.items import Absent, Content, Figure, Item, Table
from gutaxis.report.numbers import cell, chosen, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.statements import STATES, interval, level, plain, refusal, strongest
from gutaxis.report.wording import in_words

FOLDER, CHAINS, PANEL = "integration/associations", "integration/mediation.tsv", "integration/mediation_panel.tsv"
#: End of a chain -> how it is said.
ENDS = {"subset": "to the immune subset", "response": "to the response"}
PAIR_HEADS = {
    "state": "State",
    "layer_a": "Layer",
    "label_a": "Feature",
    "layer_b": "Other layer",
    "label_b": "Other feature",
    "rho": "rho (partial Spearman)",
    "ci_low": "95 % from",
    "ci_high": "95 % to",
    "n": "Patients",
    "p": "p",
    "q": "q within the two layers",
    "q_study": "q over all layers",
    "q_declared": "q over declared pairs",
    "arms": "Measured by",
}
CHAIN_HEADS = {
    "state": "State",
    "outcome": "Ends in",
    "rank": "Rank",
    "x_label": "Species",
    "m_label": "Metabolite",
    "y_label": "Immune subset",
    "indirect": "Product of the arrows",
    "ci_low": "95 % from",
    "ci_high": "95 % to",
    "p_joint": "p (joint)",
    "q": "q",
    "reverse_p": "p, metabolite first",
    "immune_first_p": "p, subset first",
    "n": "Patients",
    "n_r": "Responders",
    "role": "Role",
}
PANEL_HEADS = {"state": "State", "place": "Place", "layer": "Layer", "label": "Feature", "why": "Why in the panel"}
#: Rows of a state that the tables show.
ROWS = 100


def association_states(results: Results) -> list[str]:
    """Return the states whose layers were set against each other, in their order."""
    return [state for state in STATES if results.has(f"{FOLDER}/{state}.tsv")]


def links_item(results: Results) -> Content | Absent:
    """F13: pairs of features of two layers, their network, and chains from species to response."""
    states = association_states(results)
    if not states and not results.has(CHAINS):
        return Absent(
            why=results.why(f"{FOLDER}/baseline.tsv"),
            mend="Give files of a second layer, or name states in the config.",
        )
    findings, counted, blocks = [], [], []
    for state in states:
        findings += _links(results=results, state=state)
        counted += _pairs_counted(results=results, state=state)
        network = taken_over(
            results=results, source=f"{FOLDER}/{state}.html", title=f"Network of links, {STATES[state]}"
        )
        blocks += network.figures
        findings += network.said
    blocks += _pair_blocks(results=results, states=states)
    if results.has(CHAINS):
        said, notes, figures = _chains(results=results)
        findings, counted, blocks = [*findings, *said], [*counted, *notes], [*blocks, *figures]
    else:
        findings.append(sentence("Chains: {why}", why=results.why(CHAINS)))
    findings.append(
        sentence(
            "Exploratory: a link is an association over patients; it has no direction, and no chain shows a cause."
        )
    )
    return Content(findings=findings, counted=counted, blocks=blocks)


def _arm(results: Results, layer: str) -> str:
    """Return what a layer was measured by; a table of the user's is an arm of its own."""
    known = results.layers.get(layer)
    return layer if known is None or known.arm == "config" else known.arm


def _with_arms(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    alike = [_arm(results, a) == _arm(results, b) for a, b in zip(table["layer_a"], table["layer_b"], strict=True)]
    words = pd.Series(alike, index=table.index, dtype=bool).map({True: "one arm", False: "two arms"})
    return table.assign(arms=words.astype(object))


def _links(*, results: Results, state: str) -> list[Markup]:
    """Return how many links there are, and the strongest between two arms."""
    source = f"{FOLDER}/{state}.tsv"
    table = _with_arms(results, results.table(source))
    head = sentence("Links, {state}:", state=STATES[state])
    best = strongest(table=table, by=("q_study", "q", "p"), size="rho")
    if best.empty:
        why = refusal(results=results, source=source) or "no pair of features could be tested"
        return [head + sentence(" {why}.", why=why)]
    fdr = results.settings["fdr"]
    counts = {
        "listed": total(results=results, source=source),
        "within": total(results=results, source=source, where=[("q", "<", fdr)]),
        "study": total(results=results, source=source, where=[("q_study", "<", fdr)]),
        "q": level(results=results),
    }
    text = (
        " of {listed} pairs of features listed, {within} pass q &lt; {q} within their two layers and {study} over all "
        "pairs of layers."
    )
    between = best[best["arms"] == "two arms"]
    first = (best if between.empty else between).iloc[0]
    where = [(name, "==", plain(first[name])) for name in ("layer_a", "feature_a", "layer_b", "feature_b")]
    more = sentence(
        " The nearest{where} is {a} ({layer_a}) with {b} ({layer_b}): rho {effect}, q{q_all} over all, {n} patients.",
        where=Markup("") if between.empty else Markup(" between two arms"),
        a=str(first["label_a"]), layer_a=str(first["layer_a"]),
        b=str(first["label_b"]), layer_b=str(first["layer_b"]),
        effect=interval(results=results, source=source, where=where, column="rho"),
        q_all=chance(results=results, source=source, where=where, column="q_study"),
        n=cell(results=results, source=source, where=where, column="n", style="integer"),
    )  # fmt: skip
    return [head + sentence(text, **counts) + more, *_declared(results=results, state=state, table=table)]


def _declared(*, results: Results, state: str, table: pd.DataFrame) -> list[Markup]:
    """Return what the pairs say that the config declared before results were seen; nothing if it declared none."""
    if "q_declared" not in table or table["q_declared"].isna().all():
        return []
    source = f"{FOLDER}/{state}.tsv"
    first = strongest(table=table[table["q_declared"].notna()], by=("q_declared", "p_pair"), size="rho").iloc[0]
    where = [(name, "==", plain(first[name])) for name in ("layer_a", "feature_a", "layer_b", "feature_b")]
    text = (
        "Links, {state}, declared in the config before the results: {found} of {declared} pairs of features pass "
        "q &lt; {q} among the declared pairs of their two layers. The first is {a} with {b}: rho {effect}, "
        "q{q_declared}."
    )
    return [
        sentence(
            text, state=STATES[state], q=level(results=results), a=str(first["label_a"]), b=str(first["label_b"]),
            found=total(results=results, source=source, where=[("q_declared", "<", results.settings["fdr"])]),
            declared=total(results=results, source=source, where=[("q_declared", "<=", 1)]),
            effect=interval(results=results, source=source, where=where, column="rho"),
            q_declared=chance(results=results, source=source, where=where, column="q_declared"),
        )
    ]  # fmt: skip


def _pairs_counted(*, results: Results, state: str) -> list[Markup]:
    """Return the patients of a state, and which layers could not be set against each other."""
    source = f"{FOLDER}/{state}.tsv"
    said = []
    if len(results.table(source)):
        said.append(
            sentence(
                "Links, {state}: {low} to {high} patients in a pair of features.", state=STATES[state],
                low=total(results=results, source=source, what="min", column="n"),
                high=total(results=results, source=source, what="max", column="n"),
            )
        )  # fmt: skip
    lines = results.header(source)
    alike = [line for line in lines if line.startswith("of one arm")]
    refused = [line for line in lines if ": not tested, " in line or ": left out, " in line]
    return [
        *said,
        *(sentence("{state}: {line}.", state=STATES[state].capitalize(), line=line) for line in [*refused, *alike]),
    ]


def _pair_blocks(*, results: Results, states: list[str]) -> list[Figure | Table]:
    """Return the strongest pairs of every state as a forest, and as a table."""
    parts = []
    for state in states:
        best = strongest(table=results.table(f"{FOLDER}/{state}.tsv"), by=("q_study", "q", "p"), size="rho")
        parts.append(_with_arms(results, best.head(5 * ROWS)).assign(state=state))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        return []
    top = rows.groupby(["state", "arms"], sort=False, group_keys=False).head(MOST)
    drawn = top.assign(
        name=_link_names(top), estimate=top["rho"], low=top["ci_low"], high=top["ci_high"],
        group=verdict(q=top["q_study"], level=results.settings["fdr"]),
        view=top["state"].map(STATES) + ", " + top["arms"].map({"two arms": "between arms", "one arm": "in one arm"}),
    ).drop_duplicates(["name", "view"])  # fmt: skip
    drawn = drawn.sort_values("arms", ascending=False, kind="stable")
    chart = forest(
        rows=drawn, title="Strongest pairs of features between layers",
        notes=[f"Of each choice the {MOST} nearest to a finding, at most. Partial Spearman correlation over patients."],
        axis="rho (95 % interval)", null=0.0, group="Over all layers", choice="Show",
        groups=verdicts(level=results.settings["fdr"]),
        tips={"layer_a": "Layer", "layer_b": "Other layer", "q_study": "q over all layers", "n": "Patients"},
    )  # fmt: skip
    first = f"{FOLDER}/{states[0]}.tsv"
    listed_rows = rows.groupby("state", sort=False, group_keys=False).head(ROWS)
    blocks: list[Figure | Table] = [Figure(title="Strongest pairs of features", chart=chart, source=first)]
    for state in states:
        part = listed_rows[listed_rows["state"] == state].assign(state=STATES[state])
        if len(part):
            blocks.append(
                Table(
                    title=f"Strongest pairs, {STATES[state]}",
                    rows=in_words(rows=part, heads=PAIR_HEADS),
                    source=f"{FOLDER}/{state}.tsv", filters=("Layer", "Other layer", "Measured by"),
                )
            )  # fmt: skip
    return blocks


def _link_names(rows: pd.DataFrame) -> pd.Series:
    """Return ``one (layer) - other (layer)``, with the feature's own name where two pairs read alike."""
    said = rows["label_a"].astype(str) + " (" + rows["layer_a"] + ") - " + rows["label_b"].astype(str)
    said += " (" + rows["layer_b"] + ")"
    full = rows["feature_a"].astype(str) + " (" + rows["layer_a"] + ") - " + rows["feature_b"].astype(str)
    full += " (" + rows["layer_b"] + ")"
    return said.where(~said.groupby(rows["state"]).transform(lambda part: part.duplicated(keep=False)), full)


def _chains(*, results: Results) -> tuple[list[Markup], list[Markup], list[Figure | Table]]:
    """Return what the chains say, what they rest on, and their figures."""
    table = results.table(CHAINS)
    lines = [line for line in results.header(CHAINS) if ": no chain, for " in line or " are listed" in line]
    counted = [sentence("{line}.", line=line[0].upper() + line[1:]) for line in lines]
    if len(table):
        counted.insert(
            0,
            sentence(
                "Chains: {low} to {high} patients have all three layers.",
                low=total(results=results, source=CHAINS, what="min", column="n"),
                high=total(results=results, source=CHAINS, what="max", column="n"),
            ),
        )
    if table.empty:
        return [sentence("Chains from species to metabolite to immune subset: none could be tested.")], counted, []
    findings, ranked = [], []
    for (state, outcome), rows in table.groupby(["state", "outcome"], sort=False):
        findings.append(_chain_sentence(results=results, state=str(state), outcome=str(outcome)))
        ranked.append(rows.sort_values("rank"))
    top = pd.concat([rows.head(MOST) for rows in ranked], ignore_index=True)
    names = [" > ".join(map(str, words)) for words in zip(top["x_label"], top["m_label"], top["y_label"], strict=True)]
    drawn = top.assign(
        name=[f"{rank}. {name}" for rank, name in zip(top["rank"], names, strict=True)],
        estimate=top["indirect"], low=top["ci_low"], high=top["ci_high"],
        group=verdict(q=top["q"], level=results.settings["fdr"]),
        view=top["state"].map(STATES) + ", " + top["outcome"].map(ENDS),
    )  # fmt: skip
    blocks: list[Figure | Table] = []
    if drawn["estimate"].notna().any():
        chart = forest(
            rows=drawn, title="Chains: species > metabolite > immune subset",
            axis="Product of the arrows (95 % bootstrap)",
            notes=[f"The {MOST} best ranked of each choice, at most.", "Intervals are not corrected for their number."],
            null=0.0, group="Chain", choice="Show", groups=verdicts(level=results.settings["fdr"]),
            tips={"m_label": "Metabolite", "y_label": "Immune subset", "y_layer": "Its layer", "p_joint": "p (joint)",
                  "reverse_p": "p, metabolite first", "immune_first_p": "p, subset first"},
        )  # fmt: skip
        blocks.append(Figure(title="Chains through the layers", chart=chart, source=CHAINS))
    blocks.append(
        Table(
            title="Best chains", source=CHAINS, filters=("State", "Ends in"),
            rows=in_words(rows=pd.concat([rows.head(ROWS // 2) for rows in ranked]), heads=CHAIN_HEADS),
        )
    )  # fmt: skip
    if results.has(PANEL) and len(panel := results.table(PANEL)):
        rows = in_words(rows=panel, heads=PANEL_HEADS)
        blocks.append(
            Table(title="Features whose chains were tested", rows=rows, source=PANEL, filters=("State", "Place"))
        )
    return findings, counted, blocks


def _chain_sentence(*, results: Results, state: str, outcome: str) -> Markup:
    here = [("state", "==", state), ("outcome", "==", outcome)]
    first = [*here, ("rank", "==", 1)]
    row = chosen(table=results.table(CHAINS), where=first).iloc[0]
    return sentence(
        "Chains, {state}, {end} ({role}): of {n} listed, {k} pass q &lt; {level}. The best ranked is {x} &gt; {m} &gt; "
        "{y}: product of the arrows {effect}, joint p{p}, q{q}, {patients} patients. With the metabolite first, "
        "p{other}: where it is as small, the data do not tell the orders apart.",
        state=STATES.get(state, state), end=ENDS.get(outcome, outcome), role=str(row["role"]),
        n=total(results=results, source=CHAINS, where=here),
        k=total(results=results, source=CHAINS, where=[*here, ("q", "<", results.settings["fdr"])]),
        level=level(results=results), x=str(row["x_label"]), m=str(row["m_label"]), y=str(row["y_label"]),
        effect=interval(results=results, source=CHAINS, where=first, column="indirect"),
        p=chance(results=results, source=CHAINS, where=first, column="p_joint"),
        q=chance(results=results, source=CHAINS, where=first, column="q"),
        patients=cell(results=results, source=CHAINS, where=first, column="n", style="integer"),
        other=chance(results=results, source=CHAINS, where=first, column="reverse_p"),
    )  # fmt: skip


AXIS: tuple[Item, ...] = (
    Item(key="F13", title="Links between species, metabolites and immune subsets", section="axis", build=links_item),
    Item(key="F14", title="Factors and modules over all layers", section="axis", build=factors_item),
)

"""Figures over time: the share of each label and the value of each program, patient by patient; pairs of labels."""

from collections.abc import Mapping
from pathlib import Path

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREY,
    VERMILION,
    Chart,
    counted,
    empty_figure,
    line_legend,
    save_figure,
    titled,
)

#: Response of the patient: name, colour.
RESPONSES = {"R": ("responders", BLUE), "NR": ("non-responders", VERMILION), "NA": ("response not known", GREY)}
TIMES = ["PRE", "POST"]
CHOSEN = ("PAIRED", "PRE_ONLY", "POST_ONLY")
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 5, 105, 130
#: Panels of a figure; labels with the largest means are drawn.
MAX_PANELS = 40
#: Fewest patients of a response with both samples for a line of medians.
MIN_MEDIAN = 3


def paired_values(*, values: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Join values of samples with their patients: one row per patient, timepoint and feature.

    Parameters
    ----------
    values
        sample_id, feature, value.
    outcomes
        ``clinical/sample_response.tsv``: sample_id patient_id timepoint pair_status response. Samples that were not
        chosen for a pair (extra ones, those that failed) are left out.

    Returns
    -------
    pandas.DataFrame
        patient_id, timepoint, feature, value, response (a key of :data:`RESPONSES`), both (whether the patient has
        both timepoints for this feature); sorted by feature, patient, PRE first.
    """
    names = ["sample_id", "patient_id", "timepoint", "pair_status", "response"]
    own = outcomes.loc[outcomes["pair_status"].isin(CHOSEN) & outcomes["timepoint"].isin(TIMES), names]
    table = values.dropna(subset=["value"]).merge(own, on="sample_id", how="inner")
    table["response"] = table["response"].astype(object).where(table["response"].isin(["R", "NR"]), "NA")
    table["both"] = table.groupby(["feature", "patient_id"])["timepoint"].transform("nunique") == len(TIMES)
    order = table["timepoint"].map(TIMES.index)
    table = table.assign(order=order).sort_values(["feature", "patient_id", "order"], ignore_index=True)
    return table[["patient_id", "timepoint", "feature", "value", "response", "both"]]


def dynamics_figure(
    *, values: pd.DataFrame, outcomes: pd.DataFrame, title: str, axis: str, n_samples: int, what: str = "labels"
) -> Chart:
    """Draw a panel per feature: a line from PRE to POST for each patient, in the colour of the response.

    Parameters
    ----------
    values
        sample_id, feature, value; a missing value is left out.
    outcomes
        As of :func:`paired_values`.
    title, axis, what
        Words: heading, y axis, features.
    n_samples
        Of the tissue, for the notes.
    """
    table = paired_values(values=values, outcomes=outcomes)
    if table.empty:
        return empty_figure(title=title, reason="no sample of a patient, PRE or POST, has a value")
    means = table.groupby("feature")["value"].mean()
    order = [name for name, _ in sorted(means.items(), key=lambda item: (-item[1], item[0]))]
    drawn = order[:MAX_PANELS]
    table = table[table["feature"].isin(drawn)]
    panels = [_panel(table[table["feature"] == name], name, axis if place % COLUMNS == 0 else None)
              for place, name in enumerate(drawn)]  # fmt: skip
    rows = [alt.hconcat(*panels[start : start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    patients = table.drop_duplicates("patient_id")["response"].value_counts()
    pairs = table.loc[table["both"], "patient_id"].nunique()
    counts = ", ".join(f"{patients[key]} {RESPONSES[key][0]}" for key in RESPONSES if key in patients)
    shown = outcomes.loc[outcomes["sample_id"].isin(values["sample_id"]) & outcomes["pair_status"].isin(CHOSEN)]
    used = int(shown["timepoint"].isin(TIMES).sum())
    notes = [
        f"{counts}; {pairs} patients with PRE and POST. "
        + counted(shown=used, total=n_samples, missing={"not used for a pair or without values": n_samples - used},
                  what="samples"),
        f"Thin: one patient; a lone point has one timepoint only. Thick: medians of the pairs ({MIN_MEDIAN} or more).",
        "Every panel has its own scale. Pictures, no tests: those are in the tables of the layers.",
        f"{len(order) - len(drawn)} {what} with smaller means are not drawn." if len(order) > len(drawn) else "",
    ]  # fmt: skip
    return titled(chart=alt.vconcat(*rows), title=title, notes=notes)


def _panel(table: pd.DataFrame, name: str, axis: str | None) -> Chart:
    data = table.assign(kind=table["response"].map(lambda key: RESPONSES[key][0])).drop(columns=["response", "feature"])
    data["value"] = [float(f"{value:.5g}") for value in data["value"]]
    scale = alt.Scale(
        domain=[label for label, _ in RESPONSES.values()], range=[color for _, color in RESPONSES.values()]
    )
    x = alt.X("timepoint:N", sort=TIMES, title=None, scale=alt.Scale(domain=TIMES), axis=alt.Axis(labelAngle=0))
    y = alt.Y("value:Q", title=axis, scale=alt.Scale(zero=bool(data["value"].min() >= 0)), axis=alt.Axis(tickCount=4))
    base = alt.Chart(data).encode(
        x=x, y=y, color=alt.Color("kind:N", title=None, scale=scale, legend=line_legend()), detail="patient_id:N",
        tooltip=[alt.Tooltip("patient_id:N", title="Patient"), alt.Tooltip("timepoint:N", title="Timepoint"),
                 alt.Tooltip("value:Q", title="Value"), alt.Tooltip("kind:N", title="Response")],
    )  # fmt: skip
    layers = [
        base.transform_filter("datum.both").mark_line(strokeWidth=0.9, opacity=0.55),
        base.mark_point(filled=True, size=16, opacity=0.8),
    ]
    pairs = data[data["both"]]
    enough = pairs.groupby("kind")["patient_id"].nunique()
    middle = pairs[pairs["kind"].isin(enough.index[enough >= MIN_MEDIAN])]
    if len(middle):
        middle = middle.groupby(["kind", "timepoint"], sort=True)["value"].median().reset_index()
        layers.append(
            alt.Chart(middle).mark_line(strokeWidth=3.2).encode(x=x, y=y, color=alt.Color("kind:N", scale=scale))
        )
    heading = alt.TitleParams(name, anchor="middle", fontSize=11, offset=4)
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=heading)


def pairs_figure(*, summary: pd.DataFrame, tissue: str) -> Chart:
    """Draw how many ligand-receptor pairs stand out between every two labels, the mean over samples.

    Parameters
    ----------
    summary
        Of :func:`gutaxis.single_cell.communication.summarise_communication`.
    tissue
        For the title.
    """
    title = f"Ligand-receptor pairs between labels of {tissue}"
    if summary.empty:
        return empty_figure(title=title, reason="no sample has two labels with enough cells")
    groups = summary.groupby(["source", "target"], sort=True)
    data = groups.agg(mean=("n_best", "mean"), n=("sample_id", "nunique")).round(2).reset_index()
    chart = alt.Chart(data).mark_rect().encode(
        x=alt.X("target:N", title="Receptor on", axis=alt.Axis(labelAngle=-60, labelLimit=0)),
        y=alt.Y("source:N", title="Ligand from", axis=alt.Axis(labelLimit=0)),
        # a legend of a gradient would be numbered through the process, and the same figure would differ in bytes
        color=alt.Color("mean:Q", title="Pairs per sample", scale=alt.Scale(scheme="viridis", zero=True),
                        legend=alt.Legend(type="symbol", symbolType="square")),
        tooltip=["source:N", "target:N", alt.Tooltip("mean:Q", title="pairs, mean"),
                 alt.Tooltip("n:Q", title="samples")],
    ).properties(width=alt.Step(18), height=alt.Step(18))  # fmt: skip
    notes = [
        f"n = {summary['sample_id'].nunique()} samples; the mean is over those with enough cells of both labels.",
        "Pairs whose ranks of magnitude and of specificity by LIANA are both low. More cells and deeper sequencing",
        "give more of them: the numbers compare labels within samples, not patients.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def write_dynamics_figure(*, fractions: Mapping[str, Path], outcomes: Path, tissue: str, svg: Path, html: Path) -> None:
    """Draw the share of each label over time.

    Parameters
    ----------
    fractions
        ``{tissue}/summary/{sample}.fractions.tsv`` by sample id: label n_cells fraction. A label that a sample lacks
        has the share 0 in it.
    outcomes
        ``clinical/sample_response.tsv``.
    tissue
        For the title.
    svg, html
        Files to write.
    """
    table = _long(fractions, "label", "fraction")
    if len(table):
        wide = table.pivot(index="sample_id", columns="feature", values="value").fillna(0.0)
        table = (100 * wide).melt(ignore_index=False, value_name="value").reset_index()
    _write(
        table, outcomes, (svg, html), title=f"Labels of {tissue} over time", axis="Cells, %", what="labels",
        n_samples=len(fractions),
    )  # fmt: skip


def write_programs_figure(*, programs: Mapping[str, Path], outcomes: Path, tissue: str, svg: Path, html: Path) -> None:
    """Draw the value of each program over time, from ``{tissue}/summary/{sample}.programs.tsv``: program value."""
    table = _long(programs, "program", "value")
    _write(
        table, outcomes, (svg, html), title=f"Programs of {tissue} over time", axis="Value", what="programs",
        n_samples=len(programs),
    )  # fmt: skip


def write_pairs_figure(*, summary: Path, tissue: str, svg: Path, html: Path) -> None:
    """Draw the table of :func:`gutaxis.single_cell.communication.summarise_communication`."""
    text = {"sample_id": str, "source": str, "target": str}
    table = pd.read_csv(summary, sep="\t", keep_default_na=False, na_values=["NA"], dtype=text)
    save_figure(chart=pairs_figure(summary=table, tissue=tissue), svg=svg, html=html)


def _long(paths: Mapping[str, Path], feature: str, value: str) -> pd.DataFrame:
    """Return sample_id, feature, value of all samples, in order of their ids."""
    parts = []
    for sample in sorted(paths):
        rows = pd.read_csv(paths[sample], sep="\t", keep_default_na=False, na_values=["NA"], dtype={feature: str},
                           comment="#")  # fmt: skip
        if len(rows):
            parts.append(pd.DataFrame({"sample_id": sample, "feature": rows[feature], "value": rows[value]}))
    if not parts:
        return pd.DataFrame(columns=["sample_id", "feature", "value"])
    return pd.concat(parts, ignore_index=True).astype({"value": float})


def _write(table: pd.DataFrame, outcomes: Path, files: tuple[Path, Path], **words: str | int) -> None:
    """Write the figure of the values; ``words`` go to :func:`dynamics_figure`."""
    text = {"sample_id": str, "patient_id": str, "response": str}
    known = pd.read_csv(outcomes, sep="\t", comment="#", keep_default_na=False, na_values=["NA"], dtype=text)
    save_figure(chart=dynamics_figure(values=table, outcomes=known, **words), svg=files[0], html=files[1])

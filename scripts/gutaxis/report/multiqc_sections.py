"""Sections of the MultiQC page that MultiQC does not know by itself: tables and figures of every arm as custom content.

Text from the sheets is escaped: a name is shown, never executed.
"""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

Section = dict[str, Any]
#: Sections that are plain columns of a table: title, sentence, columns (name -> header).
METAGENOME = {
    "kneaddata": (
        "KneadData",
        "Reads (both mates) before cleaning, after trimming, removed as tandem repeats or host, and left.",
        {"raw": "raw", "trimmed": "trimmed", "repeats": "repeats", "host": "host", "final": "left"},
    ),
    "metaphlan": (
        "MetaPhlAn",
        "Species found and the percent of the sample that no known species explains.",
        {"species": "species", "unclassified_percent": "unclassified %"},
    ),
    "humann": (
        "HUMAnN",
        "Reads left unaligned after each search, and what was found.",
        {
            "unaligned_nucleotide_percent": "unaligned after nucleotide search %",
            "unaligned_translated_percent": "unaligned after translated search %",
            "gene_families": "gene families",
            "pathways": "pathways",
        },
    ),
}
INTAKE = {
    "status": "status",
    "ms1": "MS1 scans",
    "ms2": "MS2 scans",
    "peaks": "peaks",
    "tic_median": "median total ion current",
    "error_ppm_median": "error of the standards, ppm",
    "notes": "notes",
}
INJECTIONS = {
    "batch": "batch",
    "control": "control",
    "n_detected": "detected",
    "n_forced": "forced",
    "n_absent": "absent",
    "median_log2": "median, log2",
    "deviation_50_before": "deviation before, log2",
    "deviation_50_after": "deviation after, log2",
    "pqn_log2": "dilution, log2",
    "kept": "kept",
    "reason": "reason",
}
BATCHES = {
    "n_injections": "injections",
    "n_qc": "pooled QCs",
    "n_features": "features",
    "method": "drift",
    "span": "span",
    "error_constant": "error of a constant",
    "error_curve": "error of the curve",
    "n_outside": "outside the QCs",
}
CELLS = {
    "status": "status",
    "n_barcodes": "barcodes",
    "n_kept": "cells kept",
    "median_counts": "median counts",
    "median_genes": "median genes",
    "median_pct_mito": "median mitochondrial %",
    "n_doublets": "doublets",
    "doublet_threshold": "doublet threshold",
    "reason": "reason",
}
#: Parts of the barcodes of a single-cell sample, as stacked bars; a barcode may be both low and mitochondrial.
BARCODES = {"n_kept": "kept", "n_low": "too few counts or genes", "n_mito": "mitochondrial", "n_doublets": "doublets"}
IDENTITY = {
    "patient_id": "patient",
    "tissue": "tissue",
    "sex_sheet": "sex, sheet",
    "sex_inferred": "sex, genes",
    "own_r": "r, own samples",
    "best_other_r": "r, best other patient",
    "nearest_patient": "nearest patient",
    "verdict": "verdict",
    "reason": "reason",
}


def read(path: Path | str) -> pd.DataFrame:
    """Return a result table of any arm: comment lines left out, ``NA`` and empty cells missing, ids as text."""
    ids = dict.fromkeys(("sample_id", "patient_id", "nearest_patient", "batch", "line"), str)
    return pd.read_csv(path, sep="\t", comment="#", dtype=ids)


def plain(value: Any) -> Any:
    """Return a cell as YAML holds it: numbers as they are, anything else as escaped text."""
    if isinstance(value, bool) or (hasattr(value, "dtype") and value.dtype == bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    return value.item() if hasattr(value, "item") else html.escape(str(value))


def table_section(*, name: str, title: str, sentence: str, columns: Mapping[str, str], rows: pd.DataFrame) -> Section:
    """Return a table as a section of custom content.

    Parameters
    ----------
    name
        Part of the ids in the page.
    title, sentence
        Heading, and what the table shows.
    columns
        Column of ``rows`` -> its header; those that ``rows`` lacks, or that are empty, are left out.
    rows
        One row per sample, the index names it; rows without any value are left out.
    """
    kept = [column for column in columns if column in rows and rows[column].notna().any()]
    data = {
        html.escape(str(sample)): {column: plain(value) for column, value in row.items() if pd.notna(value)}
        for sample, row in rows[kept].dropna(how="all").to_dict("index").items()
    }
    return {
        "id": f"gutaxis_{name}",
        "section_name": title,
        "description": sentence,
        "plot_type": "table",
        "pconfig": {"id": f"gutaxis_{name}_table", "title": title, "namespace": title},
        "headers": {
            column: {"title": columns[column]}
            # text gets no colour scale, which would be one of the alphabet
            | ({"format": "{:,.4g}"} if pd.api.types.is_numeric_dtype(rows[column]) else {"scale": False})
            for column in kept
        },
        "data": data,
    }


def text_section(*, name: str, title: str, sentence: str, text: str) -> Section:
    """Return a section of one paragraph; ``text`` is escaped."""
    return {
        "id": f"gutaxis_{name}",
        "section_name": title,
        "description": sentence,
        "plot_type": "html",
        "data": f"<p>{html.escape(text)}</p>",
    }


def cohort_sections(*, completeness: Path | str, warnings: Path | str | None) -> list[Section]:
    """Return who gave which sample, and what the clinical arm warns of.

    Parameters
    ----------
    completeness
        clinical/completeness.tsv.
    warnings
        clinical/warnings.tsv; None where response is given in the sheets.
    """
    grid = read(completeness)
    grid["column"] = grid["assay"] + "/" + grid["material"]
    # a patient may hold several pairs of one material, parted by replicate
    wide = grid.groupby(["patient_id", "column"])["status"].agg(lambda found: ", ".join(sorted(set(found)))).unstack()
    columns = {name: name for name in wide}
    sentence = "Samples of each patient by assay and material: what is there before (PRE) and after (POST) treatment."
    sections = [table_section(name="samples", title="Samples", sentence=sentence, columns=columns, rows=wide)]
    if warnings is not None:
        found = read(warnings)
        about = {"name": "warnings", "title": "Clinical warnings", "sentence": "Findings in the clinical sheets."}
        if found.empty:
            return [*sections, text_section(**about, text="No warning.")]
        columns = {"code": "code", "file": "file", "column": "column", "value": "value", "message": "message"}
        found.index = [f"warning {number}" for number in range(1, len(found) + 1)]
        sections.append(table_section(**about, columns=columns, rows=found))
    return sections


def metagenome_sections(*, quality: Path | str) -> list[Section]:
    """Return KneadData, MetaPhlAn and HUMAnN figures of metagenome/qc/metagenome_qc.tsv."""
    rows = read(quality).set_index("sample_id")
    return [
        table_section(name=name, title=title, sentence=sentence, columns=columns, rows=rows)
        for name, (title, sentence, columns) in METAGENOME.items()
        if set(columns) & set(rows)
    ]


def metabolome_sections(*, intake: list[str], injections: Path | str, batches: Path | str) -> list[Section]:
    """Return what was read, what each injection became, the drift of the pooled QCs, and the batches.

    Parameters
    ----------
    intake
        metabolome/qc/intake_{mode}.tsv; none for finished tables.
    injections, batches
        Tables of metabolome/normalised.
    """
    sections = []
    if intake:
        rows = pd.concat([read(path) for path in intake], ignore_index=True)
        rows.index = rows["sample_id"] + " (" + rows["mode"] + ")"
        sentence = "Files of spectra as they were read: scans, peaks, error of the internal standards."
        about = {"name": "intake", "title": "Metabolome: files", "sentence": sentence}
        sections.append(table_section(**about, columns=INTAKE, rows=rows))
    rows = read(injections)
    rows.index = rows["sample_id"] + " (" + rows["mode"] + ")"
    sentence = "Features of each injection, its distance from the pooled QCs before and after correction, dilution."
    about = {"name": "injections", "title": "Metabolome: injections", "sentence": sentence}
    sections.append(table_section(**about, columns=INJECTIONS, rows=rows))
    drift = _drift(rows)
    if drift:
        sections.append(drift)
    rows = read(batches)
    rows.index = rows["batch"] + " (" + rows["mode"] + ")"
    sentence = "How the drift of each batch was modelled; errors are those of held-out pooled QCs, log2."
    about = {"name": "batches", "title": "Metabolome: batches", "sentence": sentence}
    return [*sections, table_section(**about, columns=BATCHES, rows=rows)]


def _drift(injections: pd.DataFrame) -> Section | None:
    """Return the median deviation of the pooled QCs over the run order; None without pooled QCs in a known order."""
    if not {"control", "run_order", "deviation_50_before", "deviation_50_after"} <= set(injections):
        return None
    qcs = injections[injections["control"] == "POOL_QC"].dropna(subset=["run_order"])
    data = {
        html.escape(f"{batch} {mode}, {when}"): {
            int(order): float(value) for order, value in zip(rows["run_order"], rows[column], strict=True)
        }
        for (batch, mode), found in qcs.groupby(["batch", "mode"])
        for when, column in (("before", "deviation_50_before"), ("after", "deviation_50_after"))
        if len(rows := found.dropna(subset=[column]).sort_values("run_order"))
    }
    if not data:
        return None
    axes = {"xlab": "run order", "ylab": "median deviation, log2"}
    return {
        "id": "gutaxis_drift",
        "section_name": "Metabolome: drift",
        "description": "Pooled QCs of each batch over the run, before and after correction; 0 is no drift.",
        "plot_type": "linegraph",
        "pconfig": {"id": "gutaxis_drift_plot", "title": "Metabolome: drift of the pooled QCs", **axes},
        "data": data,
    }


def cell_sections(*, quality: Path | str, identity: Path | str) -> list[Section]:
    """Return cells kept and dropped, and whether samples belong to their patients.

    Parameters
    ----------
    quality, identity
        Tables of single_cell.
    """
    rows = read(quality).set_index("sample_id")
    sentence = "Single-cell samples: barcodes, cells kept, doublets; an excluded sample says why."
    about = {"name": "cells", "title": "Single cells: quality", "sentence": sentence}
    sections = [table_section(**about, columns=CELLS, rows=rows)]
    bars = rows[[name for name in BARCODES if name in rows]].dropna(how="all").fillna(0)
    if not bars.empty:
        title = "Single cells: barcodes"
        sections.append(
            {
                "id": "gutaxis_barcodes",
                "section_name": title,
                "description": "What became of the barcodes. One that is both low and mitochondrial counts twice.",
                "plot_type": "bargraph",
                "pconfig": {"id": "gutaxis_barcodes_plot", "title": title, "ylab": "barcodes"},
                "categories": {name: {"name": BARCODES[name]} for name in bars},
                "data": {html.escape(str(sample)): row for sample, row in bars.to_dict("index").items()},
            }
        )
    rows = read(identity).set_index("sample_id")
    sentence = "Sex genes, and likeness to the patient's other samples of the tissue (Spearman). No genotypes."
    about = {"name": "identity", "title": "Single cells: identity", "sentence": sentence}
    return [*sections, table_section(**about, columns=IDENTITY, rows=rows)]

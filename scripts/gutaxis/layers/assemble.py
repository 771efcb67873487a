"""From the files a user names to a layer on disk: one function for every source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.layers import cells as cell_tables
from gutaxis.layers import humann, metabolites, metaphlan, table
from gutaxis.layers.align import EMPTY, align, dropped_table
from gutaxis.layers.build import build_layer, write_dropped, write_layer, write_twin
from gutaxis.layers.names import problem
from gutaxis.layers.ranks import taxa_of_rank
from gutaxis.single_cell.from_labels import from_labels
from gutaxis.single_cell.summary_files import summary_files

#: Sources of the single-cell arm -> what a sample's file is called.
SUMMARIES = {"cell_fractions": "fractions", "cell_programs": "programs", "pseudobulk": "pseudobulk"}
CELLS = (*SUMMARIES, "cell_labels")
SOURCES = ("metaphlan", "humann", "metabolome", "table", *CELLS)
ARMS = {"table": "table", "metabolome": "metabolome", **dict.fromkeys(CELLS, "single_cell")}


@dataclass(frozen=True)
class _Part:
    """A layer before it is built."""

    values: pd.DataFrame
    observations: pd.DataFrame
    var: pd.DataFrame | None
    dropped: pd.DataFrame
    unit: str
    uns: dict[str, Any]
    stratified: pd.DataFrame = field(default_factory=pd.DataFrame)
    cells: dict[str, pd.DataFrame] = field(default_factory=dict)


def assemble_layer(
    *, name: str, source: str, paths: Sequence[str], observations: pd.DataFrame, output_h5ad: str,
    output_tsv: str, output_dropped: str, sample_prefix: str = "", sample_suffix: str = "", rank: str = "species",
    orientation: str = "samples_by_features", kind: str | None = None, unit: str | None = None,
    missing: str = "report",
) -> ad.AnnData:  # fmt: skip
    """Read tables or profiles, match them with the sheets, check them, and write the layer.

    Parameters
    ----------
    name
        Of the layer.
    source
        ``metaphlan``, ``humann``, ``table``, ``cell_labels`` (one row per cell), or the arms' own: ``metabolome``,
        ``cell_fractions``, ``cell_programs``, ``pseudobulk``.
    paths
        Files; for ``metaphlan`` and ``humann`` also folders; for the arm's own sources of cells the folders of
        :func:`gutaxis.single_cell.summary.summarise_samples`.
    observations
        From ``Cohort.observations(assay=...)``.
    output_h5ad, output_tsv, output_dropped
        The layer, its text twin (features x samples), and the samples that are not in it with the reason.
    sample_prefix, sample_suffix
        Taken off the names of the table's samples.
    rank
        For ``metaphlan``: ``species`` or ``sgb``.
    orientation, kind, unit
        For ``table``. ``unit`` also says whether MetaPhlAn tables hold percent (default) or fractions.
    missing
        ``report`` or ``fail``: samples found only in the table or only in the sheets.

    Returns
    -------
    anndata.AnnData
        What was written.

    Raises
    ------
    GutaxisError
        L01-L13, each naming file, sample and what to do.
    """
    if source not in SOURCES:
        raise GutaxisError(f"L03 source={source}: unknown source. Allowed: {', '.join(SOURCES)}. Correct `source`.")
    file = Path(paths[0]).name
    affixes = {"sample_prefix": sample_prefix, "sample_suffix": sample_suffix}
    if source in {"metaphlan", "humann"} and kind not in {None, "compositional"}:
        raise GutaxisError(
            problem(
                code="L10", file=file, column="kind", value=kind, wrong=f"a {source} layer is compositional",
                allowed="compositional, or leave `kind` out", mend="Use `source: table` for another kind",
            )
        )  # fmt: skip
    common = {"observations": observations, "missing": missing, "file": file}
    if source == "metaphlan":
        profiles = metaphlan.read_profiles(paths=paths, **affixes)
        part = _taxa(profiles=profiles, rank=rank, unit=unit, **common)
    elif source == "humann":
        part = _functions(functions=humann.read_tables(paths=paths, **affixes), **common)
    elif source == "metabolome":
        part = _metabolites(paths=paths, **common)
    elif source in CELLS:
        part = _cells(source=source, paths=paths, **common)
    else:
        part = _table(paths=paths, orientation=orientation, kind=kind, unit=unit, affixes=affixes, **common)
    adata = build_layer(
        values=part.values, observations=part.observations, var=part.var, name=name,
        arm=ARMS.get(source, "metagenome"), kind=kind or "compositional",
        unit=part.unit,
        uns=part.uns | {"source": source, "dropped": part.dropped},
    )  # fmt: skip
    for key, cells in part.cells.items():
        adata.layers[key] = cells.loc[adata.obs_names, adata.var_names].to_numpy()
    write_layer(adata=adata, path=output_h5ad)
    write_twin(adata=adata, path=output_tsv)
    write_dropped(dropped=part.dropped, path=output_dropped)
    return adata


def stratify_layer(
    *,
    name: str,
    paths: Sequence[str],
    observations: pd.DataFrame,
    output: str,
    sample_prefix: str = "",
    sample_suffix: str = "",
    missing: str = "report",
) -> None:
    """Write the stratified rows (feature and species, CPM) of a HUMAnN layer's samples beside the layer.

    Parameters
    ----------
    name, paths, observations, sample_prefix, sample_suffix, missing
        As in :func:`assemble_layer`.
    output
        Table to write, features x samples; a header alone if the tables have no strata.

    Raises
    ------
    GutaxisError
        As :func:`assemble_layer` with ``source="humann"``.
    """
    functions = humann.read_tables(paths=paths, sample_prefix=sample_prefix, sample_suffix=sample_suffix)
    file = Path(paths[0]).name
    part = _functions(functions=functions, observations=observations, missing=missing, file=file)
    samples = sorted(part.values.index)
    strata = part.stratified.reindex(columns=samples).rename_axis("feature").sort_index()
    write_tsv(strata, output, index=True, comment=f"layer {name}; unit cpm; by species; features x samples")


def _taxa(
    *, profiles: metaphlan.Profiles, observations: pd.DataFrame, missing: str, rank: str, unit: str | None, file: str
) -> _Part:
    """MetaPhlAn: align first, so that only samples in use have to have right sums."""
    if unit == "fraction":
        profiles = metaphlan.times_hundred(profiles=profiles)
    # Samples are chosen by name alone; the values of this first alignment are not used.
    names = pd.DataFrame(index=profiles.percent.columns)
    shared, kept, dropped = align(values=names, observations=observations, missing=missing, file=file)
    taxa = taxa_of_rank(profiles=profiles, rank=rank, samples=list(shared.index))
    if taxa.empty:
        reasons = dict(dropped.itertuples(index=False)) | dict.fromkeys(taxa.empty, EMPTY)
        dropped = dropped_table(reasons=reasons)
    kept = kept.loc[taxa.values.index].assign(unclassified=taxa.unclassified)
    known = int(taxa.unclassified.notna().sum())
    note = (
        f"share of reads without a clade, known for {known} of {len(kept)} samples, in obs column unclassified"
        if known
        else "the table has no UNCLASSIFIED row: the share of reads without a clade is not known (NaN)"
    )
    uns = {
        "index": profiles.index, "rank": rank, "denominator": taxa.denominator, "unclassified_note": note,
    }  # fmt: skip
    return _Part(taxa.values, kept, taxa.var, dropped, "fraction", uns)


def _functions(*, functions: humann.Functions, observations: pd.DataFrame, missing: str, file: str) -> _Part:
    """HUMAnN: CPM of the community; what is unmapped or unintegrated goes to obs."""
    names = pd.DataFrame(index=functions.values.columns)
    shared, kept, dropped = align(values=names, observations=observations, missing=missing, file=file)
    functions = humann.cpm(functions=humann.of_samples(functions=functions, samples=list(shared.index)))
    for row in functions.special.index:
        kept = kept.assign(**{row.lower(): functions.special.loc[row]})
    var = pd.DataFrame({"name": functions.names, "label": functions.names})
    special = ", ".join(row.lower() for row in functions.special.index)
    note = f"{special} (CPM) are obs columns" if special else "the table has no UNMAPPED or UNINTEGRATED row"
    total = f"community total{', with ' + special if special else ' of the features'} = 1e6"
    uns = {"denominator": total, "unclassified_note": note}
    return _Part(functions.values.T, kept, var, dropped, "cpm", uns, functions.stratified)


def _table(
    *, paths: Sequence[str], observations: pd.DataFrame, missing: str, orientation: str, kind: str | None,
    unit: str | None, affixes: dict[str, str], file: str,
) -> _Part:  # fmt: skip
    """Any finished table."""
    if kind is None or unit is None or len(paths) != 1:
        wrong = "a table layer needs one file" if len(paths) != 1 else "`kind` and `unit` are not given"
        raise GutaxisError(
            problem(
                code="L10", file=file, wrong=wrong,
                allowed=f"One file; kind {', '.join(table.KINDS)}; unit fraction, log2, ...",
                mend="Complete the layer in the config; join tables of several batches into one file",
            )
        )  # fmt: skip
    values = table.read_table(path=paths[0], orientation=orientation, **affixes)
    values, kept, dropped = align(values=values, observations=observations, missing=missing, file=file)
    values, out_unit = table.check_values(values=values, kind=kind, unit=unit, file=file)
    return _Part(values, kept, None, dropped, out_unit, {"unit_given": unit})


def _metabolites(*, paths: Sequence[str], observations: pd.DataFrame, missing: str, file: str) -> _Part:
    """Metabolome: log2 values with the state of each cell beside them."""
    values, state, names = metabolites.read_metabolites(paths=paths)
    values, kept, dropped = align(values=values, observations=observations, missing=missing, file=file)
    codes = "; ".join(f"{code} {name}" for name, code in metabolites.STATE_CODES.items())
    return _Part(values, kept, names, dropped, "log2", {"state_codes": codes}, cells={"state": state.loc[kept.index]})


def _cells(*, source: str, paths: Sequence[str], observations: pd.DataFrame, missing: str, file: str) -> _Part:
    """Single cells: fractions with the numbers of cells beside them, programs, or sums of counts by cell type."""
    by_sample = summary_files(folders=paths, what=SUMMARIES[source]) if source in SUMMARIES else {}
    common = {"observations": observations, "missing": missing, "file": file}
    if source == "pseudobulk":
        bulk = cell_tables.read_pseudobulk(paths=by_sample)
        values, kept, dropped = align(values=bulk.counts, **common)
        return _Part(values, kept, bulk.var, dropped, "count", {"left_out": bulk.dropped})
    if source == "cell_programs":
        scored = cell_tables.read_programs(paths=by_sample)
        values, kept, dropped = align(values=scored.values, **common)
        var = pd.DataFrame({"unit": scored.units.reindex(values.columns)})
        return _Part(values, kept, var, dropped, "score", {"left_out": scored.dropped})
    made = (
        cell_tables.read_fractions(paths=by_sample) if source == "cell_fractions" else from_labels(path=Path(paths[0]))
    )
    values, kept, dropped = align(values=made.values, **common)
    reasons = dict(made.dropped.itertuples(index=False))
    dropped["reason"] = [
        reasons.get(name, why) for name, why in dropped[["sample_id", "reason"]].itertuples(index=False)
    ]
    return _Part(values, kept, None, dropped, "fraction", {}, cells={"counts": made.counts})

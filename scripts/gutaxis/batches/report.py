"""What the newest batches change: tables, and one page that says it in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import jinja2
import numpy as np
import pandas as pd

from gutaxis.batches.collect import read_result
from gutaxis.batches.compare import (
    LABEL_COLUMNS,
    OUTPUT_COLUMNS,
    RESULT_COLUMNS,
    SUMMARY_COLUMNS,
    compare_labels,
    compare_outputs,
    compare_results,
    one_class_batches,
    summarise_results,
)
from gutaxis.batches.drift import DRIFT_COLUMNS, SHIFT_COLUMNS, layer_drift
from gutaxis.batches.plan import BatchPlan
from gutaxis.batches.quality import (
    BLANK_COLUMNS,
    PLASMA_COLUMNS,
    QUALITY_COLUMNS,
    compare_quality,
    contamination,
    plasma_blanks,
)
from gutaxis.batches.snapshot import CHECKSUMS, LABELS, OUTCOMES, RESULTS, earlier_snapshot, snapshot_batches
from gutaxis.batches.words import sections
from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write, write_tsv

COLUMNS = {
    "quality": QUALITY_COLUMNS,
    "drift": DRIFT_COLUMNS,
    "shifts": SHIFT_COLUMNS,
    "contamination": BLANK_COLUMNS,
    "plasma_blanks": PLASMA_COLUMNS,
    "labels": LABEL_COLUMNS,
    "results": RESULT_COLUMNS,
    "summary": SUMMARY_COLUMNS,
    "outputs": OUTPUT_COLUMNS,
}
COMMENTS = {
    "quality": "measures of the newest samples against the earlier ones; flag Y: |robust z| > 3.5",
    "drift": "one sample a patient; r2 of newest against earlier, permuted within cohort and timepoint; not corrected",
    "shifts": "features whose mean moved most, in earlier standard deviations; compositional layers: log ratios",
    "contamination": "species of the newest blanks, and how much of the newest and of the earlier samples they are",
    "plasma_blanks": "features of the normalised table that a plasma blank holds, the newest blanks of a mode first",
    "labels": "patients that are new or gone, and outcomes of earlier patients that changed",
    "results": "main results before and after; q (p of permanova and prediction) below the level counts as found",
    "summary": "the same by table, layer and contrast",
    "outputs": "what was made of each sample: unchanged, changed, new or gone",
}


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Files that a batch report reads.

    Parameters
    ----------
    snapshot
        Folder of this run's snapshot; its parent holds those of earlier runs.
    before
        Folder of the snapshot to compare with, as the config names it; None: the largest earlier one.
    quality
        Assay -> table with one row per sample.
    controls, taxa
        ``metagenome/qc/controls.tsv`` and ``layers/taxa.tsv``; None without the arm.
    layers
        Layer -> ``layers/{layer}.h5ad`` and a distance matrix with its metric.
    """

    snapshot: Path
    before: Path | None
    quality: Mapping[str, Path]
    controls: Path | None
    taxa: Path | None
    layers: Mapping[str, tuple[Path, str, Path]]


def _values(adata: ad.AnnData) -> pd.DataFrame:
    """Return samples x features on a scale where differences of means make sense."""
    table = pd.DataFrame(np.asarray(adata.X, dtype=float), adata.obs_names, adata.var_names)
    kind = str(adata.uns["kind"])
    if kind in {"compositional", "counts"}:
        logs = np.log(table.where(table > 0))
        # a feature that is absent says nothing of how much of it there is: it is left out of the sample's mean
        return logs.sub(logs.mean(axis=1), axis=0)
    return table


def _quality(sources: Sources, samples: pd.DataFrame) -> dict[str, pd.DataFrame]:
    tables = {}
    for assay, path in sources.quality.items():
        table = read_result(path=path)
        table = table[table["sample_id"].isin(samples.index[samples["control"] == "N"])]
        about = {name: table["sample_id"].map(samples[name]) for name in ("batch", "material")}
        tables[assay] = table.assign(**about)
    return tables


def _drifts(sources: Sources, samples: pd.DataFrame, plan: BatchPlan, permutations: int, seed: int) -> tuple[
    pd.DataFrame, pd.DataFrame
]:  # fmt: skip
    made, shifts = [], []
    for layer, (path, metric, distances) in sorted(sources.layers.items()):
        adata = ad.read_h5ad(path)
        labels = adata.var["label"].astype(str) if "label" in adata.var else pd.Series(adata.var_names, adata.var_names)
        square = read_result(path=distances).set_index("sample_id").astype(float)
        found = layer_drift(
            layer=layer, metric=metric, distances=square, values=_values(adata), samples=samples,
            newest=plan.newest, labels=labels, permutations=permutations, seed=seed,
        )  # fmt: skip
        made += found.table.to_dict("records")
        shifts += found.shifts.to_dict("records")
    return pd.DataFrame(made, columns=DRIFT_COLUMNS), pd.DataFrame(shifts, columns=SHIFT_COLUMNS)


def find_before(*, sources: Sources, plan: BatchPlan) -> Path | None:
    """Return the snapshot to compare with.

    Raises
    ------
    GutaxisError
        B01 if the config names a folder that holds no snapshot, or that of this very run.
    """
    if sources.before is None:
        return earlier_snapshot(folder=sources.snapshot.parent, earlier=plan.earlier)
    lacking = [name for name in (LABELS, RESULTS, CHECKSUMS) if not (sources.before / name).is_file()]
    own = sources.before.resolve() == sources.snapshot.resolve()
    if lacking or own:
        there = sorted(path.parent.name for path in sources.snapshot.parent.glob(f"*/{LABELS}"))
        others = [name for name in there if name != sources.snapshot.name]
        raise GutaxisError(
            Problem(
                "B01", "config", None, "batches.before", str(sources.before),
                "It is the snapshot of this very run" if own else f"It lacks {', '.join(lacking)}",
                f"A folder batches/{{set}} of a finished run; of this output: {', '.join(others) or 'no earlier one'}",
                "Correct the path, or leave the key out",
            )
        )  # fmt: skip
    return sources.before


def batch_tables(
    *, sources: Sources, plan: BatchPlan, fdr: float, permutations: int, seed: int
) -> tuple[dict[str, pd.DataFrame], Path | None]:
    """Return the tables of a batch report by name, and the snapshot that was compared with.

    Parameters
    ----------
    sources
        Files.
    plan
        Batches.
    fdr
        Level of q.
    permutations, seed
        Of the drift.

    Raises
    ------
    GutaxisError
        B01: see :func:`find_before`.
    """
    before = find_before(sources=sources, plan=plan)
    tables = {name: pd.DataFrame(columns=columns) for name, columns in COLUMNS.items()}
    if not plan.earlier:
        return tables, None
    labels = read_result(path=sources.snapshot / LABELS)
    samples = labels.set_index("sample_id")
    tables["quality"] = compare_quality(tables=_quality(sources, samples), newest=plan.newest)
    tables["drift"], tables["shifts"] = _drifts(sources, samples, plan, permutations, seed)
    if sources.controls is not None and sources.taxa is not None:
        shares = read_result(path=sources.taxa)
        shares = shares.set_index(shares.columns[0]).astype(float)
        tables["contamination"] = contamination(
            controls=read_result(path=sources.controls), taxa=shares, batches=samples["batch"], newest=plan.newest
        )
    if "METAB" in sources.quality:
        tables["plasma_blanks"] = plasma_blanks(
            injections=read_result(path=sources.quality["METAB"]), newest=plan.newest
        )
    if before is not None:
        results, checks, known = (
            [read_result(path=folder / name) for folder in (before, sources.snapshot)]
            for name in (RESULTS, CHECKSUMS, LABELS)
        )
        tables["labels"] = compare_labels(before=known[0], after=known[1], outcomes=OUTCOMES)
        tables["results"] = compare_results(before=results[0], after=results[1], fdr=fdr)
        tables["summary"] = summarise_results(compared=tables["results"])
        batches = pd.concat([table.set_index("sample_id")["batch"] for table in known[::-1]])
        batches = batches[~batches.index.duplicated()]
        tables["outputs"] = compare_outputs(before=checks[0], after=checks[1], batches=batches)
    return tables, before


def write_batch_report(
    *, sources: Sources, plan: BatchPlan, fdr: float, permutations: int, seed: int, template: Path, style: Path,
    targets: Mapping[str, Path], page: Path,
) -> None:  # fmt: skip
    """Write the tables and the page.

    Parameters
    ----------
    sources, plan, fdr, permutations, seed
        See :func:`batch_tables`.
    template, style
        ``resources/report/batch.html.j2`` and ``page.css``.
    targets
        Name of a table (:data:`COLUMNS`) -> file.
    page
        HTML page; it loads nothing.
    """
    tables, before = batch_tables(sources=sources, plan=plan, fdr=fdr, permutations=permutations, seed=seed)
    for name, path in targets.items():
        write_tsv(tables[name], path, digits=6, comment=COMMENTS[name])
    labels = read_result(path=sources.snapshot / LABELS)
    text = sections(
        tables=tables, plan=plan, labels=labels, before=None if before is None else before.name, fdr=fdr,
        before_batches=set() if before is None else snapshot_batches(folder=before),
        one_class=one_class_batches(labels=labels), profiled=sources.controls is not None,
    )  # fmt: skip
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    made = environment.from_string(template.read_text(encoding="utf-8")).render(
        title=f"Batch report: {', '.join(plan.newest) or 'no batch'}",
        style=style.read_text(encoding="utf-8"), sections=text,
        links={name: path.name for name, path in targets.items()},
    )  # fmt: skip
    with atomic_write(page) as part:
        part.write_text(made, encoding="utf-8")

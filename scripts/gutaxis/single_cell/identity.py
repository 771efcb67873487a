"""Whether a sample belongs to the patient that the sheets say: sex genes, and likeness to the patient's other samples.

Nothing is stopped or corrected here: a swapped tube is for people to find. The table names who to look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse, stats

from gutaxis.files import write_tsv
from gutaxis.layers.cells import dense_rows
from gutaxis.stats.pseudobulk import SEPARATOR, log_cpm

#: Expressed from the inactive X only (Tukiainen 2017); of the male-specific Y (Skaletsky 2003), expressed in blood.
X_GENE = "XIST"
Y_GENES = ("RPS4Y1", "DDX3Y", "EIF1AY", "KDM5D", "USP9Y", "UTY", "ZFY", "TMSB4Y")
#: Samples (of a type, of a timepoint) that make a mean; genes that are looked at further.
FEWEST, CANDIDATES = 3, 5000
#: Clones, depth and death follow a sample, not a patient.
_OWN_WAY = (
    "IGH",
    "IGK",
    "IGL",
    "TRAV",
    "TRBV",
    "TRGV",
    "TRDV",
    "TRAJ",
    "TRBJ",
    "MT-",
    "RPL",
    "RPS",
    "HSP",
    "HBA",
    "HBB",
)
IDENTITY_COLUMNS = [
    "sample_id", "patient_id", "tissue", "sex_sheet", "sex_inferred", "sex_match", "x_counts", "y_counts",
    "nearest_patient", "own_r", "best_other_r", "n_features", "verdict", "reason",
]  # fmt: skip
OK, MISMATCH, UNSURE = "ok", "mismatch", "unsure"


@dataclass(frozen=True, kw_only=True)
class IdentitySettings:
    """When identity is sure.

    Parameters
    ----------
    min_sex_counts
        Counts of XIST and Y genes together, below which sex is not inferred.
    sex_share
        Share of one of the two among them, from which sex is inferred.
    features
        Most genes (of a cell type) compared.
    min_features
        Fewest shared features for a correlation.
    min_difference
        Distance of own and best other correlation, below which the verdict is unsure.
    """

    min_sex_counts: int = 20
    sex_share: float = 0.9
    features: int = 500
    min_features: int = 50
    min_difference: float = 0.05


def identity(
    *, samples: pd.DataFrame, pseudobulk: Mapping[str, Path], settings: IdentitySettings | None = None
) -> pd.DataFrame:
    """Compare every sample with the sheet's sex and with the other samples of its tissue.

    Sex: of the counts of XIST and eight Y genes, at least ``sex_share`` XIST is F, at least ``sex_share`` Y is M. Both
    together (a mixture, an unusual karyotype, cells of a donor) or too few counts: not inferred.

    Likeness: within a tissue, log2 CPM of each gene in each cell type, centred over the samples of a timepoint. For a
    sample of patient p the features are those that differ most between patients: largest share of variance between the
    patients other than p that have two samples or more (the sheet's claim about p itself chooses nothing); with fewer
    than three such patients, largest variance. ``own_r`` is the best Spearman correlation with another sample of p,
    ``best_other_r`` that with a sample of any other patient.

    Parameters
    ----------
    samples
        sample_id, patient_id, tissue, sex (M, F or missing), timepoint (may be absent), one row per sample.
    pseudobulk
        ``{sample}.pseudobulk.h5ad`` by sample id; those missing are samples without cells.
    settings
        See :class:`IdentitySettings`.

    Returns
    -------
    pandas.DataFrame
        ``IDENTITY_COLUMNS``, sorted by sample_id. verdict ``mismatch``: the sex is the other one, or another patient is
        nearer than the own by ``min_difference``. ``ok``: the own patient is nearer by as much and the sex not the
        other one. ``unsure``: neither, for instance a patient with one sample; ``reason`` says why.

    Notes
    -----
    Assumption: cis-regulation, HLA and sex differ more between patients than treatment within; a warning, no genotype.
    Oracle: planted swaps (``tests/unit/test_cell_identity.py``).
    """
    settings = settings or IdentitySettings()
    rows = samples.drop_duplicates("sample_id").set_index("sample_id").sort_index()
    sexes = {name: _sex(path=pseudobulk.get(name), settings=settings) for name in rows.index}
    likeness = {}
    for _, own in rows.groupby("tissue", sort=True):
        present = [name for name in own.index if name in pseudobulk]
        times = own["timepoint"].astype(str) if "timepoint" in own else pd.Series("any", index=own.index)
        table = _features(paths={name: pseudobulk[name] for name in present}, times=times)
        patients = own["patient_id"].astype(str)
        for name in table.index:
            likeness[name] = _likeness(sample=name, table=table, patients=patients.loc[table.index], settings=settings)
    found = [
        _row(name=str(name), row=row, sex=sexes[name], likeness=likeness.get(name), settings=settings)
        for name, row in rows.iterrows()
    ]
    return pd.DataFrame(found, columns=IDENTITY_COLUMNS)


def identity_files(
    *, samples: pd.DataFrame, pseudobulk: Mapping[str, Path], output: Path, settings: IdentitySettings | None = None
) -> None:
    """Write the table of :func:`identity`, and tell each mismatch in the log."""
    table = identity(samples=samples, pseudobulk=pseudobulk, settings=settings)
    write_tsv(
        table, output, digits=4,
        comment="warnings, no genotypes: sex genes and likeness of expression within a tissue; r is Spearman",
    )  # fmt: skip
    for row in table[table["verdict"] == MISMATCH].itertuples():
        print(f"WARNING: {row.sample_id} of patient {row.patient_id} ({row.tissue}): {row.reason}")
    print("identity: " + ", ".join(f"{n} {word}" for word, n in table["verdict"].value_counts().sort_index().items()))


def _sex(*, path: Path | None, settings: IdentitySettings) -> tuple[str | None, int, int]:
    """Return F, M or None, and the counts of XIST and of the Y genes."""
    if path is None:
        return None, 0, 0
    adata = ad.read_h5ad(path)
    totals = pd.Series(np.asarray(adata.X.sum(axis=0), dtype=float).ravel(), index=adata.var_names)
    x = int(totals.reindex([X_GENE]).fillna(0).sum())
    y = int(totals.reindex(list(Y_GENES)).fillna(0).sum())
    if x + y < settings.min_sex_counts:
        return None, x, y
    share = x / (x + y)
    return ("F" if share >= settings.sex_share else "M" if 1 - share >= settings.sex_share else None), x, y


def _features(*, paths: Mapping[str, Path], times: pd.Series) -> pd.DataFrame:
    """Return samples x ``type|gene``: log2 CPM within the type, centred; NaN where a type is absent.

    Genes with 10 counts or more in a quarter of the samples with the type; types in three samples or more; of all these
    the ``CANDIDATES`` of largest variance. Centred over the samples of a timepoint (three or more, else over all), so
    that what treatment changes in everybody is no likeness.
    """
    rows: dict[str, dict[str, tuple[sparse.csr_matrix, pd.Index]]] = {}
    for name in sorted(paths):
        adata = ad.read_h5ad(paths[name])
        kept = np.flatnonzero(~adata.var_names.str.startswith(_OWN_WAY) | adata.var_names.isin(Y_GENES))
        values = sparse.csr_matrix(adata.X)[:, kept]
        for place, label in enumerate(adata.obs_names):
            rows.setdefault(str(label), {})[name] = (values[place], adata.var_names[kept])
    parts = []
    for label in sorted(rows):
        if len(rows[label]) < FEWEST:
            continue
        counts = dense_rows(rows=rows[label])
        counts = counts.loc[:, (counts >= 10).mean() >= 0.25]
        if counts.shape[1]:
            logs = log_cpm(counts=counts, groups=np.full(counts.shape[1], "", dtype=object))
            own = times.loc[logs.index]
            own = own.where(own.map(own.value_counts()) >= FEWEST, "few")
            parts.append((logs - logs.groupby(own).transform("mean")).add_prefix(f"{label}{SEPARATOR}"))
    if not parts:
        return pd.DataFrame(index=sorted(paths))
    table = pd.concat(parts, axis=1).reindex(sorted(paths))
    variance = table.var()
    chosen = sorted(variance.index, key=lambda name: (-variance[name], name))[:CANDIDATES]
    return table[sorted(chosen)]


def _likeness(
    *, sample: str, table: pd.DataFrame, patients: pd.Series, settings: IdentitySettings
) -> tuple[str | None, float, float, int]:
    """Return the nearest patient, own and best other correlation, and the number of features compared."""
    own = patients[sample]
    there = table.columns[table.loc[sample].notna()]
    chosen = _telling(table=table.loc[patients != own, there], patients=patients[patients != own])[: settings.features]
    best: dict[str, tuple[float, int]] = {}
    for other in table.index.drop(sample):
        pair = table.loc[[sample, other], chosen].dropna(axis=1)
        if pair.shape[1] < settings.min_features or (pair.nunique(axis=1) < 2).any():
            continue
        r = float(stats.spearmanr(pair.iloc[0], pair.iloc[1]).statistic)
        if r > best.get(patients[other], (-np.inf, 0))[0]:
            best[patients[other]] = (r, pair.shape[1])
    others = {name: value for name, value in best.items() if name != own}
    nearest = max(sorted(best), key=lambda name: best[name][0]) if best else None
    other_r = max((value[0] for value in others.values()), default=np.nan)
    return nearest, best.get(own, (np.nan, 0))[0], other_r, best[nearest][1] if nearest is not None else 0


def _telling(*, table: pd.DataFrame, patients: pd.Series) -> list[str]:
    """Return the features by how much they tell patients apart, the most first; ties by name."""
    repeated = patients[patients.map(patients.value_counts()) > 1]
    if repeated.nunique() >= FEWEST:
        values = table.loc[repeated.index]
        means = values.groupby(repeated).transform("mean")
        within = ((values - means) ** 2).mean()
        between = ((means - values.mean()) ** 2).mean()
        score = between / (between + within + 0.05)  # log2 CPM squared: what hardly varies at all is no identity
    else:
        score = table.var()
    score = score.dropna()
    return sorted(score.index, key=lambda name: (-score[name], name))


def _row(
    *, name: str, row: pd.Series, sex: tuple[str | None, int, int],
    likeness: tuple[str | None, float, float, int] | None, settings: IdentitySettings,
) -> dict[str, object]:  # fmt: skip
    """Return one row with its verdict."""
    sheet = None if pd.isna(row["sex"]) else str(row["sex"])
    match = None if sheet not in {"M", "F"} or sex[0] is None else ("Y" if sheet == sex[0] else "N")
    nearest, own_r, other_r, n = likeness or (None, np.nan, np.nan, 0)
    ahead = own_r - other_r
    verdict, reason = UNSURE, None
    if match == "N":
        verdict, reason = MISMATCH, f"sex genes say {sex[0]}, the sheet says {sheet}"
    elif ahead <= -settings.min_difference:
        verdict, reason = MISMATCH, f"patient {nearest} is nearer (r {other_r:.2f}) than the own (r {own_r:.2f})"
    elif ahead >= settings.min_difference:
        verdict = OK
    elif likeness is None:
        reason = "no cells"
    elif np.isnan(own_r):
        reason = "no other sample of this patient in this tissue shares enough features"
    elif np.isnan(other_r):
        reason = "no sample of another patient in this tissue shares enough features"
    else:
        reason = f"own and best other patient are alike (r {own_r:.2f} and {other_r:.2f})"
    return {
        "sample_id": name, "patient_id": str(row["patient_id"]), "tissue": row["tissue"], "sex_sheet": sheet,
        "sex_inferred": sex[0], "sex_match": match, "x_counts": sex[1], "y_counts": sex[2],
        "nearest_patient": nearest, "own_r": own_r, "best_other_r": other_r, "n_features": n, "verdict": verdict,
        "reason": reason,
    }  # fmt: skip

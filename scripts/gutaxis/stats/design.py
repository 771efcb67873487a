"""Which samples a contrast compares, and the model matrix of the comparison: one full-rank design for every method.

The unit is the patient. A contrast becomes one of four schemes:

``between``
    one sample per patient (``baseline``, ``post``); tested is the column ``response`` (1 = R, 0 = NR).
``difference``
    POST minus PRE of every complete pair (``change``, ``response_change``); tested is the intercept, which is the mean
    change because every other column is centred, or ``response``.
``mixed``
    all samples with a random intercept per patient, where some patients lack a sample; tested is ``time`` (PRE 0,
    POST 1) or ``response:time``. Covariates that do not vary within patients enter with their interaction with time,
    which makes it the model of the differences wherever pairs are complete.
``survival``
    PRE samples with the time to PFS2; the feature itself is added by the Cox model.

Between patients every covariate is centred. Where a covariate varies within patients (antibiotics, batch), its
difference is not: the mean change is then the one at an unchanged covariate, as in the mixed model. A batch that is the
same for both samples of a patient cancels in the difference; it enters where it varies.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gutaxis.stats.design_columns import Term, choose_terms, covariate_columns

CONTRASTS = ("baseline", "post", "change", "response_change", "survival")
#: Pair states of samples that take part; others are extra or failed.
USED = frozenset({"PAIRED", "PRE_ONLY", "POST_ONLY"})
#: With fewer residual degrees of freedom the covariates named last leave the model.
MIN_RESIDUAL_DF = 3
#: Events per covariate of a Cox model (Peduzzi 1995).
EVENTS_PER_COVARIATE = 10


@dataclass(frozen=True, kw_only=True)
class Design:
    """One contrast as numbers.

    Parameters
    ----------
    contrast, scheme
        See the module.
    units
        One row per row of ``matrix``: index sample_id (difference: patient_id) with patient_id, cohort, batch,
        response, timepoint; difference: pre and post, sample ids.
    matrix
        Shape (n, p), full column rank; names in ``columns``, the first is ``intercept`` (survival: there is none).
    terms
        Name of a term -> its columns of ``matrix``.
    tested
        The column whose coefficient is the estimand; ``feature`` for survival.
    blocks
        Shape (n,): permutations never leave a block (cohort, and batch where it is a stratum).
    time, event
        Survival only: days, 1 = progressed or died.
    n, n_r, n_nr
        Patients, responders, non-responders.
    dropped
        Columns what (patient, sample, covariate), name, reason.
    refusal
        Why there is no analysis; None if there is one.
    """

    contrast: str
    scheme: str
    units: pd.DataFrame
    matrix: np.ndarray
    columns: tuple[str, ...]
    terms: dict[str, tuple[int, ...]]
    tested: str
    blocks: np.ndarray
    time: np.ndarray | None = None
    event: np.ndarray | None = None
    n: int
    n_r: int
    n_nr: int
    dropped: pd.DataFrame = field(default_factory=lambda: dropped_table([]))
    refusal: str | None = None

    @property
    def tested_index(self) -> int:
        """Position of the tested column; raises ValueError for a survival design, which has none."""
        return self.columns.index(self.tested)

    @property
    def samples(self) -> list[str]:
        """Sample ids that take part, in the order of the units; of a difference PRE and POST."""
        if self.scheme == "difference":
            return [*self.units["pre"], *self.units["post"]]
        return list(self.units.index)

    def values(self, *, table: pd.DataFrame) -> np.ndarray:
        """Return the response values of the model, shape (n, m), from a samples x features table.

        Rows of the units; of a difference POST minus PRE. Raises KeyError if the table lacks a sample.
        """
        if self.scheme != "difference":
            return table.loc[self.units.index].to_numpy(dtype=float)
        post, pre = (table.loc[list(self.units[name])].to_numpy(dtype=float) for name in ("post", "pre"))
        return post - pre


def dropped_table(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Return what was left out, columns what, name, reason."""
    return pd.DataFrame(rows, columns=["what", "name", "reason"], dtype=object)


def contrast_design(
    *,
    contrast: str,
    observations: pd.DataFrame,
    covariates: tuple[str, ...] = (),
    batch: str = "covariate",
    pairs: str = "auto",
    min_patients: int = 3,
) -> Design:
    """Build the design of one contrast.

    Parameters
    ----------
    contrast
        One of ``CONTRASTS``.
    observations
        Index sample_id: patient_id, timepoint (PRE, POST), response (R, NR, missing), covariates; optional batch,
        cohort, pair_status, pfs2_days, pfs2_cnsr (1 = censored).
    covariates
        Columns to adjust for, most important first. One that is missing in over a third of the units, has one level, or
        follows from the others is left out and recorded; else units with a missing value are.
    batch
        ``covariate``: in the model where it has several levels. ``stratum``: also a permutation block. ``ignore``.
    pairs
        ``auto``: differences if every patient has both samples, else the mixed model. ``differences``, ``mixed``.
    min_patients
        Fewest patients of a group (R, NR; pairs; events) that are compared.

    Returns
    -------
    Design
        With ``refusal`` set where the contrast cannot be made: too few patients, one class, or a covariate (a batch,
        a cohort) that cannot be told apart from the contrast, by name.
    """
    if contrast not in CONTRASTS:
        raise ValueError(f"contrast={contrast}: one of {', '.join(CONTRASTS)}")
    samples, dropped = _usable(observations=observations, contrast=contrast)
    scheme = _scheme(contrast=contrast, samples=samples, pairs=pairs)
    if scheme == "difference":
        samples, more = _complete_pairs(samples)
        dropped += more
    refusal = _too_few(contrast=contrast, samples=samples, minimum=min_patients)
    names = [*covariates, *(["batch"] if batch != "ignore" and "batch" not in covariates else [])]
    names = [name for name in names if name in samples]
    columns: list[Term] = []
    if refusal is None:
        samples, columns, more = covariate_columns(samples=samples, names=names, scheme=scheme)
        dropped += more
        refusal = _too_few(contrast=contrast, samples=samples, minimum=min_patients)
    units, base = _units(samples=samples, scheme=scheme, contrast=contrast)
    tested = {"between": "response", "difference": "response", "mixed": "response:time", "survival": "feature"}[scheme]
    if contrast == "change":
        tested = "intercept" if scheme == "difference" else "time"
    chosen: list[Term] = base
    if refusal is None:
        events = int((1 - samples["pfs2_cnsr"]).sum()) if scheme == "survival" else None
        limit = len(units) - MIN_RESIDUAL_DF if events is None else events // EVENTS_PER_COVARIATE
        chosen, more, refusal = choose_terms(base=base, covariates=columns, tested=tested, limit=limit)
        dropped += more
    matrix = np.column_stack([term.values for term in chosen]) if chosen and len(units) else np.zeros((len(units), 0))
    terms: dict[str, tuple[int, ...]] = {}
    for position, term in enumerate(chosen):
        terms[term.term] = (*terms.get(term.term, ()), position)
    per_patient = samples.drop_duplicates("patient_id")
    blocks = [name for name in ("cohort", *(["batch"] if batch == "stratum" else [])) if name in units]
    survival = scheme == "survival"
    return Design(
        contrast=contrast,
        scheme=scheme,
        units=units,
        matrix=matrix,
        columns=tuple(term.name for term in chosen),
        terms=terms,
        tested=tested,
        blocks=units[blocks].astype(str).agg(" x ".join, axis=1).to_numpy(object)
        if blocks
        else np.full(len(units), ""),
        time=samples["pfs2_days"].to_numpy(float) if survival else None,
        event=1 - samples["pfs2_cnsr"].to_numpy(float) if survival else None,
        n=len(per_patient),
        n_r=int((per_patient["response"] == "R").sum()),
        n_nr=int((per_patient["response"] == "NR").sum()),
        dropped=dropped_table(dropped),
        refusal=refusal,
    )


def _usable(*, observations: pd.DataFrame, contrast: str) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Return the samples a contrast may use, sorted by patient and time, and why others are not used."""
    dropped: list[tuple[str, str, str]] = []
    points = {"baseline": ["PRE"], "survival": ["PRE"], "post": ["POST"]}.get(contrast, ["PRE", "POST"])
    table = observations[observations["timepoint"].isin(points)].copy()
    table.index = table.index.astype(str)
    table["patient_id"] = table["patient_id"].astype(str)
    for name in ("response", "pfs2_days", "pfs2_cnsr"):
        if name not in table:
            table[name] = np.nan
    table["response"] = table["response"].astype(object).where(table["response"].isin(["R", "NR"]), None)

    def leave_out(keep: pd.Series, reason: str, what: str = "sample") -> None:
        nonlocal table
        names = table.index[~keep] if what == "sample" else sorted(set(table.loc[~keep, "patient_id"]))
        dropped.extend((what, name, reason) for name in names)
        table = table[keep.astype(bool)]

    if "pair_status" in table:
        leave_out(
            table["pair_status"].isin(USED), "extra or failed sample: not the one chosen for its patient and time"
        )
    if contrast in {"baseline", "post", "response_change"}:
        leave_out(table["response"].notna(), "response is not known", "patient")
    if contrast == "survival":
        leave_out(table[["pfs2_days", "pfs2_cnsr"]].notna().all(axis=1), "PFS2 is not known", "patient")
    table = table.assign(_order=table["timepoint"].map({"PRE": 0, "POST": 1}), _sample=table.index)
    table = table.sort_values(["patient_id", "_order", "_sample"]).drop(columns=["_order", "_sample"])
    leave_out(~table.duplicated(["patient_id", "timepoint"]), "second sample of its patient and time")
    return table, dropped


def _scheme(*, contrast: str, samples: pd.DataFrame, pairs: str) -> str:
    if contrast in {"baseline", "post"}:
        return "between"
    if contrast == "survival":
        return "survival"
    if pairs != "auto":
        return {"differences": "difference", "mixed": "mixed"}[pairs]
    return "difference" if (samples.groupby("patient_id").size() == 2).all() else "mixed"


def _complete_pairs(samples: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    # astype: in an empty table a comparison has no type, and would select columns
    whole = (samples.groupby("patient_id")["timepoint"].transform("size") == 2).astype(bool)
    lacking = [
        ("patient", row.patient_id, f"no {'POST' if row.timepoint == 'PRE' else 'PRE'} sample")
        for row in samples[~whole].itertuples()
    ]
    return samples[whole], lacking


def _too_few(*, contrast: str, samples: pd.DataFrame, minimum: int) -> str | None:
    """Return why the contrast cannot be made with these samples, or None."""
    patients = samples.drop_duplicates("patient_id")
    if contrast == "survival":
        events = int((1 - patients["pfs2_cnsr"]).sum())
        return None if events >= minimum else f"{events} PFS2 events in {len(patients)} patients; at least {minimum}"
    if contrast in {"change", "response_change"}:
        both = samples.groupby("patient_id").size() == 2
        patients = patients[patients["patient_id"].map(both).astype(bool)]
    if contrast == "change":
        return None if len(patients) >= minimum else f"{len(patients)} complete pairs; at least {minimum}"
    counts = {name: int((patients["response"] == name).sum()) for name in ("R", "NR")}
    if min(counts.values()) >= minimum:
        return None
    what = "complete pairs" if contrast == "response_change" else "patients"
    return f"{counts['R']} responders and {counts['NR']} non-responders ({what}); at least {minimum} of each"


def _units(*, samples: pd.DataFrame, scheme: str, contrast: str) -> tuple[pd.DataFrame, list[Term]]:
    """Return the rows of the model and the columns it always has."""
    if scheme == "difference":
        pre, post = (samples[samples["timepoint"] == point] for point in ("PRE", "POST"))
        units = pre.assign(pre=pre.index, post=post.index).set_index("patient_id", drop=False)
    else:
        units = samples.copy()
    units.index.name = "patient_id_" if scheme == "difference" else "sample_id"
    if scheme == "survival":
        return units, []
    responder = (units["response"] == "R").to_numpy(float)
    time = (units["timepoint"] == "POST").to_numpy(float)
    base = [Term("intercept", "intercept", np.ones(len(units)))]
    if scheme == "mixed":
        base.append(Term("time", "time", time))
    if contrast != "change":
        base.append(Term("response", "response", responder))
    if scheme == "mixed" and contrast == "response_change":
        base.append(Term("response:time", "response:time", responder * time))
    return units, base

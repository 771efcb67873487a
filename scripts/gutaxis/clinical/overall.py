"""Non-target lesions, new lesions and the overall response of one time point (RECIST 1.1)."""

import numpy as np
import pandas as pd

from gutaxis.clinical.cells import ASSESSMENT, LESION

NON_CR_NON_PD = "NON-CR/NON-PD"


def nontarget_counts(*, cells: pd.DataFrame, assessments: pd.DataFrame) -> pd.DataFrame:
    """Return how many non-target lesions were evaluated, are not gone, progress, or are seen again.

    Parameters
    ----------
    cells
        Cells after ILDR.
    assessments
        patient_id reader assessment_id.

    Returns
    -------
    pandas.DataFrame
        Rows as in ``assessments``: evaluated not_gone progressing back (seen, and no node).
    """
    parts = cells[(cells["category"] == "NON-TARGET") & cells["evaluated"]]
    parts = parts.assign(not_gone=~parts["gone"], back=parts["seen"] & ~parts["is_node"])
    names = ["evaluated", "not_gone", "progressing", "back"]
    sums = parts.groupby(ASSESSMENT, sort=False)[names].sum()
    sums = sums.reindex(pd.MultiIndex.from_frame(assessments[ASSESSMENT])).set_axis(assessments.index)
    return sums.fillna(0).astype(int)


def nontarget_response(*, counts: pd.DataFrame, n_nontargets: pd.Series) -> np.ndarray:
    """Return NONE, PD (unequivocal progression of any), NE (one was not evaluated), CR (all gone) or NON-CR/NON-PD.

    Parameters
    ----------
    counts
        From :func:`nontarget_counts`.
    n_nontargets
        Non-target lesions of this reader and patient; rows as in ``counts``.
    """
    return np.select(
        [
            n_nontargets == 0,
            counts["progressing"] > 0,
            counts["evaluated"] < n_nontargets,
            counts["not_gone"] == 0,
        ],
        ["NONE", "PD", "NE", "CR"],
        NON_CR_NON_PD,
    )


def new_lesions(*, cells: pd.DataFrame, assessments: pd.DataFrame) -> np.ndarray:
    """Return whether there is a new lesion at each assessment: Y, EQUIVOCAL or N.

    An equivocal lesion that the same reader later calls unequivocal, without finding it absent in between, is new from
    its first equivocal sighting: progression is back-dated.

    Parameters
    ----------
    cells
        Cells after ILDR, in the order of time within patient and reader.
    assessments
        patient_id reader assessment_id.
    """
    new = cells[cells["category"] == "NEW"]
    # a node below 10 mm short axis is normal, not new
    new = new.assign(seen=new["seen"] & ~new["gone"])
    backwards = new.iloc[::-1]
    keys = [backwards[name] for name in LESION]
    run = backwards["gone"].astype(int).groupby(keys, sort=False).cumsum()
    later = backwards["seen"].astype(int).groupby([*keys, run], sort=False).cummax()
    certain = new["seen"] | (new["equivocal"] & (later.reindex(new.index) == 1))
    level = np.where(certain, 2, np.where(new["equivocal"], 1, 0))
    highest = pd.Series(level, new.index).groupby([new[name] for name in ASSESSMENT], sort=False).max()
    found = highest.reindex(pd.MultiIndex.from_frame(assessments[ASSESSMENT])).fillna(0).to_numpy()
    return np.select([found == 2, found == 1], ["Y", "EQUIVOCAL"], "N")


def overall_response(*, target: np.ndarray, nontarget: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the overall response by the RECIST 1.1 table.

    Parameters
    ----------
    target
        CR, PR, SD, PD, NE, or NONE if the patient has no target lesion.
    nontarget
        CR, NON-CR/NON-PD, PD, NE or NONE.
    new
        Y, N or EQUIVOCAL (which is not progression).

    Returns
    -------
    numpy.ndarray
        CR, PR, SD, NON-CR/NON-PD, PD or NE; NE for a patient without any lesion to follow.
    """
    target, nontarget, new = np.asarray(target), np.asarray(nontarget), np.asarray(new)
    no_target = target == "NONE"
    return np.select(
        [
            (target == "PD") | (nontarget == "PD") | (new == "Y"),
            no_target & (nontarget == "NONE"),
            no_target,
            (target == "CR") & np.isin(nontarget, ("CR", "NONE")),
            target == "CR",
        ],
        ["PD", "NE", nontarget, "CR", "PR"],
        target,
    )

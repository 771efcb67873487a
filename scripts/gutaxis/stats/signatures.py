"""Published scores of a taxa layer: TOPOSCORE and the class of Akkermansia muciniphila (Derosa 2024)."""

import re
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv

#: Cuts of the score, as derived in the published analysis (Youden index on its discovery cohort).
CUT_LOW, CUT_HIGH = 0.5351351351, 0.7911411411
#: Percent of the taxa from which Akkermansia muciniphila counts as high.
AKKERMANSIA_HIGH = 4.799
AKKERMANSIA = "akkermansia_muciniphila"
#: A score is refused if fewer than this share of the species of either list have a name in the layer.
MIN_MATCHED = 0.7
FILES = {"sig1": "toposcore_sig1.tsv", "sig2": "toposcore_sig2.tsv"}
COLUMNS = [
    "sample_id",
    "patient_id",
    "timepoint",
    "sig1_present",
    "sig2_present",
    "score",
    "zone",
    "toposcore",
    "akkermansia_percent",
    "akkermansia_class",
    "sig1_matched",
    "sig2_matched",
    "reason",
]


def read_signature(*, path: Path | str) -> pd.DataFrame:
    """Read a list of species: columns species, sgb, synonym (NA: none).

    Raises
    ------
    GutaxisError
        S01 if the file is not such a list.
    """
    table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)
    if list(table.columns) != ["species", "sgb", "synonym"] or table.empty or table["species"].duplicated().any():
        raise GutaxisError(
            Problem(
                "S01", Path(path).name, None, None, None, "The file is no list of species",
                "Tab-separated, columns species, sgb, synonym, each species once", "Restore the file of the repository",
            )
        )  # fmt: skip
    return table


def plain_name(name: str) -> str:
    """Return a species name without what differs between databases: mark ``s__``, case, brackets, blanks, dots."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"^s__", "", str(name).strip()).lower()).strip("_")


def topo_scores(*, sig1_present: np.ndarray, sig2_present: np.ndarray, akkermansia: np.ndarray) -> pd.DataFrame:
    """Return score, zone and class from the numbers of species present.

    ``S = (SIG2 / 45 - SIG1 / 37 + 1) / 2``; zone SIG1 for ``S <= 0.5351``, SIG2 for ``S >= 0.7911``, else Gray. Class
    SIG2+ in zone SIG2, SIG1+ in zone SIG1; Gray is settled by Akkermansia: low is SIG2+, zero or high SIG1+.

    Parameters
    ----------
    sig1_present, sig2_present
        Shape (n,), species present of the 37 unfavourable and the 45 favourable.
    akkermansia
        Shape (n,), percent; NaN leaves Gray without a class.

    Returns
    -------
    pandas.DataFrame
        Columns score, zone, toposcore, akkermansia_class (zero, low < 4.799 %, high).

    Notes
    -----
    Source: Derosa L et al., Cell 2024;187:3373-3389, and its code (github.com/valerioiebba/TOPOSCORE, tp_main.R, MIT).
    The web application of the authors rounds S to three digits before it cuts, and divides by the species it finds in
    the table; here, as in the paper, S is not rounded and species that are not in the table count as absent. Oracle:
    published counts and scores of the discovery cohort; published Akkermansia classes of the longitudinal one.
    """
    score = (np.asarray(sig2_present, float) / 45 - np.asarray(sig1_present, float) / 37 + 1) / 2
    akkermansia = np.asarray(akkermansia, dtype=float)
    slack = 1e-9
    zone = np.select([score <= CUT_LOW + slack, score >= CUT_HIGH - slack], ["SIG1", "SIG2"], "Gray").astype(object)
    bacterium = np.select(
        [np.isnan(akkermansia), akkermansia == 0, akkermansia < AKKERMANSIA_HIGH], ["", "zero", "low"], "high"
    ).astype(object)
    bacterium[bacterium == ""] = None
    settled = np.where(bacterium == "low", "SIG2+", "SIG1+").astype(object)
    settled[np.isnan(akkermansia)] = None
    final = np.where(zone == "Gray", settled, np.where(zone == "SIG2", "SIG2+", "SIG1+")).astype(object)
    return pd.DataFrame({"score": score, "zone": zone, "toposcore": final, "akkermansia_class": bacterium})


def toposcore(*, adata: ad.AnnData, signatures: Path | str, min_matched: float = MIN_MATCHED) -> pd.DataFrame:
    """Score every sample of a taxa layer.

    Parameters
    ----------
    adata
        Taxa layer, samples x species (or SGBs with a column ``species`` in ``var``), any unit; not filtered. Values are
        taken as percent of the sum of the sample.
    signatures
        Folder with ``toposcore_sig1.tsv`` and ``toposcore_sig2.tsv``.
    min_matched
        Share of each list that must have a name in the layer. A merged table lists what at least one sample holds, so a
        small study or a filtered table matches less; what is not listed is absent.

    Returns
    -------
    pandas.DataFrame
        One row per sample, columns ``COLUMNS``, sorted by sample. Where names are refused, or a sample is empty, score
        and class are missing and ``reason`` says why; ``attrs['unmatched']`` names the species without a match.

    Raises
    ------
    GutaxisError
        S01 for a broken list.
    """
    lists = {name: read_signature(path=Path(signatures) / file) for name, file in FILES.items()}
    names = adata.var["species"] if "species" in adata.var else pd.Series(adata.var_names, index=adata.var_names)
    values = np.nan_to_num(np.asarray(adata.X, dtype=float))
    totals = values.sum(axis=1)
    percent = 100 * np.divide(values, totals[:, None], out=np.zeros_like(values), where=totals[:, None] > 0)
    columns: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        columns.setdefault(plain_name(name), []).append(place)
    present, matched, unmatched = {}, {}, []
    for name, table in lists.items():
        places = [_places(row=row, columns=columns) for row in table.to_dict("records")]
        found = [place for place in places if place]
        unmatched += [species for species, place in zip(table["species"], places, strict=True) if not place]
        present[name] = sum(((percent[:, place] > 0).any(axis=1) for place in found), np.zeros(len(percent)))
        matched[name] = (len(found), len(table))
    enough = all(hit >= min_matched * size for hit, size in matched.values())
    place = columns.get(AKKERMANSIA, [])
    # a table that names most species and not this one has none of it; otherwise nobody knows
    akkermansia = percent[:, place].sum(axis=1) if place or enough else np.full(len(percent), np.nan)
    scores = topo_scores(sig1_present=present["sig1"], sig2_present=present["sig2"], akkermansia=akkermansia)
    said = "; ".join(f"{hit} of {size} species of {name.upper()}" for name, (hit, size) in matched.items())
    reason = np.full(len(percent), None if enough else f"only {said} have a name in the layer", dtype=object)
    reason[totals <= 0] = "no taxon in the sample"
    lost = np.array([why is not None for why in reason])
    scores.loc[lost, ["score", "zone", "toposcore"]] = [np.nan, None, None]
    scores.loc[totals <= 0, "akkermansia_class"] = None
    result = pd.DataFrame(
        {
            "sample_id": adata.obs_names.astype(str),
            "patient_id": adata.obs["patient_id"].astype(object).to_numpy(),
            "timepoint": adata.obs["timepoint"].astype(object).to_numpy(),
            "sig1_present": np.where(totals > 0, present["sig1"], np.nan),
            "sig2_present": np.where(totals > 0, present["sig2"], np.nan),
            **{name: scores[name].to_numpy() for name in ("score", "zone", "toposcore", "akkermansia_class")},
            "akkermansia_percent": np.where(totals > 0, akkermansia, np.nan),
            **{f"{name}_matched": hit for name, (hit, _) in matched.items()},
            "reason": reason,
        }
    )
    result = result[COLUMNS].sort_values("sample_id", ignore_index=True)
    result.attrs = {"unmatched": sorted(unmatched), "matched": said}
    return result


def _places(*, row: dict[str, str], columns: dict[str, list[int]]) -> list[int]:
    """Return the columns under the species' name or its synonym."""
    keys = [row["species"], *([] if row["synonym"] in {"", "NA"} else [row["synonym"]])]
    return sorted({place for key in keys for place in columns.get(plain_name(key), [])})


def write_toposcore(*, table: pd.DataFrame, path: Path | str) -> None:
    """Write the scores, with the source and what could not be matched above them."""
    comment = [
        "TOPOSCORE and Akkermansia class: Derosa L et al., Cell 2024;187:3373-3389; lists: valerioiebba/TOPOSCORE, MIT",
        "derived for lung cancer on PD-1 blockade; research use: it predicts nothing for a single patient",
        f"names found in the layer: {table.attrs.get('matched', 'not recorded')}",
        f"without a match, counted as absent: {', '.join(table.attrs.get('unmatched', [])) or 'none'}",
    ]
    write_tsv(table, path, comment="\n".join(comment))

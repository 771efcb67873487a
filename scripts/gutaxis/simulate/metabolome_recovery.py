"""Planted against recovered: features, effects and species links of the simulated plasma metabolome."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.simulate.metabolome_matching import main_features, match_features, score_features


def true_levels(*, truth: dict[str, Any]) -> pd.DataFrame:
    """Return compounds x study samples: planted log2 level, missing where the patient does not have the compound."""
    plan = truth["metabolome"]
    return pd.DataFrame.from_dict(plan["levels"], orient="index", columns=plan["samples"]).astype(float)


def contrast_estimates(*, truth: dict[str, Any], values: pd.DataFrame) -> pd.DataFrame:
    """Return contrasts as columns for each row of a log2 table (rows x plasma samples): differences of means, no test.

    ``baseline`` is R - NR before, ``change`` the mean of post - pre, ``response_change`` its difference R - NR. A
    patient without both samples has no change; missing values are left out.
    """
    plan = truth["metabolome"]
    timepoints: dict[str, dict[str, str]] = {"PRE": {}, "POST": {}}
    for sample_id in plan["samples"]:
        injection = plan["injections"][sample_id]
        if sample_id in values.columns:
            timepoints[injection["timepoint"]][injection["patient_id"]] = sample_id
    pre = values[list(timepoints["PRE"].values())].set_axis(list(timepoints["PRE"]), axis=1)
    post = values[list(timepoints["POST"].values())].set_axis(list(timepoints["POST"]), axis=1)
    pairs = [patient for patient in post.columns if patient in pre.columns]
    change = post[pairs] - pre[pairs]

    def difference(table: pd.DataFrame) -> pd.Series:
        responder = np.array([truth["patients"][patient]["response"] == "R" for patient in table.columns], dtype=bool)
        return table.loc[:, responder].mean(axis=1) - table.loc[:, ~responder].mean(axis=1)

    return pd.DataFrame(
        {"baseline": difference(pre), "change": change.mean(axis=1), "response_change": difference(change)}
    )


def compound_values(
    *, truth: dict[str, Any], features: dict[str, pd.DataFrame], values: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a log2 table with compounds for rows, and the feature that stands for each compound.

    A compound seen in both modes is taken from positive mode.

    Parameters
    ----------
    truth
        The trial's truth with ``metabolome``.
    features
        Mode -> features of that mode, as in :func:`match_features`.
    values
        Features of all modes x samples, log2.
    """
    chosen: dict[str, str] = {}
    for mode in ("positive", "negative"):
        if mode in features:
            matched = match_features(truth=truth, mode=mode, features=features[mode])
            chosen = {**main_features(matched=matched, values=values), **chosen}
    names = sorted(chosen)
    table = values.loc[[chosen[name] for name in names]]
    return table.set_axis(names, axis=0), chosen


def score_effects(*, truth: dict[str, Any], compounds: pd.DataFrame) -> pd.DataFrame:
    """Compare planted effects with estimates from a normalised table (compounds x samples, log2).

    Returns
    -------
    pandas.DataFrame
        contrast, compound, source (``planted`` or the driving species), planted (log2; missing for a driven compound),
        realised (the same contrast in the true levels) and recovered. A driven compound has a row in each contrast.
    """
    plan = truth["metabolome"]
    realised = contrast_estimates(truth=truth, values=true_levels(truth=truth))
    recovered = contrast_estimates(truth=truth, values=compounds)
    rows = [
        (contrast, name, "planted", size) for contrast, sizes in plan["effects"].items() for name, size in sizes.items()
    ]
    rows += [
        (contrast, link["compound"], link["species"], np.nan) for link in plan["links"] for contrast in plan["effects"]
    ]
    return pd.DataFrame(
        [
            {
                "contrast": contrast,
                "compound": name,
                "source": source,
                "planted": size,
                "realised": realised.loc[name, contrast],
                "recovered": recovered[contrast].get(name, np.nan),
            }
            for contrast, name, source, size in rows
        ]
    )


def score_links(*, truth: dict[str, Any], compounds: pd.DataFrame) -> pd.DataFrame:
    """Compare planted species -> metabolite links with a normalised table (compounds x samples, log2).

    Returns
    -------
    pandas.DataFrame
        species, compound, slope_planted, slope_recovered (least squares on the planted log2 share), r_true and
        r_recovered (Pearson over study samples of planted log2 share with true and with measured level), rank (place of
        the compound among all by absolute r with this species; 1 is best).
    """
    plan = truth["metabolome"]
    names = [name for name in plan["samples"] if name in compounds.columns]
    true = true_levels(truth=truth)[names]
    rows = []
    for link in plan["links"]:
        shares = [truth["samples"][name.removesuffix("_PLASMA")]["composition"][link["species"]] for name in names]
        driver = pd.Series(np.log2(shares), index=names)
        strength = compounds[names].T.corrwith(driver).abs()
        measured = compounds.loc[link["compound"], names] if link["compound"] in compounds.index else None
        both = pd.DataFrame({"x": driver, "y": np.nan if measured is None else measured}).dropna()
        r = both["x"].corr(both["y"])
        rows.append(
            {
                "species": link["species"],
                "compound": link["compound"],
                "slope_planted": link["slope"],
                "slope_recovered": r * both["y"].std() / both["x"].std() if len(both) > 2 else np.nan,
                "r_true": driver.corr(true.loc[link["compound"]]),
                "r_recovered": r,
                "rank": strength.rank(ascending=False, method="min").get(link["compound"], np.nan),
            }
        )
    return pd.DataFrame(rows)


def study_error(*, truth: dict[str, Any], compounds: pd.DataFrame) -> float:
    """Return the error in study samples: root mean square over compounds and samples, log2.

    Of measured minus true level, each compound's own mean difference taken off (a constant factor is no error).
    Contaminants are left out: nothing of them is true.
    """
    true = true_levels(truth=truth)
    kinds = truth["metabolome"]["compounds"]
    names = [name for name in compounds.index if kinds[name]["group"] != "contaminant"]
    samples = [name for name in true.columns if name in compounds.columns]
    off = compounds.loc[names, samples] - true.loc[names, samples]
    off = off.sub(off.mean(axis=1), axis=0)
    return float(np.sqrt(np.nanmean(off.to_numpy(float) ** 2)))


def measure_metabolome_recovery(
    *,
    truth: Path,
    features: dict[str, Path],
    matrices: dict[str, Path],
    normalised: Path,
    state: Path | None,
    scores: Path,
    effects: Path,
    links: Path,
) -> None:
    """Compare a finished simulated run with its truth.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    features
        Mode -> TSV of its features; the first column is the feature id, ``mz`` and ``rt`` (seconds) among the others.
    matrices
        Mode -> TSV of raw areas, features x samples.
    normalised
        TSV of normalised log2 intensities, features of all modes x samples.
    state
        TSV of the same shape: what each cell is. Imputed cells are left out of the error in study samples, as nothing
        was measured there. None: all cells count.
    scores, effects, links
        Tables to write: one row per mode (with the error in study samples before and after), see
        :func:`score_features`; :func:`score_effects`; :func:`score_links`.
    """
    trial = json.loads(truth.read_text())
    tables = {mode: _read(path) for mode, path in sorted(features.items())}
    final = _read(normalised)
    measured = final if state is None else final.mask(_read(state).reindex_like(final) == "imputed")
    rows = []
    for mode, table in tables.items():
        raw = _read(matrices[mode])
        before, _ = compound_values(truth=trial, features={mode: table}, values=np.log2(raw.where(raw > 0)))
        after, _ = compound_values(truth=trial, features={mode: table}, values=measured)
        rows.append(
            {
                **score_features(truth=trial, mode=mode, features=table, values=raw),
                "compounds_kept": len(after),
                "error_raw": study_error(truth=trial, compounds=before),
                "error_normalised": study_error(truth=trial, compounds=after),
            }
        )
    compounds, _ = compound_values(truth=trial, features=tables, values=final)
    write_tsv(pd.DataFrame(rows), scores, digits=6)
    write_tsv(score_effects(truth=trial, compounds=compounds), effects, digits=4)
    write_tsv(score_links(truth=trial, compounds=compounds), links, digits=4)


def _read(path: Path) -> pd.DataFrame:
    # the first column is called feature, as a column of the tables made from it is
    return pd.read_csv(path, sep="\t", index_col=0, comment="#").rename_axis(None)

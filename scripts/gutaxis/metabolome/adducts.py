"""Ions of one molecule put together: mass differences by OpenMS, confirmed by correlation over the samples."""

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.metabolome.features import configure
from gutaxis.metabolome.masses import mass_from_mz, parse_adduct
from gutaxis.metabolome.presets import Preset

COLUMNS = ["adduct", "group", "neutral_mass", "adduct_r"]
#: What MetaboliteFeatureDeconvolution may combine, with prior probabilities, by mode.
POTENTIAL = {
    "positive": ["H:+:0.6", "Na:+:0.15", "NH4:+:0.15", "K:+:0.1", "H-2O-1:0:0.1"],
    "negative": ["H-1:-:0.6", "Cl:-:0.2", "CHO2:-:0.2", "H-2O-1:0:0.1"],
}
#: Its formulas of what was gained or lost, in the usual notation. Others are left unnamed.
NAMES = {
    "positive": {
        "H1": "[M+H]+",
        "Na1": "[M+Na]+",
        "H4N1": "[M+NH4]+",
        "K1": "[M+K]+",
        "H-1O-1": "[M+H-H2O]+",
    },
    "negative": {
        "H-1": "[M-H]-",
        "Cl1": "[M+Cl]-",
        "C1H1O2": "[M+HCOO]-",
        "H-3O-1": "[M-H-H2O]-",
    },
}
#: Ions of one molecule rise and fall together; with fewer samples in common than this it is not asked.
MIN_R, MIN_COMMON = 0.6, 8


def group_adducts(*, features: pd.DataFrame, areas: pd.DataFrame, mode: str, preset: Preset) -> pd.DataFrame:
    """Group features that are ions of one molecule.

    Parameters
    ----------
    features
        Index feature; mz, rt (s, aligned), charge (0 = unknown), height.
    areas
        features x samples, NaN where not seen; blanks left out.
    mode
        positive or negative.
    preset
        ``link_ppm`` and ``link_rt_s``: half of the first and a third of the second are the tolerances here, since
        medians over files are compared.

    Returns
    -------
    DataFrame
        Index of ``features``. group: ``POS_G0001`` ..., by its first feature, one for every feature; adduct and
        neutral_mass (Da): NaN for a feature alone in its group, since any ion would do; adduct_r: correlation with
        the largest ion of the group, NaN for that ion itself or with fewer than 8 samples in common.

    Notes
    -----
    MetaboliteFeatureDeconvolution proposes groups from mass differences and time. Each member is then compared with
    the largest ion of the group by Pearson's r of the log areas over the samples that show both; below 0.6 in 8
    samples or more it leaves the group: two compounds that differ by the mass of sodium less hydrogen and elute
    together are not one. Dimers and multiply charged ions are not grouped.
    """
    made = pd.DataFrame(
        {"adduct": np.nan, "group": np.nan, "neutral_mass": np.nan, "adduct_r": np.nan}, index=features.index
    ).astype({"adduct": object, "group": object})
    middle = areas.median(axis=1)
    for members in _proposals(features=features, mode=mode, preset=preset):
        anchor = min(members, key=lambda name: (-middle.get(name, 0.0), name))
        kept = {anchor: np.nan}
        for name in sorted(set(members) - {anchor}):
            r, common = correlation(first=areas.loc[anchor], second=areas.loc[name])
            if common < MIN_COMMON or r >= MIN_R:
                kept[name] = r if common >= MIN_COMMON else np.nan
        if len(kept) < 2:
            continue
        neutral = mass_from_mz(mz=features.at[anchor, "mz"], adduct=parse_adduct(name=members[anchor]))
        for name, r in kept.items():
            made.loc[name] = [members[name], min(kept), neutral, r]
    made["group"] = made["group"].fillna(pd.Series(made.index, index=made.index))
    prefix = "POS" if mode == "positive" else "NEG"
    first = {name: number for number, name in enumerate(dict.fromkeys(made["group"]), start=1)}
    digits = max(4, len(str(len(first))))
    made["group"] = [f"{prefix}_G{first[name]:0{digits}d}" for name in made["group"]]
    return made[COLUMNS]


def correlation(*, first: pd.Series, second: pd.Series) -> tuple[float, int]:
    """Return Pearson's r of the log areas over the samples that have both, and their number; r 0 if one is constant."""
    both = first.notna() & second.notna() & (first > 0) & (second > 0)
    x, y = np.log(first[both].to_numpy(dtype=float)), np.log(second[both].to_numpy(dtype=float))
    if len(x) < 3 or np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return 0.0, int(both.sum())
    return float(np.corrcoef(x, y)[0, 1]), int(both.sum())


def _proposals(*, features: pd.DataFrame, mode: str, preset: Preset) -> list[dict[str, str]]:
    """Return groups of two features or more, as adduct by feature, from mass differences and time."""
    if len(features) < 2:
        return []
    offered = pyopenms.FeatureMap()
    for number, row in enumerate(features.itertuples()):
        feature = pyopenms.Feature()
        feature.setUniqueId(number + 1)
        feature.setMZ(float(row.mz))
        feature.setRT(float(row.rt))
        feature.setIntensity(float(row.height))
        feature.setCharge(int(row.charge) if mode == "positive" else -int(row.charge))
        feature.setMetaValue("row", number)
        offered.push_back(feature)
    sign = 1 if mode == "positive" else -1
    algorithm = configure(
        pyopenms.MetaboliteFeatureDeconvolution(),
        charge_min=sign,
        charge_max=sign,
        charge_span_max=1,
        retention_max_diff=preset.link_rt_s / 3,
        retention_max_diff_local=preset.link_rt_s / 3,
        mass_max_diff=preset.link_ppm / 2,
        unit="ppm",
        potential_adducts=POTENTIAL[mode],
        max_neutrals=1,
        negative_mode="false" if mode == "positive" else "true",
    )
    grouped = pyopenms.FeatureMap()
    algorithm.compute(offered, grouped, pyopenms.ConsensusMap(), pyopenms.ConsensusMap())
    groups: dict[str, dict[str, str]] = {}
    for feature in grouped:
        gained = feature.getMetaValue("dc_charge_adducts") if feature.metaValueExists("dc_charge_adducts") else None
        if gained in NAMES[mode] and feature.metaValueExists("Group"):
            name = str(features.index[int(feature.getMetaValue("row"))])
            groups.setdefault(str(feature.getMetaValue("Group")), {})[name] = NAMES[mode][gained]
    return sorted((members for members in groups.values() if len(members) > 1), key=min)

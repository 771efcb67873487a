"""From linked features to those that are integrated in every file: detection filter, panel, adducts."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metabolome.adducts import group_adducts
from gutaxis.metabolome.detection import NOT_COUNTED, filter_features
from gutaxis.metabolome.intake_table import read_table
from gutaxis.metabolome.masses import ADDUCTS
from gutaxis.metabolome.panel import panel_ions, read_panel
from gutaxis.metabolome.presets import Preset

#: Ions by which a panel compound is kept: what compounds usually make, not every ion that is possible.
KEPT_BY = tuple(adduct for adduct in ADDUCTS if adduct.common <= 1)


def choose_features(
    *,
    features: pd.DataFrame,
    areas: pd.DataFrame,
    injections: pd.DataFrame,
    mode: str,
    panel: Sequence[Path],
    preset: Preset,
    min_share: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the kept features with their groups of ions, and every feature with the reason why it is kept or NaN.

    Parameters
    ----------
    features, areas
        Of :func:`gutaxis.metabolome.link.link`.
    injections, mode, panel, preset, min_share
        As in :func:`select_features`.
    """
    if panel:
        targets = panel_ions(panel=read_panel(paths=list(panel)), mode=mode, adducts=KEPT_BY)[["name", "mz"]]
    else:
        targets = pd.DataFrame({"name": pd.Series(dtype=str), "mz": pd.Series(dtype=float)})
    judged = filter_features(
        features=features,
        areas=areas,
        groups=injections["group"],
        min_share=min_share,
        targets=targets,
        ppm=preset.panel_ppm,
    )
    kept = judged[judged["kept_by"].notna()].copy()
    kept.insert(0, "mode", mode)
    counted = [sample for sample in areas.columns if injections.at[sample, "control"] not in NOT_COUNTED]
    ions = group_adducts(features=kept, areas=areas.loc[kept.index, counted], mode=mode, preset=preset)
    print(
        f"{mode}: {len(kept)} of {len(features)} features kept, {(kept['kept_by'] == 'panel').sum()} by the panel alone"
    )
    return kept.join(ions), judged


def select_features(
    *,
    linked: Path,
    areas: Path,
    injections: pd.DataFrame,
    mode: str,
    panel: Sequence[Path],
    preset: Preset,
    min_share: float,
    consensus: Path,
    decisions: Path,
    reference: Collection[str] | None = None,
) -> None:
    """Keep the features that are detected often enough or belong to the panel, and group their ions.

    Parameters
    ----------
    linked, areas
        Of :func:`gutaxis.metabolome.link.link_features`.
    injections
        Index sample_id, columns control and group.
    mode
        positive or negative.
    panel
        Tables of panel compounds; none keeps nothing by panel.
    preset
        Settings of the instrument.
    min_share
        Smallest share of files, in any group, that show a feature (0-1).
    consensus
        Table to write, one row per kept feature: mz, rt (s), charge, width_s, isotopes, height, detected, mode,
        panel, kept_by, share_*, adduct, group, neutral_mass, adduct_r.
    decisions
        Table to write, one row per linked feature: why it is kept, or NA.
    reference
        Samples that decide; None: all.
    """
    features, values = read_table(path=linked), read_table(path=areas)
    if reference is not None:
        values = values[[sample for sample in values if sample in reference]]
    kept, judged = choose_features(
        features=features,
        areas=values,
        injections=injections,
        mode=mode,
        panel=panel,
        preset=preset,
        min_share=min_share,
    )
    write_tsv(kept, consensus, index=True)
    write_tsv(judged, decisions, index=True)

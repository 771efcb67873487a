"""All files of a mode aligned and linked: one row per feature, one column per sample."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.metabolome.alignment import MIN_FEATURES, align
from gutaxis.metabolome.clock import Alignment, identity
from gutaxis.metabolome.features import configure, feature_rows, load, ordered
from gutaxis.metabolome.link_frozen import match_features, refuse_no_file
from gutaxis.metabolome.presets import Preset

PREFIX = {"positive": "POS", "negative": "NEG"}
FEATURE_COLUMNS = ["mz", "rt", "charge", "width_s", "isotopes", "height", "detected"]
ALIGNMENT_COLUMNS = ["sample_id", "status", "features", "pairs", "residual_before_s", "residual_after_s"]
#: Study samples and pooled QCs have to be aligned; blanks and mocks need not resemble them.
MUST_ALIGN = frozenset({"N", "POOL_QC"})
KNOT_COLUMNS = ["sample_id", "rt_s", "rt_reference_s"]


def choose_reference(*, sizes: Mapping[str, int], control: pd.Series) -> str:
    """Return the study sample or pooled QC with most features, ties by name.

    Raises
    ------
    GutaxisError
        M11: no such file has a feature.
    """
    candidates = {sample: size for sample, size in sizes.items() if control[sample] in MUST_ALIGN and size}
    if not candidates:
        raise GutaxisError(
            Problem(
                "M11",
                "sample sheet",
                None,
                None,
                None,
                f"no study sample or pooled QC has a feature ({len(sizes)} files)",
                "At least one of them needs features",
                "Lower metabolome noise, or choose the instrument that made the files",
            )
        )
    return min(candidates, key=lambda sample: (-candidates[sample], sample))


def align_all(
    *, maps: Mapping[str, pyopenms.FeatureMap], control: pd.Series, preset: Preset, reference: str | None = None
) -> tuple[str, dict[str, Alignment]]:
    """Align every file to the reference; blanks stay as they are, since they have nothing to align by.

    Parameters
    ----------
    maps
        Features by sample id.
    control
        N, BLANK, POOL_QC or MOCK by sample id.
    preset
        Settings of the instrument.
    reference
        Sample to align to; None: that of :func:`choose_reference`.

    Returns
    -------
    tuple
        The reference's sample id, and the alignment of each sample.

    Raises
    ------
    GutaxisError
        M11: nothing to refer to, or a study sample or pooled QC cannot be aligned although the reference has enough
        features: it would be compared at the wrong times without anybody noticing.
    """
    if reference is None:
        reference = choose_reference(sizes={sample: maps[sample].size() for sample in maps}, control=control)
    end = float(feature_rows(features=maps[reference])["rt"].max()) + 60.0
    made: dict[str, Alignment] = {}
    for sample in sorted(maps):
        if sample == reference:
            made[sample] = identity(status="reference", end=end)
        elif control[sample] == "BLANK":
            made[sample] = identity(status="blank", end=end)
        else:
            made[sample] = align(features=maps[sample], reference=maps[reference], preset=preset)
    few = maps[reference].size() < MIN_FEATURES
    problems = [
        Problem(
            "M11",
            "sample sheet",
            None,
            "sample_id",
            sample,
            f"the retention times cannot be aligned to {reference}: {maps[sample].size()} features against "
            f"{maps[reference].size()}",
            f"A sample needs {MIN_FEATURES} features or more in common with the others",
            "Look at its trace in the intake figure; set qc to FAIL for this sample if the injection failed",
        )
        for sample, found in made.items()
        if control[sample] in MUST_ALIGN and (found.status == "failed" or (found.status == "few_features" and not few))
    ]
    if problems:
        raise GutaxisError(problems)
    return reference, made


def link(
    *, maps: Mapping[str, pyopenms.FeatureMap], alignments: Mapping[str, Alignment], mode: str, preset: Preset
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Link features of all files by m/z and aligned time (FeatureGroupingAlgorithmKD).

    Returns
    -------
    features : DataFrame
        Index feature (``POS_0001`` ..., by m/z, then time), columns ``FEATURE_COLUMNS``: medians over the files that
        show it; time in seconds on the reference's clock; charge 0 = unknown.
    areas : DataFrame
        features x samples, area; NaN where the file does not show the feature.
    """
    samples = sorted(maps)
    moved = [_moved(features=maps[sample], alignment=alignments[sample]) for sample in samples]
    rows = [feature_rows(features=features) for features in moved]
    together = pyopenms.ConsensusMap()
    headers = {}
    for number, sample in enumerate(samples):
        header = pyopenms.ColumnHeader()
        header.filename, header.size = sample, moved[number].size()
        headers[number] = header
    together.setColumnHeaders(headers)
    configure(
        pyopenms.FeatureGroupingAlgorithmKD(),
        warp__enabled="false",  # files are aligned already
        mz_unit="ppm",
        link__mz_tol=preset.link_ppm,
        link__rt_tol=preset.link_rt_s,
    ).group(moved if len(moved) > 1 else [*moved, ordered(features=[])], together)  # it refuses a single map
    cells = pd.DataFrame(
        [
            (number, handle.getMapIndex(), handle.getUniqueId() - 1)
            for number, consensus in enumerate(together)
            for handle in consensus.getFeatureList()
        ],
        columns=["consensus", "map", "row"],
    ).sort_values(["consensus", "map"])
    starts = np.cumsum([0, *(len(table) for table in rows[:-1])])
    seen = pd.concat(rows, ignore_index=True).loc[starts[cells["map"]] + cells["row"]]
    seen = seen.assign(consensus=cells["consensus"].to_numpy(), sample=[samples[number] for number in cells["map"]])
    features = seen.groupby("consensus")[["mz", "rt", "width_s", "isotopes", "height"]].median()
    features["charge"] = _usual_charge(seen=seen).reindex(features.index, fill_value=0)
    order = features.sort_values(["mz", "rt"], kind="stable").index
    areas = seen.pivot(index="consensus", columns="sample", values="intensity")
    areas = areas.reindex(index=order, columns=samples)
    digits = max(4, len(str(len(order))))
    ids = pd.Index([f"{PREFIX[mode]}_{number:0{digits}d}" for number in range(1, len(order) + 1)], name="feature")
    features, areas = features.loc[order].set_axis(ids), areas.set_axis(ids).rename_axis(columns=None)
    features["detected"] = areas.notna().sum(axis=1)
    return features[FEATURE_COLUMNS], areas


def _usual_charge(*, seen: pd.DataFrame) -> pd.Series:
    """Return the most frequent known charge of each consensus feature that has one; the lower of two equals."""
    counts = seen[seen["charge"] > 0].groupby(["consensus", "charge"]).size().rename("files").reset_index()
    counts = counts.sort_values(["consensus", "files", "charge"], ascending=[True, False, True])
    return counts.drop_duplicates("consensus").set_index("consensus")["charge"]


def _moved(*, features: pyopenms.FeatureMap, alignment: Alignment) -> pyopenms.FeatureMap:
    """Return a copy on the reference's clock, features in their order and numbered by it."""
    copies = [pyopenms.Feature(feature) for feature in features]
    times = alignment.to_reference(np.array([feature.getRT() for feature in copies]))
    for feature, time in zip(copies, times, strict=True):
        feature.setRT(float(time))
    return ordered(features=copies)


def link_features(
    *,
    files: Mapping[str, Path],
    injections: pd.DataFrame,
    mode: str,
    preset: Preset,
    linked: Path,
    areas: Path,
    alignment: Path,
    transformations: Path,
    reference: Collection[str] | None = None,
) -> None:
    """Align and link the features of all files of a mode.

    Parameters
    ----------
    files
        featureXML by sample id; the order does not matter.
    injections
        Index sample_id, with the column control.
    mode
        positive or negative.
    preset
        Settings of the instrument.
    linked, areas
        Tables to write, of :func:`link`.
    alignment
        One row per sample: ``ALIGNMENT_COLUMNS``.
    transformations
        Knots of each sample: ``KNOT_COLUMNS``.
    reference
        Samples whose features are linked, as if there were no others; features of the others are matched with them
        (:func:`gutaxis.metabolome.link_frozen.match_features`). None: all.

    Raises
    ------
    GutaxisError
        M11 of :func:`align_all`; M14: no file of the reference.
    """
    maps = {sample: load(path=files[sample]) for sample in sorted(files)}
    control = injections["control"]
    teaching = {sample: found for sample, found in maps.items() if reference is None or sample in reference}
    if reference is not None:
        refuse_no_file(mode=mode, samples=teaching)
    clock, alignments = align_all(maps=teaching, control=control, preset=preset)
    features, values = link(maps=teaching, alignments=alignments, mode=mode, preset=preset)
    print(f"{mode}: {len(features)} features in {len(teaching)} files, aligned to {clock}")
    later = {sample: found for sample, found in maps.items() if sample not in teaching}
    if later:
        _, more = align_all(maps={clock: maps[clock], **later}, control=control, preset=preset, reference=clock)
        matched = match_features(features=features, maps=later, alignments=more, preset=preset)
        print(
            f"{mode}: {len(later)} later files, {int(matched.notna().any(axis=1).sum())} of the features among theirs"
        )
        values = values.join(matched)[sorted(maps)]
        alignments = {sample: (alignments if sample in teaching else more)[sample] for sample in maps}
    summary = [
        (sample, found.status, maps[sample].size(), found.pairs, found.residual_before_s, found.residual_after_s)
        for sample, found in alignments.items()
    ]
    knots = pd.concat(
        [
            pd.DataFrame({"sample_id": sample, "rt_s": found.rt, "rt_reference_s": found.rt_reference})
            for sample, found in alignments.items()
        ]
    )
    write_tsv(features, linked, index=True)
    write_tsv(values, areas, index=True)
    write_tsv(pd.DataFrame(summary, columns=ALIGNMENT_COLUMNS), alignment)
    write_tsv(knots[KNOT_COLUMNS], transformations)

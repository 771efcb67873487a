"""asari as a second engine: run in a folder of its own, its table checked, reordered and filtered like our own."""

import contextlib
import gzip
import io
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import atomic_write, run_mark, write_tsv
from gutaxis.metabolome.feature_table import ABSENT, DETECTED, make_feature_table, write_feature_table
from gutaxis.metabolome.intake_table import read_row
from gutaxis.metabolome.link import MUST_ALIGN, PREFIX
from gutaxis.metabolome.presets import Preset
from gutaxis.metabolome.selection import choose_features
from gutaxis.metagenome.programs import run_program

PROGRAM = "asari"
TABLE = Path("export") / "full_Feature_table.tsv"
#: Columns of asari's table that are no sample.
OWN = (
    "id_number",
    "mz",
    "rtime",
    "rtime_left_base",
    "rtime_right_base",
    "parent_masstrack_id",
    "peak_area",
    "cSelectivity",
    "goodness_fitting",
    "snr",
    "detection_counts",
)
UNALIGNED = re.compile(r"Failure in retention time alignment \(\d+\); (?P<sample>.+)\.\s*$", re.MULTILINE)
MODES = {"positive": "pos", "negative": "neg"}


def asari_command(*, folder: Path, output: Path, mode: str, preset: Preset) -> list[str]:
    """Return asari's command line. Its defaults suit one instrument, so every threshold follows the preset."""
    options = {
        "mode": MODES[mode],
        "ppm": f"{preset.trace_ppm / 2:g}",
        "input": str(folder),
        "output": str(output),
        "project": "gutaxis",
        "multicores": "1",
        "min_intensity_threshold": f"{preset.noise / 10:g}",
        "min_peak_height": f"{preset.noise:g}",
        "cal_min_peak_height": f"{preset.noise * 5:g}",
        # samples it cannot align stay in, and are refused by name below, instead of vanishing
        "drop_unaligned_samples": "false",
        "anno": "false",
    }
    return [PROGRAM, "process", *(word for name, value in options.items() for word in (f"--{name}", value))]


def read_asari(*, table: Path, samples: Sequence[str], mode: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read asari's full feature table.

    Parameters
    ----------
    table
        ``full_Feature_table.tsv``; its sample columns are in no order.
    samples
        Samples that were given to it.
    mode
        positive or negative.

    Returns
    -------
    features : DataFrame
        Index feature (``POS_0001`` ... by m/z, then time); mz, rt (s), charge (0), width_s, isotopes (1), height,
        detected.
    areas : DataFrame
        features x samples, sorted by sample; its 0 is missing.

    Raises
    ------
    GutaxisError
        M13: a sample is missing from the table, or the table has one that was not given.
    """
    raw = pd.read_csv(table, sep="\t")
    columns = set(raw.columns) - set(OWN)
    wrong = {
        "was not given to asari": sorted(columns - set(samples)),
        "is missing from asari's table": sorted(set(samples) - columns),
    }
    raise_if_errors(
        Problem(
            "M13",
            table.name,
            None,
            None,
            name,
            f"sample {name} {what}",
            "Every sample that was given, and no other, has to be in the table",
            "Read asari's log for this sample; leave it out with qc=FAIL, or use the engine openms",
        )
        for what, names in wrong.items()
        for name in names
    )
    raw = raw.sort_values(["mz", "rtime", "id_number"], kind="stable")
    digits = max(4, len(str(len(raw))))
    ids = pd.Index([f"{PREFIX[mode]}_{number:0{digits}d}" for number in range(1, len(raw) + 1)], name="feature")
    areas = raw[sorted(samples)].astype(float).set_axis(ids)
    areas = areas.where(areas > 0)
    features = pd.DataFrame(
        {
            "mz": raw["mz"].to_numpy(),
            "rt": raw["rtime"].to_numpy(),
            "charge": 0,
            "width_s": (raw["rtime_right_base"] - raw["rtime_left_base"]).to_numpy() / 2,
            "isotopes": 1,
            "height": areas.median(axis=1).to_numpy(),
            "detected": areas.notna().sum(axis=1).to_numpy(),
        },
        index=ids,
    )
    return features, areas


def unaligned(*, output: str) -> list[str]:
    """Return the samples that asari says it used without aligning them."""
    return sorted({match["sample"] for match in UNALIGNED.finditer(output)})


def _provide(*, files: Mapping[str, Path], intake: Mapping[str, Path], folder: Path) -> None:
    """Lay out all files under their sample's name; asari reads nothing but centroided mzML.

    Raises
    ------
    GutaxisError
        M13: another format, profile spectra, or times that had to be corrected.
    """
    problems = []
    for sample in sorted(files):
        path, row = files[sample].resolve(), read_row(path=intake[sample])
        reasons = [
            (row["format"] != "mzML", f"asari reads mzML, this is {row['format']}"),
            (row["spectra"] == "profile", "asari needs centroided spectra, these are profile"),
            (float(row["rt_factor"]) != 1.0, "asari would take the file's times, which rt_unit overrules"),
            (row["polarity"] == "mixed", "asari would take the scans of both polarities"),
        ]
        problems += [
            Problem(
                "M13",
                path.name,
                None,
                None,
                None,
                wrong,
                "Centroided mzML of one polarity",
                "Convert the file with msconvert, or use the engine openms",
            )
            for holds, wrong in reasons
            if holds
        ]
        target = folder / f"{sample}.mzML"
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        else:
            target.symlink_to(path)
    raise_if_errors(problems)


def run_asari(
    *,
    files: Mapping[str, Path],
    intake: Mapping[str, Path],
    injections: pd.DataFrame,
    mode: str,
    preset: Preset,
    output: Path,
) -> None:
    """Run asari over all files of a mode and keep its full feature table.

    Parameters
    ----------
    files, intake
        Spectra and intake rows by sample. Files without a peak (blanks) are not given to asari.
    injections
        Index sample_id, column control.
    mode
        positive or negative.
    preset
        Thresholds.
    output
        Where to put ``full_Feature_table.tsv``.

    Raises
    ------
    GutaxisError
        M13: what asari cannot read; a study sample or pooled QC that it used unaligned; no table.
    """
    given = {sample: path for sample, path in files.items() if read_row(path=intake[sample])["status"] == "ok"}
    with tempfile.TemporaryDirectory(prefix=f".asari.{run_mark()}", dir=output.parent.resolve()) as scratch:
        folder = Path(scratch) / "spectra"
        folder.mkdir()
        _provide(files=given, intake=intake, folder=folder)
        said = io.StringIO()
        try:
            # it leaves files where it is started, such as khipu.log
            with contextlib.redirect_stdout(said), contextlib.chdir(scratch):
                run_program(
                    command=asari_command(folder=folder, output=Path(scratch) / "made", mode=mode, preset=preset),
                    what=f"asari of {len(given)} files, {mode}",
                )
        finally:
            print(said.getvalue())
        raise_if_errors(
            Problem(
                "M13",
                given[name].name,
                None,
                "sample_id",
                name,
                "asari could not align this sample and used it unaligned",
                "Every study sample and pooled QC has to be aligned",
                "Leave it out with qc=FAIL, lower metabolome noise, or use the engine openms",
            )
            for name in unaligned(output=said.getvalue())
            if injections.at[name, "control"] in MUST_ALIGN
        )
        # the folder's name ends in the time of the run
        tables = sorted(Path(scratch).glob(f"made*/{TABLE}"))
        if len(tables) != 1:
            raise GutaxisError(f"asari ended without its feature table ({TABLE}); its log is above")
        with atomic_write(output) as part:
            shutil.copyfile(tables[0], part)


def asari_features(
    *,
    table: Path,
    intake: Mapping[str, Path],
    injections: pd.DataFrame,
    mode: str,
    panel: Sequence[Path],
    preset: Preset,
    min_share: float,
    matrix: Path,
    state: Path,
    features: Path,
    cells: Path,
    decisions: Path,
) -> None:
    """Make the feature table of a mode from asari's: the same filter, panel and grouping of ions as for our own.

    Parameters
    ----------
    table
        Output of :func:`run_asari`.
    intake
        Intake rows by sample; samples without a peak get a column without values.
    injections, mode, panel, preset, min_share, decisions
        As in :func:`gutaxis.metabolome.selection.select_features`.
    matrix, state, features, cells
        As in :func:`gutaxis.metabolome.forced.assemble_matrix`. asari integrates every feature in every file and does
        not tell what it detected: cells are ``detected`` where it gives a value, else ``absent``.

    Raises
    ------
    GutaxisError
        M13 of :func:`read_asari`.
    """
    given = [sample for sample in sorted(intake) if read_row(path=intake[sample])["status"] == "ok"]
    found, areas = read_asari(table=table, samples=given, mode=mode)
    areas = areas.reindex(columns=sorted(intake))
    kept, judged = choose_features(
        features=found, areas=areas, injections=injections, mode=mode, panel=panel, preset=preset, min_share=min_share
    )
    made = make_feature_table(values=areas.loc[kept.index], features=kept)
    write_feature_table(table=made, path_values=matrix, path_state=state, path_features=features)
    counts = pd.DataFrame({DETECTED: made.values.notna().sum(), "forced": 0, ABSENT: made.values.isna().sum()})
    counts.index.name = "sample_id"
    write_tsv(counts, cells, index=True)
    write_tsv(judged, decisions, index=True)

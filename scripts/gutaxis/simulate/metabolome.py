"""Raw files and sheet rows of the simulated plasma metabolome."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from gutaxis.simulate.clinical import ildr_date
from gutaxis.simulate.metabolome_mzml import write_mzml
from gutaxis.simulate.metabolome_spectra import MODES, WINDOW, injection_scans

#: Days from ILDR at which plasma is drawn.
DRAWN = {"PRE": -1, "POST": 21}


def file_name(*, sample_id: str, mode: str) -> str:
    """Return the name of the raw file of one injection and mode."""
    return f"{sample_id}_{mode}.mzML"


def write_injection(*, truth: Path | dict[str, Any], sample_id: str, mode: str, path: Path) -> None:
    """Write the mzML file of one simulated injection; the same truth gives the same bytes.

    Parameters
    ----------
    truth
        The trial's ``truth.json``, or what is in it.
    sample_id
        A plasma sample, pooled QC or blank of the truth.
    mode
        ``positive`` or ``negative``.
    path
        File to write.

    Raises
    ------
    ValueError
        If the truth has no such injection or mode.
    """
    trial = truth if isinstance(truth, dict) else json.loads(truth.read_text())
    if sample_id not in trial["metabolome"]["injections"] or mode not in MODES:
        raise ValueError(f"the simulated trial has no injection {sample_id!r} in mode {mode!r}")
    write_mzml(
        scans=injection_scans(truth=trial, sample_id=sample_id, mode=mode),
        mode=mode,
        run=f"{sample_id}_{mode}",
        window=WINDOW,
        path=path,
    )


def write_injections(*, truth: Path, paths: Iterable[Path]) -> None:
    """Write mzML files by their names: one job for what takes less than 0.1 s a file.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    paths
        Files as :func:`file_name` names them, in any folder.

    Raises
    ------
    ValueError
        For a name that belongs to no injection of the truth.
    """
    trial = json.loads(truth.read_text())
    for path in paths:
        sample_id, _, mode = path.name.removesuffix(".mzML").rpartition("_")
        write_injection(truth=trial, sample_id=sample_id, mode=mode, path=path)


def samples_rows(*, truth: dict[str, Any], batch: str, folder: str) -> list[dict[str, str]]:
    """Return the rows of the plasma injections of one batch for its sample sheet, in the order of injection.

    Parameters
    ----------
    truth
        The trial's truth with ``metabolome``.
    batch
        Batch whose rows are wanted.
    folder
        Folder of the mzML files as seen from the sheet.

    Returns
    -------
    list of dict
        ``file_1`` is the file of positive mode, ``file_2`` that of negative mode; an empty text is a missing value.
    """
    return [
        {
            "sample_id": sample_id,
            "patient_id": planned["patient_id"] or "",
            "assay": "METAB",
            "material": "PLASMA" if planned["patient_id"] else "",
            "timepoint": planned["timepoint"] or "",
            "collect_date": _drawn(planned["patient_id"], planned["timepoint"]),
            "batch": batch,
            "run_order": str(planned["run_order"]),
            "qc": "PASS",
            "file_1": f"{folder}/{file_name(sample_id=sample_id, mode='positive')}",
            "file_2": f"{folder}/{file_name(sample_id=sample_id, mode='negative')}",
            "control": planned["control"],
        }
        for sample_id, planned in truth["metabolome"]["injections"].items()
        if planned["batch"] == batch
    ]


def _drawn(patient_id: str | None, timepoint: str | None) -> str:
    if patient_id is None or timepoint is None:
        return ""
    day = ildr_date(number=int(patient_id.removeprefix("P"))) + timedelta(days=DRAWN[timepoint])
    return day.isoformat()

"""Raw files and sheet rows of the simulated single-cell libraries: 10x matrices in the layout of Cell Ranger 3."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse as sp

from gutaxis.files import atomic_write
from gutaxis.simulate.cells_catalogue import MATERIALS, genes
from gutaxis.simulate.cells_matrix import cell_counts
from gutaxis.simulate.clinical import ildr_date

#: Days from ILDR at which blood is drawn and tissue taken.
TAKEN = {("blood", "PRE"): -1, ("blood", "POST"): 21, ("tumor", "PRE"): -6, ("tumor", "POST"): 24}
SUFFIX = "_filtered_feature_bc_matrix.h5"
#: Compression and chunk as Cell Ranger's.
_STORED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


def file_name(*, sample_id: str) -> str:
    """Return the name of the matrix of one library."""
    return f"{sample_id}{SUFFIX}"


def gene_ids() -> list[str]:
    """Return an id for each gene: of the form of Ensembl's, from a range that Ensembl does not use."""
    return [f"ENSG9{number:010d}" for number in range(1, len(genes()) + 1)]


def write_cells(*, truth: Path | dict[str, Any], sample_id: str, path: Path) -> None:
    """Write the 10x v3 HDF5 matrix of one simulated library; the same truth gives the same bytes.

    Parameters
    ----------
    truth
        The trial's ``truth.json``, or what is in it.
    sample_id
        A single-cell library of the truth.
    path
        File to write: group ``matrix`` with ``barcodes``, ``data``, ``indices``, ``indptr``, ``shape`` (genes, cells)
        and ``features`` (``id``, ``name``, ``feature_type``, ``genome``, ``_all_tag_keys``).

    Raises
    ------
    ValueError
        If the truth has no such library.
    """
    trial = truth if isinstance(truth, dict) else json.loads(truth.read_text())
    cells, counts = cell_counts(truth=trial, sample_id=sample_id)
    matrix = sp.csr_matrix(counts)
    names = genes()
    features = {
        "id": gene_ids(),
        "name": names,
        "feature_type": ["Gene Expression"] * len(names),
        "genome": ["GRCh38"] * len(names),
    }
    # time stamps would differ from run to run; h5py leaves them off unless asked
    with atomic_write(path) as part, h5py.File(part, "w") as file:
        file.attrs["filetype"] = "matrix"
        file.attrs["version"] = 2
        file.attrs["chemistry_description"] = "simulated"
        file.attrs["library_ids"] = np.array([sample_id.encode()])
        file.attrs["original_gem_groups"] = np.array([1])
        group = file.create_group("matrix")
        group.create_dataset("barcodes", data=np.array(cells["barcode"], dtype="S18"), **_STORED)
        group.create_dataset("data", data=matrix.data.astype(np.int32), **_STORED)
        group.create_dataset("indices", data=matrix.indices.astype(np.int64), **_STORED)
        group.create_dataset("indptr", data=matrix.indptr.astype(np.int64), **_STORED)
        group.create_dataset("shape", data=np.array(matrix.shape[::-1], dtype=np.int32), **_STORED)
        described = group.create_group("features")
        for key, values in features.items():
            described.create_dataset(key, data=np.array([value.encode() for value in values]), **_STORED)
        described.create_dataset("_all_tag_keys", data=np.array([b"genome"]))


def write_libraries(*, truth: Path, paths: Iterable[Path]) -> None:
    """Write matrices by their names: one job for what takes about 0.1 s a file.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    paths
        Files as :func:`file_name` names them, in any folder.

    Raises
    ------
    ValueError
        For a name that belongs to no library of the truth.
    """
    trial = json.loads(truth.read_text())
    for path in paths:
        write_cells(truth=trial, sample_id=path.name.removesuffix(SUFFIX), path=path)


def samples_rows(*, truth: dict[str, Any], batch: str, folder: str) -> list[dict[str, str]]:
    """Return the rows of the single-cell libraries of one batch for its sample sheet.

    Parameters
    ----------
    truth
        The trial's truth with ``cells``.
    batch
        Batch whose rows are wanted.
    folder
        Folder of the matrices as seen from the sheet.

    Returns
    -------
    list of dict
        One row per library; an empty text is a missing value.
    """
    return [
        {
            "sample_id": sample_id,
            "patient_id": planned["patient_id"],
            "assay": "SCRNA",
            "material": MATERIALS[planned["tissue"]],
            "timepoint": planned["timepoint"],
            "collect_date": _taken(planned=planned),
            "batch": batch,
            "qc": "PASS",
            "file_1": f"{folder}/{file_name(sample_id=sample_id)}",
            "file_2": "",
            "control": "N",
        }
        for sample_id, planned in truth["cells"]["samples"].items()
        if planned["batch"] == batch
    ]


def _taken(*, planned: dict[str, Any]) -> str:
    day = timedelta(days=TAKEN[planned["tissue"], planned["timepoint"]])
    return (ildr_date(number=int(planned["patient_id"].removeprefix("P"))) + day).isoformat()

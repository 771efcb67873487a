"""Spectra of mzML, mzML.gz, mzXML, mzXML.gz and mzMLb, one scan after the other, by pyteomics."""

import binascii
import gzip
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from lxml.etree import XMLSyntaxError
from pyteomics import mzml, mzmlb, mzxml
from pyteomics.auxiliary import PyteomicsError

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.formats import MODES, NEGATIVE, POSITIVE, format_of, problem

#: Seconds per unit of time; mzML without a unit is read as seconds, as OpenMS does.
SECONDS = {"second": 1.0, "minute": 60.0, "millisecond": 0.001}
UNITS = {"UO:0000010": "second", "UO:0000031": "minute", "UO:0000028": "millisecond"}
HEADER_BYTES = 1 << 22
#: What a damaged file raises in the XML parser, in gzip, in zlib, in base64 and when arrays are made of bytes.
DAMAGE = (XMLSyntaxError, EOFError, gzip.BadGzipFile, zlib.error, binascii.Error, struct.error, ValueError, KeyError)


@dataclass(frozen=True)
class Scan:
    """One spectrum.

    Parameters
    ----------
    number
        0-based position in the file.
    level
        MS level.
    rt
        Retention time in seconds.
    unit
        Unit of time written in the file; None if there is none.
    polarity
        positive, negative, or None where the file is silent.
    kind
        centroid, profile, or None where the file is silent.
    mz, intensity
        Arrays of one length, ascending in m/z.
    """

    number: int
    level: int
    rt: float
    unit: str | None
    polarity: str | None
    kind: str | None
    mz: np.ndarray
    intensity: np.ndarray


class _Vocabulary:
    """Stands for the PSI-MS vocabulary, which psims would try to fetch from the web for every file.

    pyteomics asks it for types of values alone; without one, numbers are read as floats, and words stay words.
    """

    @dataclass(frozen=True)
    class _Entry:
        name: str | None
        relationship: tuple[()] = ()

    def __getitem__(self, accession: str) -> "_Vocabulary._Entry":
        return self._Entry(UNITS.get(accession))


@contextmanager
def _reader(*, path: Path, kind: str) -> Iterator[Any]:
    """Open a sequential pyteomics reader; no index is needed or trusted."""
    if kind == "mzMLb":
        with mzmlb.MzMLb(str(path), cv=_Vocabulary()) as reader:
            yield reader
        return
    with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as handle:
        # huge_tree: spectra of profile data exceed the parser's default limit on one text
        if kind == "mzML":
            yield mzml.MzML(handle, use_index=False, read_schema=False, huge_tree=True, cv=_Vocabulary())
        else:
            yield mzxml.MzXML(handle, use_index=False, read_schema=False, huge_tree=True)


def declared_scans(*, path: Path) -> int | None:
    """Return how many scans the header promises; None if it is silent."""
    kind = format_of(path=path)
    if kind == "mzMLb":
        with h5py.File(path, "r") as handle:
            head = handle["mzML"][:HEADER_BYTES].tobytes()
    else:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            head = stream.read(HEADER_BYTES)
    name, attribute = (b"spectrumList", b"count") if kind != "mzXML" else (b"msRun", b"scanCount")
    found = re.search(rb"<" + name + rb"\b[^>]*\b" + attribute + rb'\s*=\s*["\'](\d+)["\']', head)
    return None if found is None else int(found.group(1))


def _mzml_scan(number: int, raw: dict[str, Any]) -> Scan:
    start = raw["scanList"]["scan"][0]["scan start time"]
    unit = getattr(start, "unit_info", None)
    polarity = [mode for mode in MODES if f"{mode} scan" in raw]
    kind = [kind for kind in ("centroid", "profile") if f"{kind} spectrum" in raw]
    return _scan(
        number=number,
        level=int(raw.get("ms level", 1)),
        rt=float(start) * SECONDS.get(unit or "second", 1.0),
        unit=unit,
        polarity=polarity[0] if polarity else None,
        kind=kind[0] if kind else None,
        mz=raw.get("m/z array", ()),
        intensity=raw.get("intensity array", ()),
    )


def _mzxml_scan(number: int, raw: dict[str, Any]) -> Scan:
    centroided = raw.get("centroided")
    return _scan(
        number=number,
        level=int(raw.get("msLevel", 1)),
        rt=float(raw["retentionTime"]) * 60.0,  # pyteomics gives minutes, whatever the duration was written in
        unit="second",
        polarity={"+": POSITIVE, "-": NEGATIVE}.get(str(raw.get("polarity"))),
        kind=None if centroided is None else "centroid" if centroided else "profile",
        mz=raw.get("m/z array", ()),
        intensity=raw.get("intensity array", ()),
    )


def _scan(*, mz: Any, intensity: Any, **known: Any) -> Scan:
    """Return a scan with native float64 arrays, ascending in m/z."""
    mz, intensity = (np.asarray(values, dtype=np.float64) for values in (mz, intensity))
    if len(mz) != len(intensity):
        raise ValueError(f"{len(mz)} m/z values, but {len(intensity)} intensities in scan {known['number'] + 1}")
    if len(mz) > 1 and (np.diff(mz) < 0).any():
        order = np.argsort(mz, kind="stable")
        mz, intensity = mz[order], intensity[order]
    return Scan(mz=mz, intensity=intensity, **known)


def read_scans(*, path: Path) -> Iterator[Scan]:
    """Yield every scan of a file, to its very end.

    mzMLb compressed by other means than zlib (Blosc, Zstandard) needs the package hdf5plugin.

    Notes
    -----
    The index of a file is never used: for a truncated file pyteomics rebuilds it without a word, and only reading to
    the end tells. ``reader.map`` is never called either: it starts processes that run the calling script again.

    Raises
    ------
    GutaxisError
        M01 (format, or compression that needs hdf5plugin), M02 (truncated or damaged; how far it could be read).
    """
    kind = format_of(path=path)
    convert = _mzxml_scan if kind == "mzXML" else _mzml_scan
    number = 0
    try:
        with _reader(path=path, kind=kind) as reader:
            for number, raw in enumerate(reader):
                yield convert(number, raw)
    except (PyteomicsError, OSError, *DAMAGE) as error:
        if kind == "mzMLb" and "filter" in str(error):
            mend = "Install hdf5plugin into the workflow's environment, or convert with msconvert --mzML --zlib"
            wrong = f"the compression of this mzMLb cannot be read here ({_brief(error)})"
            found = problem("M01", path, wrong, "mzMLb compressed by zlib is read without more", mend)
            raise GutaxisError(found) from error
        wrong = f"the file is truncated or damaged: reading stopped after {number} scans ({_brief(error)})"
        mend = "Copy or convert the file again, and compare its size or checksum with the original"
        raise GutaxisError(problem("M02", path, wrong, "A file has to be readable to its last scan", mend)) from error


def _brief(error: BaseException) -> str:
    """Return the first line of a library's message, or its kind where it has none."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]!r} in a scan"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]

"""Writer of centroided MS1 mzML 1.1 with index; the same scans give the same bytes, there is no time stamp."""

import base64
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from gutaxis.files import atomic_write

POLARITY = {"positive": ("MS:1000130", "positive scan"), "negative": ("MS:1000129", "negative scan")}
NAMESPACES = 'xmlns="http://psi.hupo.org/ms/mzml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
MZ_UNIT = 'unitCvRef="MS" unitAccession="MS:1000040" unitName="m/z"'
COUNTS = 'unitCvRef="MS" unitAccession="MS:1000131" unitName="number of detector counts"'
MINUTES = 'unitCvRef="UO" unitAccession="UO:0000031" unitName="minute"'


@dataclass(frozen=True)
class Scan:
    """One centroided MS1 scan.

    Parameters
    ----------
    seconds
        Retention time.
    mz
        (n,) float64, ascending.
    intensity
        (n,) float32.
    """

    seconds: float
    mz: np.ndarray
    intensity: np.ndarray


def _param(accession: str, name: str, value: str = "", unit: str = "") -> str:
    tail = f" {unit}" if unit else ""
    return f'<cvParam cvRef="MS" accession="{accession}" name="{name}" value="{value}"{tail}/>'


def _array(values: np.ndarray, kind: str) -> str:
    encoded = base64.b64encode(zlib.compress(values.tobytes(), 6)).decode()
    bits = _param("MS:1000523", "64-bit float") if values.itemsize == 8 else _param("MS:1000521", "32-bit float")
    compressed = _param("MS:1000574", "zlib compression")
    return (
        f'<binaryDataArray encodedLength="{len(encoded)}">{bits}{compressed}{kind}'
        f"<binary>{encoded}</binary></binaryDataArray>"
    )


def _spectrum(*, number: int, scan: Scan, mode: str, window: tuple[float, float]) -> str:
    n = len(scan.mz)
    top = int(np.argmax(scan.intensity)) if n else 0
    base = (
        [
            _param("MS:1000504", "base peak m/z", f"{scan.mz[top]:.6f}", MZ_UNIT),
            _param("MS:1000505", "base peak intensity", f"{scan.intensity[top]:.1f}", COUNTS),
        ]
        if n
        else []
    )
    parts = [
        f'<spectrum index="{number}" id="scan={number + 1}" defaultArrayLength="{n}">',
        _param("MS:1000579", "MS1 spectrum"),
        _param("MS:1000511", "ms level", "1"),
        _param(*POLARITY[mode]),
        _param("MS:1000127", "centroid spectrum"),
        _param("MS:1000285", "total ion current", f"{scan.intensity.astype(float).sum():.1f}"),
        *base,
        f'<scanList count="1">{_param("MS:1000795", "no combination")}<scan>',
        _param("MS:1000016", "scan start time", f"{scan.seconds / 60:.7f}", MINUTES),
        '<scanWindowList count="1"><scanWindow>',
        _param("MS:1000501", "scan window lower limit", f"{window[0]:g}", MZ_UNIT),
        _param("MS:1000500", "scan window upper limit", f"{window[1]:g}", MZ_UNIT),
        "</scanWindow></scanWindowList></scan></scanList>",
        '<binaryDataArrayList count="2">',
        _array(scan.mz.astype("<f8"), _param("MS:1000514", "m/z array", unit=MZ_UNIT)),
        _array(scan.intensity.astype("<f4"), _param("MS:1000515", "intensity array", unit=COUNTS)),
        "</binaryDataArrayList></spectrum>",
    ]
    return "".join(parts) + "\n"


def _head(*, run: str, n: int) -> str:
    # software version 1 is that of this writer, not of the project: a release must not change simulated bytes
    return f"""<?xml version="1.0" encoding="utf-8"?>
<indexedmzML {NAMESPACES} xsi:schemaLocation="http://psi.hupo.org/ms/mzml \
http://psidev.info/files/ms/mzML/xsd/mzML1.1.2_idx.xsd">
<mzML xmlns="http://psi.hupo.org/ms/mzml" id={quoteattr(run)} version="1.1.0">
<cvList count="2">
<cv id="MS" fullName="Proteomics Standards Initiative Mass Spectrometry Ontology" \
URI="https://raw.githubusercontent.com/HUPO-PSI/psi-ms-CV/master/psi-ms.obo"/>
<cv id="UO" fullName="Unit Ontology" \
URI="https://raw.githubusercontent.com/bio-ontology-research-group/unit-ontology/master/unit.obo"/>
</cvList>
<fileDescription><fileContent>{_param("MS:1000579", "MS1 spectrum")}{_param("MS:1000127", "centroid spectrum")}\
<userParam name="simulated" value="true" type="xsd:boolean"/></fileContent></fileDescription>
<softwareList count="1"><software id="gutaxis" version="1">\
{_param("MS:1000799", "custom unreleased software tool", "gutaxis.simulate")}</software></softwareList>
<instrumentConfigurationList count="1"><instrumentConfiguration id="IC1">{_param("MS:1000031", "instrument model")}\
</instrumentConfiguration></instrumentConfigurationList>
<dataProcessingList count="1"><dataProcessing id="simulated"><processingMethod order="0" softwareRef="gutaxis">\
{_param("MS:1000035", "peak picking")}</processingMethod></dataProcessing></dataProcessingList>
<run id={quoteattr(run)} defaultInstrumentConfigurationRef="IC1">
<spectrumList count="{n}" defaultDataProcessingRef="simulated">
"""


def write_mzml(*, scans: list[Scan], mode: str, run: str, window: tuple[float, float], path: Path) -> None:
    """Write centroided MS1 scans as indexed mzML with zlib arrays, RT in minutes.

    Parameters
    ----------
    scans
        In order of time.
    mode
        ``positive`` or ``negative``.
    run
        Id of the run.
    window
        Scan window, m/z.
    path
        File to write, atomically.
    """
    chunks = [_head(run=run, n=len(scans)).encode()]
    place, offsets = len(chunks[0]), []
    for number, scan in enumerate(scans):
        chunk = _spectrum(number=number, scan=scan, mode=mode, window=window).encode()
        offsets.append(place)
        chunks.append(chunk)
        place += len(chunk)
    chunks.append(b"</spectrumList>\n</run>\n</mzML>\n")
    place += len(chunks[-1])
    rows = "\n".join(f'<offset idRef="scan={n}">{offset}</offset>' for n, offset in enumerate(offsets, start=1))
    chunks.append(
        f'<indexList count="1">\n<index name="spectrum">\n{rows}\n</index>\n</indexList>\n'
        f"<indexListOffset>{place}</indexListOffset>\n<fileChecksum>".encode()
    )
    # the checksum covers everything up to and with the opening tag of its element
    digest = hashlib.sha1(b"".join(chunks), usedforsecurity=False).hexdigest()
    chunks.append(f"{digest}</fileChecksum>\n</indexedmzML>\n".encode())
    with atomic_write(path) as part:
        part.write_bytes(b"".join(chunks))

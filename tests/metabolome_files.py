"""Small mzML and mzXML files with a known truth, written by hand so that every defect can be planted. All simulated."""

import base64
import gzip
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

PROTON, SODIUM, ISOTOPE = 1.007276467, 22.989218, 1.0033548


def cv(accession, name, *, value=""):
    return f'<cvParam cvRef="MS" accession="{accession}" name="{name}" value="{value}"/>'


def array_xml(values, *, accession, name, bits=64):
    kind = ("MS:1000523", "64-bit float", "<d") if bits == 64 else ("MS:1000521", "32-bit float", "<f")
    text = base64.b64encode(zlib.compress(np.asarray(values, dtype=kind[2]).tobytes(), 1)).decode()
    return (
        f'<binaryDataArray encodedLength="{len(text)}"><cvParam cvRef="MS" accession="{kind[0]}" name="{kind[1]}"/>'
        '<cvParam cvRef="MS" accession="MS:1000574" name="zlib compression"/>'
        f'<cvParam cvRef="MS" accession="{accession}" name="{name}"/><binary>{text}</binary></binaryDataArray>'
    )


def spectrum_xml(*, number, scan, polarity, kind, unit):
    """One spectrum; scan is (rt in the unit's own scale, m/z, intensity[, MS level])."""
    rt, mz, intensity, *level = scan
    level = level[0] if level else 1
    words = {"positive": "MS:1000130", "negative": "MS:1000129"}
    types = {"centroid": ("MS:1000127", "centroid spectrum"), "profile": ("MS:1000128", "profile spectrum")}
    units = {
        "second": ' unitCvRef="UO" unitAccession="UO:0000010" unitName="second"',
        "minute": ' unitCvRef="UO" unitAccession="UO:0000031" unitName="minute"',
        None: "",
    }
    cv = [f'<cvParam cvRef="MS" accession="MS:1000511" name="ms level" value="{level}"/>']
    if level == 1:
        cv.append('<cvParam cvRef="MS" accession="MS:1000579" name="MS1 spectrum"/>')
    if polarity:
        cv.append(f'<cvParam cvRef="MS" accession="{words[polarity]}" name="{polarity} scan"/>')
    if kind:
        cv.append(f'<cvParam cvRef="MS" accession="{types[kind][0]}" name="{types[kind][1]}"/>')
    return (
        f'<spectrum index="{number}" id="scan={number + 1}" defaultArrayLength="{len(mz)}">{"".join(cv)}'
        '<scanList count="1"><cvParam cvRef="MS" accession="MS:1000795" name="no combination"/><scan>'
        f'<cvParam cvRef="MS" accession="MS:1000016" name="scan start time" value="{rt!r}"{units[unit]}/></scan>'
        '</scanList><binaryDataArrayList count="2">'
        + array_xml(mz, accession="MS:1000514", name="m/z array")
        + array_xml(intensity, accession="MS:1000515", name="intensity array", bits=32)
        + "</binaryDataArrayList></spectrum>"
    )


def write_mzml(path, scans, *, polarity="positive", kind="centroid", unit="second", count=None, index=True):
    """Write scans as mzML; ``count`` lies about their number, ``polarity`` may be a list of one word per scan."""
    words = polarity if isinstance(polarity, list) else [polarity] * len(scans)
    scale = 1 / 60 if unit == "minute" else 1
    spectra = [
        spectrum_xml(number=n, scan=(float(scan[0]) * scale, *scan[1:]), polarity=words[n], kind=kind, unit=unit)
        for n, scan in enumerate(scans)
    ]
    head = (
        '<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><cvList count="1"><cv id="MS" fullName="PSI-MS" '
        'URI="http://psidev.info/ms/psi-ms.obo"/></cvList><fileDescription><fileContent/></fileDescription>'
        '<softwareList count="1"><software id="s" version="1"/></softwareList><instrumentConfigurationList count="1">'
        '<instrumentConfiguration id="i"/></instrumentConfigurationList><dataProcessingList count="1">'
        '<dataProcessing id="d"><processingMethod order="0" softwareRef="s"/></dataProcessing></dataProcessingList>'
        '<run id="r" defaultInstrumentConfigurationRef="i">'
        f'<spectrumList count="{len(scans) if count is None else count}" defaultDataProcessingRef="d">\n'
    )
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    tail = "</spectrumList></run></mzML>"
    if not index:
        text = declaration + head + "\n".join(spectra) + "\n" + tail
    else:
        text = declaration + '<indexedmzML xmlns="http://psi.hupo.org/ms/mzml">' + head
        offsets = []
        for n, spectrum in enumerate(spectra):
            offsets.append((f"scan={n + 1}", len(text.encode())))
            text += spectrum + "\n"
        text += tail
        start = len(text.encode())
        rows = "".join(f'<offset idRef="{name}">{at}</offset>' for name, at in offsets)
        text += (
            f'<indexList count="1"><index name="spectrum">{rows}</index></indexList>'
            f"<indexListOffset>{start}</indexListOffset><fileChecksum>0</fileChecksum></indexedmzML>"
        )
    data = text.encode()
    Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)
    return Path(path)


def write_mzmlb(path, scans):
    """Write scans as mzMLb, compressed by zlib: mzML as bytes in HDF5, its arrays in data sets beside it."""
    arrays = {"MS:1000514": ("m/z array", "mz", "64", 1), "MS:1000515": ("intensity array", "intensity", "32", 2)}
    codes = {"64": ("MS:1000523", "64-bit float"), "32": ("MS:1000521", "32-bit float")}
    text = (
        '<?xml version="1.0"?><mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><run id="r">'
        f'<spectrumList count="{len(scans)}">'
    )
    starts, begin = [], 0
    for number, scan in enumerate(scans):
        starts.append(len(text))
        blocks = "".join(
            f'<binaryDataArray encodedLength="0">{cv(accession, name)}{cv(*codes[bits])}'
            f"{cv('MS:1000576', 'no compression')}{cv('MS:1002841', 'external HDF5 dataset', value=data)}"
            f"{cv('MS:1002843', 'external array length', value=len(scan[1]))}"
            f"{cv('MS:1002842', 'external offset', value=begin)}<binary></binary></binaryDataArray>"
            for accession, (name, data, bits, _) in arrays.items()
        )
        text += (
            f'<spectrum index="{number}" defaultArrayLength="{len(scan[1])}" id="scan={number + 1}">'
            f"{cv('MS:1000511', 'ms level', value=1)}{cv('MS:1000130', 'positive scan')}"
            '<scanList count="1"><scan><cvParam cvRef="MS" accession="MS:1000016" name="scan start time" '
            f'value="{scan[0] / 60!r}" unitCvRef="UO" unitAccession="UO:0000031"/></scan></scanList>'
            f'<binaryDataArrayList count="2">{blocks}</binaryDataArrayList></spectrum>'
        )
        begin += len(scan[1])
    text += "</spectrumList></run></mzML>"
    with h5py.File(path, "w") as handle:
        handle["mzML"] = np.frombuffer(text.encode(), dtype=np.int8)
        handle["mzML"].attrs["version"] = np.bytes_("mzMLb 1.0")
        handle["mzML_spectrumIndex"] = np.array([*starts, len(text)])
        names = "".join(f"scan={number + 1}\0" for number in range(len(scans)))
        handle["mzML_spectrumIndex_idRef"] = np.frombuffer(names.encode(), dtype=np.uint8)
        handle["mzML_chromatogramIndex"] = np.array([len(text)])
        handle["mzML_chromatogramIndex_idRef"] = np.zeros(0, dtype=np.uint8)
        for _, data, bits, place in arrays.values():
            values = np.concatenate([scan[place] for scan in scans]).astype(f"<f{int(bits) // 8}")
            handle.create_dataset(data, data=values, compression="gzip")
    return Path(path)


def write_mzxml(path, scans, *, polarity="+", centroided=1):
    """Write scans as mzXML (network byte order, 32 bit)."""
    rows = []
    for n, (rt, mz, intensity, *_) in enumerate(scans):
        flat = np.column_stack([mz, intensity]).ravel()
        peaks = base64.b64encode(struct.pack(f">{len(flat)}f", *flat)).decode()
        rows.append(
            f'<scan num="{n + 1}" msLevel="1" peaksCount="{len(mz)}" polarity="{polarity}" centroided="{centroided}" '
            f'retentionTime="PT{rt:.3f}S"><peaks precision="32" byteOrder="network" contentType="m/z-int" '
            f'compressionType="none" compressedLen="0">{peaks}</peaks></scan>'
        )
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><mzXML xmlns="http://sashimi.sourceforge.net/schema_revision/'
        f'mzXML_3.2"><msRun scanCount="{len(scans)}">{"".join(rows)}</msRun></mzXML>'
    )
    Path(path).write_text(text)
    return Path(path)


def compounds(*, n, seed=1, gradient=180.0, weakest=4.9):
    """True compounds: m/z of [M+H]+, retention time (s), log10 height, share with a sodium adduct."""
    rng = np.random.default_rng(seed)
    mass = np.sort(rng.uniform(90, 600, n).round(3) + rng.uniform(0, 0.0009, n))
    return pd.DataFrame(
        {
            "mass": mass,
            "mz": mass + PROTON,
            "rt": rng.uniform(15, gradient - 15, n),
            "log_height": rng.uniform(weakest, 6.8, n),
            "sodium": rng.random(n) < 0.25,
        },
        index=[f"C{number:03d}" for number in range(n)],
    )


def abundances(*, truth, samples, seed=2, absent=0.08):
    """log2 deviation of every compound in every sample; NaN = the compound is not there."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(0, 0.8, (len(truth), len(samples))), truth.index, samples)
    return table.mask(rng.random(table.shape) < absent)


def drifted(rt, *, shift, bend, gradient):
    """Retention time of a file: shift (s) plus a smooth bend (s)."""
    return rt + shift + bend * np.sin(np.pi * np.asarray(rt) / gradient)


def injection(
    *,
    truth,
    log2,
    seed,
    gradient=180.0,
    interval=0.8,
    noise=150,
    drift=(0.0, 0.0),
    background=20,
    ppm=1.0,
    floor=4000.0,
    strays=0,
):
    """Scans of one simulated injection; compounds that are NaN in ``log2`` leave no signal."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, gradient, interval)
    ions = []  # m/z, apex, height
    for name, row in truth.iterrows():
        value = log2.get(name, np.nan)
        if np.isnan(value):
            continue
        apex = float(drifted(row["rt"], shift=drift[0], bend=drift[1], gradient=gradient))
        height = 10 ** row["log_height"] * 2**value
        carbons = row["mass"] / 14.0
        shares = [1.0, 0.0108 * carbons, (0.0108 * carbons) ** 2 / 2]
        for isotope, share in enumerate(shares):
            ions.append((row["mz"] + isotope * ISOTOPE, apex, height * share))
        if row["sodium"]:
            ions.append((row["mass"] + SODIUM, apex, 0.2 * height))
    for _ in range(strays):  # peaks of this injection alone
        ions.append((rng.uniform(90, 640), rng.uniform(10, gradient - 10), 10 ** rng.uniform(4.8, 5.5)))
    ions = np.array(ions) if ions else np.empty((0, 3))
    fixed = np.random.default_rng(99).uniform(80, 650, background)
    scans = []
    for time in times:
        shape = np.exp(-0.5 * ((time - ions[:, 1]) / 2.2) ** 2)
        signal = ions[:, 2] * shape * rng.normal(1, 0.04, len(ions))
        seen = signal > floor
        mz = [ions[seen, 0], rng.uniform(80, 650, noise), fixed]
        height = [signal[seen], rng.exponential(3000, noise), 8000 * np.exp(rng.normal(0, 0.3, background))]
        mz, height = np.concatenate(mz), np.concatenate(height)
        mz = mz * (1 + rng.normal(0, ppm, len(mz)) * 1e-6)
        order = np.argsort(mz)
        scans.append((float(time), mz[order], np.maximum(height[order], 1.0)))
    return scans


def profile_of(scan, *, resolution=20_000, points=7):
    """The same scan as a profile: each peak drawn as a Gaussian of some points."""
    time, mz, height = scan
    sigma = mz / resolution / 2.355
    steps = np.linspace(-2.5, 2.5, points)
    wide = (mz[:, None] + sigma[:, None] * steps).ravel()
    tall = (height[:, None] * np.exp(-0.5 * steps**2)).ravel()
    order = np.argsort(wide)
    return time, wide[order], tall[order]


def cohort(folder, *, files, n=40, seed=1, weakest=4.9, **options):
    """Write a cohort with QCs and a blank; return truth, log2 abundances, injection table, paths by sample."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    truth = compounds(n=n, seed=seed, gradient=options.get("gradient", 180.0), weakest=weakest)
    patients = [f"P{k // 2 + 1:02d}_{'PRE' if k % 2 == 0 else 'POST'}" for k in range(files)]
    qcs = [f"QC{k + 1:02d}" for k in range(max(3, files // 6))]
    names = [*patients, *qcs, "BLANK1"]
    log2 = abundances(truth=truth, samples=patients, seed=seed + 1)
    pooled = np.log2((2 ** log2.fillna(-40)).mean(axis=1))
    for name in qcs:
        log2[name] = pooled
    log2["BLANK1"] = np.nan
    rows, paths = [], {}
    for order, name in enumerate(names, start=1):
        control = "N" if name in patients else "POOL_QC" if name in qcs else "BLANK"
        timepoint = name.split("_")[1] if control == "N" else None
        rows.append((name, name.split("_")[0] if timepoint else None, timepoint, "B1", control, order))
        drift = (rng.uniform(-3, 3), rng.uniform(-3, 3))
        scans = injection(truth=truth, log2=log2[name], seed=seed * 1000 + order, drift=drift, **options)
        paths[name] = write_mzml(folder / f"{name}.mzML", scans)
    columns = ["sample_id", "patient_id", "timepoint", "batch", "control", "run_order"]
    table = pd.DataFrame(rows, columns=columns).set_index("sample_id")
    table["group"] = table["timepoint"].where(table["control"] == "N", table["control"])
    return truth, log2, table, paths

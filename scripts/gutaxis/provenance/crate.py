"""The run as a Workflow Run RO-Crate: provenance/crate.zip, and its metadata once more beside it.

A crate holds what a reviewer needs to repeat the run and to read its results, but for raw data and databases::

    README.md                what it is, and the commands that repeat the run
    config.yaml              the config with all defaults; sheets and manifest are named inside the crate
    sheets/...               the sheets
    manifest.json            what the run was made from and made; the reference of whoever repeats it
    certificate.json         its own verdict, if it had a reference
    workflow/                Snakefile, rules and version
    results/...              tables, report and methods text; no matrices of layers
    ro-crate-metadata.json   all of it with checksums, in the words of the Workflow Run Crate profile 0.5

With ``certify.sheets: false`` it holds no sheet, no table with a row for each patient or sample, and no report page.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from gutaxis.files import atomic_write, open_text
from gutaxis.provenance.crate_metadata import METADATA, README, add_metadata
from gutaxis.provenance.hashing import portable_values
from gutaxis.provenance.manifest import read_manifest

#: Results in a crate, the most wanted first: where ``certify.crate_mb`` is reached, later ones are left out.
WANTED = (
    "report/index.html",
    "provenance/*",
    "clinical/*.tsv",
    "diversity/*.tsv",
    "differential/*.tsv",
    "integration/*.tsv",
    "prediction/*.tsv",
    "simulate/*.tsv",
    "metabolome/annotation/*.tsv",
    "metabolome/enrichment/*.tsv",
    "metagenome/qc/*.tsv",
    "single_cell/quality.tsv",
    "single_cell/identity.tsv",
)
#: Of the sheets once more, and of every single row of tests repeated in another way.
UNWANTED = ("clinical/cohort/*", "*.sensitivity.tsv", "metagenome/qc/*/*")
#: Columns of tables with a row for each patient, sample or pair.
PERSONAL = {"patient_id", "sample_id", "pair_id", "sample", "pre", "post", "patient", "sample_a", "sample_b"}
#: Time stamp of every file in the zip: two crates of one run differ in their metadata alone.
STAMP = (1980, 1, 1, 0, 0, 0)

ABOUT = """# {title}

A run of GutAxis {version} as a Workflow Run RO-Crate: config, manifest, workflow and results. Raw data and databases
are not in it; `manifest.json` holds their checksums. To repeat the run, in a copy of the workflow of that version:

    make setup
    PYTHONPATH=scripts .venv/bin/python -m gutaxis.provenance.unpack crate.zip review
    .venv/bin/snakemake certify --cores all --configfile review/config.yaml

The last command ends with the verdict: which results agree with those of this crate, and which do not.
"""


def write_crate(
    *,
    manifest: Path,
    certificate: Path,
    base: Path,
    config: Mapping[str, Any],
    sheets: Mapping[str, list[str]],
    crate: Path,
) -> None:
    """Write the crate of a run and, beside it, its metadata.

    Parameters
    ----------
    manifest, certificate
        Of this run; two folders above the manifest are its results.
    base
        Folder of the workflow.
    config
        Validated config; of ``certify`` the :data:`gutaxis.provenance.settings.CRATE_KEYS`.
    sheets
        Role -> paths.
    crate
        Zip file to write; ``ro-crate-metadata.json`` is written into the same folder.
    """
    output = manifest.parents[1]
    content = read_manifest(path=manifest)
    wishes = config["certify"]
    outputs = content["outputs"]
    if not wishes["sheets"]:
        outputs = {name: entry for name, entry in outputs.items() if not tells_of_patients(path=output / name)}
    taken, left_out = chosen_results(outputs=outputs, limit=int(wishes["crate_mb"] * 1e6))
    with tempfile.TemporaryDirectory(prefix=".crate.", dir=crate.parent) as scratch:
        folder = Path(scratch)
        for name in taken:
            _copy(source=output / name, target=folder / "results" / name)
        _copy(source=manifest, target=folder / "manifest.json")
        _copy(source=certificate, target=folder / "certificate.json")
        for source in [base / "Snakefile", base / "pyproject.toml", *sorted((base / "rules").glob("*.smk"))]:
            _copy(source=source, target=folder / "workflow" / source.relative_to(base))
        places = sheet_places(sheets=sheets) if wishes["sheets"] else {}
        for source, target in places.items():
            _copy(source=Path(source), target=folder / target)
        text = yaml.safe_dump(_config(config=config, places=places), sort_keys=True, allow_unicode=True)
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        version = content["workflow"]["version"]
        (folder / README).write_text(ABOUT.format(title=config["report"]["title"], version=version), encoding="utf-8")
        add_metadata(
            folder=folder,
            manifest=content,
            licence=wishes["licence"],
            title=config["report"]["title"],
            base=base,
            finished=datetime.fromtimestamp(manifest.stat().st_mtime, tz=UTC),
            written=datetime.now(tz=UTC),
            sheets=list(places.values()),
            left_out=left_out,
        )
        with atomic_write(crate) as part:
            pack(folder=folder, target=part)
        with atomic_write(crate.parent / METADATA) as part:
            shutil.copyfile(folder / METADATA, part)


def chosen_results(*, outputs: Mapping[str, Any], limit: int) -> tuple[list[str], list[str]]:
    """Return which results a crate holds, and which it would hold if it might be larger.

    Parameters
    ----------
    outputs
        Of the manifest: path -> ``bytes``.
    limit
        Bytes of all together.

    Returns
    -------
    taken, left_out : list of str
        Paths in the results folder, sorted.
    """
    wanted = [
        (number, entry["bytes"], name)
        for name, entry in outputs.items()
        if not any(fnmatchcase(name, pattern) for pattern in UNWANTED)
        for number, pattern in enumerate(WANTED)
        if fnmatchcase(name, pattern)
    ]
    taken: list[str] = []
    left_out: list[str] = []
    room = limit
    for _, size, name in sorted(wanted):
        if size <= room:
            taken.append(name)
            room -= size
        else:
            left_out.append(name)
    return sorted(taken), sorted(left_out)


def tells_of_patients(*, path: Path) -> bool:
    """Whether a result has anything of one patient or sample: a table by its column names; every page may."""
    if path.suffix != ".tsv":
        return path.suffix not in {".md", ".bib"}
    with open_text(path) as handle:
        header = next((line for line in handle if not line.startswith("#")), "")
    return not PERSONAL.isdisjoint(header.rstrip("\n").split("\t"))


def sheet_places(*, sheets: Mapping[str, list[str]]) -> dict[str, str]:
    """Return sheet -> its place in the crate: ``sheets/`` and its relative path; by role where that leads outside."""
    places = {}
    for role, paths in sheets.items():
        for number, path in enumerate(paths, start=1):
            parts = PurePosixPath(Path(path).as_posix())
            inside = not parts.is_absolute() and ".." not in parts.parts
            shown = parts.as_posix() if inside else f"outside/{role}_{number}/{parts.name}"
            places[path] = f"sheets/{shown}"
    return places


def pack(*, folder: Path, target: Path) -> None:
    """Zip a folder: sorted names, one time stamp, so that equal content gives equal bytes."""
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _config(*, config: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """Return the config that repeats the run: sheets in the crate, the manifest beside it as the reference."""

    def moved(value: Any) -> Any:
        return [places[path] for path in value] if isinstance(value, list) else places.get(value, value)

    repeated = portable_values(value=dict(config), root=Path.cwd())
    if places:
        repeated["cohort"] = {role: moved(value) for role, value in config["cohort"].items()}
    repeated["certify"] = {**config["certify"], "reference": "manifest.json"}
    return repeated


def _copy(*, source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)

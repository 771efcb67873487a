"""ro-crate-metadata.json of a run, after the profiles Process Run Crate, Workflow Run Crate and Workflow RO-Crate.

https://www.researchobject.org/workflow-run-crate/profiles/0.5/workflow_run_crate
"""

import json
import mimetypes
import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from gutaxis.files import atomic_write
from gutaxis.provenance.hashing import sha256_of

METADATA = "ro-crate-metadata.json"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
#: Term of the Workflow Run RO-Crate vocabulary; RO-Crate 1.1 knows none for a checksum.
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
#: Profile of the entry that describes the workflow.
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
SNAKEFILE = "workflow/Snakefile"
MEDIA = {
    ".tsv": "text/tab-separated-values",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".smk": "text/x-python",
    ".bib": "application/x-bibtex",
    ".toml": "application/toml",
}
README = "README.md"
#: What the files of the crate itself are.
NAMES = {
    README: "What this crate is, and how the run is repeated",
    "config.yaml": "Config of the run, all defaults filled in",
    "manifest.json": "Manifest: checksums of inputs and results, code, locks, databases, tools",
    "certificate.json": "Certificate: this run against the reference it was given, if any",
    "results/report/index.html": "Report",
    "results/provenance/methods.md": "Methods text",
}


def add_metadata(
    *,
    folder: Path,
    manifest: Mapping[str, Any],
    licence: str,
    title: str,
    base: Path,
    finished: datetime,
    written: datetime,
    sheets: Iterable[str],
    left_out: list[str],
) -> None:
    """Write the metadata of a crate that lies unpacked in a folder.

    Parameters
    ----------
    folder
        The crate's files; receives ``ro-crate-metadata.json``.
    manifest
        Of the run.
    licence
        Words, or an address.
    title
        Title of the report.
    base
        Folder of the workflow; if git knows it, the commit is told.
    finished, written
        When the results were complete, when the crate was made.
    sheets
        Which of the files are sheets.
    left_out
        Results that were too large.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(TERMS)
    root = crate.root_dataset
    root["conformsTo"] = [
        crate.add(ContextEntity(crate, address, {"@type": "CreativeWork", "name": name, "version": version}))
        for address, (name, version) in PROFILES.items()
    ]
    crate.metadata["conformsTo"] = [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": list(PROFILES)[-1]}]
    crate.datePublished = written.replace(microsecond=0)
    crate.name = title
    crate.description = _description(manifest=manifest, left_out=left_out)
    crate.license = _licence(crate=crate, licence=licence)

    version = manifest["workflow"]["version"]
    workflow = _workflow(crate=crate, folder=folder, version=version, commit=commit_of(base=base))
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: _file(crate=crate, folder=folder, name=name) for name in names if name not in (SNAKEFILE, METADATA)}
    workflow["hasPart"] = [entity for name, entity in files.items() if name.startswith("workflow/")]

    inputs = [files["config.yaml"], *(files[name] for name in sheets)]
    inputs += [_distant(crate=crate, name=name, entry=entry) for name, entry in manifest["inputs"]["data"].items()]
    results = [entity for name, entity in files.items() if name.startswith("results/")] + [files["manifest.json"]]
    crate.add(
        ContextEntity(
            crate,
            "#run",
            {
                "@type": "CreateAction",
                "name": f"Run of GutAxis {version}",
                "description": "Everything that the config asks for, from the inputs to the report",
                "instrument": {"@id": workflow.id},
                "object": [{"@id": entity.id} for entity in inputs],
                "result": [{"@id": entity.id} for entity in results],
                "endTime": finished.replace(microsecond=0).isoformat(),
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
    )
    root["mentions"] = {"@id": "#run"}
    with atomic_write(folder / METADATA) as part:
        text = json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")


def commit_of(*, base: Path) -> str | None:
    """Return the commit that git says the workflow is at, ``-dirty`` behind it if files differ; None without git."""
    command = ["git", "-C", str(base), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None  # no git here, or it does not answer; the checksum of the code is in the manifest
    return done.stdout.strip() or None


def _description(*, manifest: Mapping[str, Any], left_out: list[str]) -> str:
    simulated = "Simulated data. " if manifest["config"]["values"].get("simulate") else ""
    words = (
        f"{simulated}Config, manifest, workflow and results of one run of GutAxis, to repeat it. Raw data and "
        "databases are not in this crate; manifest.json holds their checksums, and those of every result."
    )
    return f"{words} Left out for their size: {', '.join(left_out)}." if left_out else words


def _licence(*, crate: ROCrate, licence: str) -> Any:
    """Return the licence as a thing of its own: at its address, or inside the crate where it is words."""
    address = licence if licence.startswith(("https://", "http://")) else "#licence"
    told = {"@type": "CreativeWork", "name": licence, "description": f"Terms of use of this crate: {licence}"}
    return crate.add(ContextEntity(crate, address, told))


def _workflow(*, crate: ROCrate, folder: Path, version: str, commit: str | None) -> ComputationalWorkflow:
    told = {
        "name": "GutAxis",
        "description": "From raw files of a trial (stool, plasma, cells) to features linked to response",
        "version": version,
        "softwareVersion": f"{version} ({commit})" if commit else version,
        "license": "MIT",
        "conformsTo": {"@id": BIOSCHEMAS},
        **_bytes(path=folder / SNAKEFILE),
    }
    return crate.add_workflow(folder / SNAKEFILE, SNAKEFILE, main=True, lang="snakemake", properties=told)


def _file(*, crate: ROCrate, folder: Path, name: str) -> Any:
    about = {"about": {"@id": "./"}} if name == README else {}
    told = {**about, "name": NAMES.get(name, name.partition("/")[2] or name), **_bytes(path=folder / name)}
    return crate.add_file(folder / name, name, properties=told)


def _bytes(*, path: Path) -> dict[str, Any]:
    media = MEDIA.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return {"contentSize": str(path.stat().st_size), "sha256": sha256_of(path=path), "encodingFormat": media}


def _distant(*, crate: ROCrate, name: str, entry: Mapping[str, Any]) -> Any:
    """Tell an input that is not in the crate: its name and checksum, as a thing that is only mentioned."""
    told = {"@type": "CreativeWork", "name": name, "description": "Input of the run; not part of this crate"}
    told |= {key: value for key, value in (("sha256", entry["sha256"]),) if value}
    told |= {"contentSize": str(entry["bytes"])} if entry["bytes"] is not None else {}
    return crate.add(ContextEntity(crate, f"#input/{name.replace(' ', '_')}", told))

"""What a finished run keeps of itself, small enough to keep for ever: labels, main results, checksums by sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gutaxis.batches.checksums import sample_checksums
from gutaxis.batches.collect import collect_results, read_result
from gutaxis.files import write_tsv

#: Files of a snapshot; the folder is named after the set of batches.
LABELS, RESULTS, CHECKSUMS = "labels.tsv", "results.tsv", "checksums.tsv"
SAMPLE_COLUMNS = ["sample_id", "patient_id", "assay", "material", "timepoint", "batch", "control"]
#: What a later scan may change.
OUTCOMES = ["response", "bor", "cbor", "dcb", "abscopal", "pfs2_days", "pfs2_cnsr", "os_days", "os_cnsr"]


def write_snapshot(
    *, root: Path, samples: Path | str, layers: Mapping[str, Path | str], tables: Sequence[str],
    outcomes: Path | str, labels: Path, results: Path, checksums: Path,
) -> None:  # fmt: skip
    """Write the three tables of a snapshot.

    Parameters
    ----------
    root
        Results folder.
    samples
        ``clinical/cohort/samples.tsv``; samples with another verdict than PASS are left out. Controls have a row of
        labels, and no checksums.
    layers
        Name -> ``layers/{layer}.h5ad``.
    tables
        Tables of main results, paths below ``root``: see :func:`gutaxis.batches.collect.collect_results`.
    outcomes
        ``clinical/sample_response.tsv``.
    labels, results, checksums
        Targets.
    """
    sheet = read_result(path=samples)
    known = read_result(path=outcomes).reindex(columns=["sample_id", "cohort", *OUTCOMES])
    own = sheet.loc[sheet["qc"] == "PASS", SAMPLE_COLUMNS]
    rows = own.merge(known, on="sample_id", how="left").sort_values("sample_id")
    write_tsv(rows, labels, comment="samples of this run and the outcomes of their patients")
    write_tsv(collect_results(root=root, files=tables), results, comment="main results of this run")
    made = sample_checksums(root=root, samples=own[own["control"] == "N"], layers=layers)
    write_tsv(
        made, checksums, comment="SHA-256 of what belongs to one sample; a row of a layer may rest on all samples"
    )


def earlier_snapshot(*, folder: Path, earlier: Sequence[str]) -> Path | None:
    """Return the whole snapshot that holds most of the earlier batches and no other; None if there is none.

    Parameters
    ----------
    folder
        ``batches`` of a results folder: a folder for each set.
    earlier
        Batches of this run that are not among the newest.
    """
    found = []
    for path in sorted(folder.glob(f"*/{LABELS}")):
        own = snapshot_batches(folder=path.parent)
        if own and own <= set(earlier) and all((path.parent / name).is_file() for name in (RESULTS, CHECKSUMS)):
            found.append((len(own), path.parent.name, path.parent))
    return max(found)[2] if found else None


def snapshot_batches(*, folder: Path) -> set[str]:
    """Return the batches that a snapshot has samples of; ``folder`` holds ``labels.tsv``."""
    return set(read_result(path=folder / LABELS)["batch"].dropna())

"""Make a finished run the reference: ``python -m gutaxis.provenance.reference RESULTS TARGET.json``.

The run has to be a clean one: certify it first, in an empty results folder.
"""

import argparse
import shutil
import sys
from pathlib import Path

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write
from gutaxis.provenance.manifest import NAME, read_manifest
from gutaxis.provenance.verdict import check_unchanged

#: Bytes of a reference that is kept in the repository.
LARGEST = 1_000_000


def write_reference(*, results: Path, target: Path, largest: int = LARGEST) -> int:
    """Copy a run's manifest to where it is kept as a reference.

    Parameters
    ----------
    results
        Results folder of a run that was certified.
    target
        File to write.
    largest
        Bytes that it may have.

    Returns
    -------
    int
        Number of outputs that the reference lists.

    Raises
    ------
    GutaxisError
        V02 to V04 if there is no manifest, V05 if results changed since, V11 if it is too large.
    """
    manifest = results / NAME
    outputs = read_manifest(path=manifest)["outputs"]
    check_unchanged(manifest=manifest, output=results, parts={name.split("/")[0] for name in outputs})
    size = manifest.stat().st_size
    if size > largest:
        wrong, allowed = f"The manifest has {size} bytes", f"A reference in the repository has {largest} at most"
        mend = "Compare fewer tables by tolerance (resources/tolerances.tsv): a fingerprint is longer than a checksum"
        raise GutaxisError(Problem("V11", NAME, None, None, None, wrong, allowed, mend))
    with atomic_write(target) as part:
        shutil.copyfile(manifest, part)
    return len(outputs)


def main() -> None:
    """Write the reference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    try:
        count = write_reference(results=arguments.results, target=arguments.target)
    except GutaxisError as error:
        sys.exit(str(error))
    print(f"{arguments.target}: reference of {count} outputs")


if __name__ == "__main__":
    main()

"""Parts of a batch: samples that one job goes through, where a job for each would cost more than its work."""

import re
from collections.abc import Mapping, Sequence

from gutaxis.cohort.model import Cohort

#: Samples of a part, at most: minutes of work, and still enough parts to fill a machine.
LARGEST = 20
UNSAFE = re.compile(r"[^A-Za-z0-9-]")


def parts_of(*, batches: Mapping[str, str]) -> dict[str, list[str]]:
    """Divide samples into parts that never go across batches, so that a new batch leaves the parts of others alone.

    Parameters
    ----------
    batches
        Sample -> its batch.

    Returns
    -------
    dict
        Name of a part, safe in a path, -> its samples, sorted. Batches whose safe names are the same share parts.
    """
    groups: dict[str, list[str]] = {}
    for sample in sorted(batches):
        groups.setdefault(UNSAFE.sub("-", batches[sample]) or "none", []).append(sample)
    return {
        f"{name}.{number + 1}": samples[number * LARGEST : (number + 1) * LARGEST]
        for name, samples in sorted(groups.items())
        for number in range(-(-len(samples) // LARGEST))
    }


def sample_parts(*, cohort: Cohort, samples: Sequence[str]) -> dict[str, list[str]]:
    """Return the parts of some samples of a cohort: name of a part -> its samples, sorted.

    Parameters
    ----------
    cohort
        Its sample sheets have the batches.
    samples
        Sample ids, in any order.
    """
    return parts_of(batches=cohort.samples.loc[list(samples), "batch"].astype(str).to_dict())

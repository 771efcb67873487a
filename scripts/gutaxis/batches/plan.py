"""Which batches a run has, which of them are new, and the name of the set."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Longest name of a set of batches; it becomes a folder.
MAX_NAME = 60
UNSAFE = re.compile(r"[^A-Za-z0-9.-]")


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """The batches of a run.

    Parameters
    ----------
    batches
        All of them, in the order of the sheets.
    newest, earlier
        Those whose effect is asked for, and the others; same order.
    name
        Name of the whole set, safe for a folder.
    """

    batches: tuple[str, ...]
    newest: tuple[str, ...]
    earlier: tuple[str, ...]
    name: str


def plan_batches(*, sheets: Sequence[Sequence[str]], chosen: Sequence[str] | None) -> BatchPlan:
    """Return the batches of a run.

    Parameters
    ----------
    sheets
        The batches of each samples sheet, in the order of the config.
    chosen
        Config ``batches.newest``, checked; None: the batches of the last sheet that no earlier sheet has. If there is
        only one sheet, or the last one has no batch of its own, the last of all batches.
    """
    batches = tuple(dict.fromkeys(str(name) for sheet in sheets for name in sorted(map(str, sheet))))
    if chosen is not None:
        newest = tuple(name for name in batches if name in set(chosen))
    else:
        before = {str(name) for sheet in sheets[:-1] for name in sheet}
        own = tuple(name for name in batches if name not in before) if before else ()
        newest = own or batches[-1:]
    earlier = tuple(name for name in batches if name not in newest)
    return BatchPlan(batches=batches, newest=newest, earlier=earlier, name=set_name(batches=batches))


def set_name(*, batches: Sequence[str]) -> str:
    """Return the batches joined by ``_``; where that is long or could mean another set, a digest is part of it.

    Parameters
    ----------
    batches
        In any order: reordered sheets hold the same set.
    """
    batches = sorted(batches)
    joined = "_".join(batches) or "none"
    safe = "_".join(UNSAFE.sub("-", name) for name in batches) or "none"
    if safe == joined and len(safe) <= MAX_NAME and not any("_" in name for name in batches):
        return safe
    digest = hashlib.sha256("\n".join(batches).encode()).hexdigest()[:8]
    return f"{safe[: MAX_NAME - 9].strip('._-')}_{digest}".lstrip("_")

"""What software says of a feature, brought to one form: names that are none, adducts, identities, levels."""

import re
from collections.abc import Sequence

#: Names that software gives to what it does not know.
_UNKNOWN = re.compile(r"(unknown|unidentified|unannotated|x\s*-\s*\d+|null|no record)\b.*", re.IGNORECASE)
#: MS-DIAL puts this before a name that rests on a mass alone, or on a poor spectrum.
_DOUBT = re.compile(r"(w/o MS2|low score|no MS2)\s*:\s*", re.IGNORECASE)
_POLARITY = {"pos": "positive", "neg": "negative"}


def known_name(name: str | None) -> str | None:
    """Return a compound's name; None for the words that stand for "unknown"."""
    bare = _DOUBT.sub("", name or "").strip()
    return None if not bare or _UNKNOWN.fullmatch(bare) else bare


def doubt(name: str | None) -> str | None:
    """Return the caution that software put before a name."""
    found = _DOUBT.match(name or "")
    return found.group(1) if found else None


def chebi_of(entry: str | None) -> str | None:
    """Return a ChEBI id if the entry is exactly one: ``CHEBI:16737``."""
    found = re.fullmatch(r"(?:CHEBI:\s*)?CHEBI:\s*(\d+)", (entry or "").strip(), re.IGNORECASE)
    return f"CHEBI:{found.group(1)}" if found else None


def plain_adduct(entry: str | None) -> str | None:
    """Return an adduct in the usual form: ``[M+H]1+`` becomes ``[M+H]+``; several stay as they are."""
    return re.sub(r"\]1([+-])", r"]\1", entry.strip()) if entry else None


def mode_of(words: str | None) -> str | None:
    """Return the ionisation mode that words name; None if they name none or both."""
    found = {mode for key, mode in _POLARITY.items() if re.search(rf"\b{key}", words or "", re.IGNORECASE)}
    return found.pop() if len(found) == 1 else None


def shared(modes: Sequence[str | None]) -> str | None:
    """Return the mode if all have the same one."""
    return modes[0] if modes and modes[0] and len(set(modes)) == 1 else None

"""One patient's clinical course in a short notation, with the truth that was planted written beside it."""

from dataclasses import dataclass

#: The usual scan before ILDR: three targets (liver, lung, node) whose sum is 90 mm, and one non-target.
BASELINE = "40 30 20 P"
#: Organ and whether it is a node, by place of the target.
TARGETS = (("LIVER", "N"), ("LUNG", "N"), ("LYMPH NODE", "Y"))
NON_TARGETS = (("BONE", "N"), ("PERITONEUM", "N"))
#: Letters of a scan and what they mean in the sheet; ``.`` is a row that is not there at all.
STATES = {
    "0": "ABSENT",
    "s": "TOO SMALL",
    "-": "NOT EVALUATED",
    "P": "PRESENT",
    "A": "ABSENT",
    "U": "UNEQUIVOCAL PROGRESSION",
    "E": "EQUIVOCAL",
    "N": "MEASURED",
}
NEW_LESION_MM = 12.0
#: Letters of the landmark weeks and their values in the truth.
LANDMARKS = {"Y": "Y", "N": "N", "E": "NE", "P": "PENDING", "W": "NOT_YET"}
WEEKS = (6, 12, 24)


@dataclass(frozen=True)
class Reading:
    """What a second reader saw, and the best responses that follow from it.

    Parameters
    ----------
    scans
        As in :class:`Course`.
    bor, cbor, response
        As in :class:`Course`.
    """

    scans: tuple[str, ...]
    bor: str
    cbor: str
    response: str


@dataclass(frozen=True)
class Course:
    """One clinical course.

    Parameters
    ----------
    name
        Which branch of the rules it reaches.
    scans
        One text per scan after ILDR: ``day: target target target non-target [+new]``. A target is its size in mm, or
        ``0`` absent, ``s`` too small to measure, ``-`` not evaluated, ``.`` no row. A non-target is ``P`` present,
        ``A`` absent, ``U`` unequivocal progression, ``~-`` not evaluated. A new lesion is ``+E`` equivocal, ``+N``
        measured, ``+A`` absent.
    bor, cbor
        Planted best overall response, unconfirmed and confirmed.
    response
        Planted label: R, NR or NA.
    pfs2
        Planted PFS2: ``("PD", k)`` event at the k-th scan, ``("DAY", d)`` event on day d from ILDR (symptom, PSA),
        ``("DEATH", None)``, ``("LAST", k)`` censored at the k-th scan, ``("START", None)`` censored at ILDR. Scans
        count from 1.
    abscopal, confirmed, orr
        Abscopal effect, its confirmed variant, and confirmed objective response at weeks 6, 12, 24: one letter of
        ``LANDMARKS`` each.
    pending
        Whether the response is too close to the data cut to be confirmed.
    baseline
        The scan before ILDR, without its day.
    irradiated
        One letter (Y, N, U) per target.
    irc
        The independent reader, where he sees something else.
    death
        Day from ILDR and cause.
    last
        Last day known alive of a patient lost to follow-up; None: alive at the data cut.
    cut
        Days from ILDR to the data cut; None: some time between one and one and a half years.
    new_therapy
        Day of the next antitumour therapy.
    progressions
        Rows of the progressions sheet: day, source, PSA in ng/mL (None: not measured), confirmed.
    tumor
        Tumour type, where the course needs one; else that of the cohort.
    source, dose
        Trial and dose in Gy.
    exact
        Whether days and sizes stand exactly at a limit, so that nothing may be varied.
    """

    name: str
    scans: tuple[str, ...]
    bor: str
    cbor: str
    response: str
    pfs2: tuple[str, int | None]
    abscopal: str
    confirmed: str = "NNN"
    orr: str = "NNN"
    pending: bool = False
    baseline: str = BASELINE
    irradiated: str = "NNY"
    irc: Reading | None = None
    death: tuple[int, str] | None = None
    last: int | None = None
    cut: int | None = None
    new_therapy: int | None = None
    progressions: tuple[tuple[int, str, float | None, str], ...] = ()
    tumor: str | None = None
    source: str = "ILDR-02"
    dose: str = "1"
    exact: bool = False


@dataclass(frozen=True)
class Scan:
    """One scan, taken apart.

    Parameters
    ----------
    day
        Days from ILDR.
    found
        lesion id -> (category, size in mm or None, state); lesions without a row are not there.
    """

    day: int
    found: dict[str, tuple[str, float | None, str]]


def read_scan(*, text: str, day: int | None = None) -> Scan:
    """Take a scan's text apart.

    Parameters
    ----------
    text
        As in :class:`Course`.
    day
        The day of a text that has none.

    Returns
    -------
    Scan
        Targets T01.., non-targets NT01.., and the new lesion N01.
    """
    head, _, rest = text.rpartition(":")
    found: dict[str, tuple[str, float | None, str]] = {}
    marks, new = _split_new(rest.split())
    letters = [mark for mark in marks if mark[0] in "PAU" or mark.startswith("~")]
    sizes = marks[: len(marks) - len(letters)]
    for number, mark in enumerate(sizes, start=1):
        _add(found, f"T{number:02d}", "TARGET", mark)
    for number, mark in enumerate(letters, start=1):
        _add(found, f"NT{number:02d}", "NON-TARGET", mark.removeprefix("~"))
    if new:
        _add(found, "N01", "NEW", new)
    return Scan(day=int(head) if head else int(day or 0), found=found)


def _split_new(marks: list[str]) -> tuple[list[str], str]:
    """Take the mark of the new lesion, written ``+E``, ``+N`` or ``+A``, off the end."""
    if marks[-1].startswith("+"):
        return marks[:-1], marks[-1][1]
    return marks, ""


def _add(found: dict[str, tuple[str, float | None, str]], lesion: str, category: str, mark: str) -> None:
    if mark == ".":
        return
    if mark == "N":
        found[lesion] = (category, NEW_LESION_MM, "MEASURED")
    elif mark in STATES:
        found[lesion] = (category, None, STATES[mark])
    else:
        found[lesion] = (category, float(mark), "MEASURED")

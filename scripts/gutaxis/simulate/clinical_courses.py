"""The 48 courses of the rich simulated trial: three cohorts of 16, every branch of the clinical rules once or more.

The expected result stands beside each course and was found by hand; for the notation see
:class:`gutaxis.simulate.clinical_course.Course`.
At baseline the targets measure 40 (liver), 30 (lung) and 20 mm (node, in the field of ILDR): sum 90. So PR begins at
63.0, and an effect outside the field at 28 (liver) or 21 mm (lung).
"""

from gutaxis.simulate.clinical_course import Course, Reading

SD = "38 28 20 P"  # sum 86
PR = "26 19 15 P"  # sum 60
PD = "52 38 25 P"  # sum 115

# fmt: off
LUNG = (
    Course(
        "complete response, confirmed",
        # sums 57, 7 or 8: a node below 10 mm is normal
        ("42: 25 18 14 P", "84: 0 0 8 A", "126: 0 0 7 A", "168: 0 0 7 A"),
        bor="CR", cbor="CR", response="R", pfs2=("LAST", 4), abscopal="YYY", confirmed="YYY", orr="YYY",
    ),
    Course(
        "partial response, confirmed",
        (f"42: {PR}", "84: 24 18 14 P", "126: 24 18 14 P", "168: 24 18 14 P"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 4), abscopal="YYY", confirmed="YYY", orr="YYY",
    ),
    Course(
        "partial response from week 12",
        ("42: 36 27 18 P", f"84: {PR}", "126: 24 18 14 P", "168: 24 18 14 P"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 4), abscopal="NYY", confirmed="NYY", orr="NYY",
    ),
    Course(
        "partial response, then progression: not confirmed",
        (f"42: {PR}", "84: 40 30 22 P"),
        bor="PR", cbor="SD", response="NR", pfs2=("PD", 2), abscopal="YYY", death=(200, "CANCER"),
    ),
    Course(
        "partial response too close to the data cut",
        (f"42: {PR}",),
        bor="PR", cbor="SD", response="NA", pfs2=("LAST", 1), abscopal="YYY", confirmed="PPP", orr="PWW",
        pending=True, cut=60, exact=True,
    ),
    Course(
        "stable disease",
        (f"42: {SD}", "84: 37 28 20 P", "126: 39 29 20 P", f"168: {SD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 4), abscopal="NNN",
    ),
    Course(
        "stable disease, then progression",
        ("42: 38 29 20 P", "84: 39 30 20 P", "126: 50 38 24 P"),  # 112, nadir 87: +25 mm, +29 %
        bor="SD", cbor="SD", response="NR", pfs2=("PD", 3), abscopal="NNN", death=(300, "CANCER"),
    ),
    Course(
        "progression of targets at the first scan",
        (f"42: {PD}",),
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(150, "CANCER"),
    ),
    Course(
        "progression by a new lesion",
        ("42: 36 27 18 P +N",),
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(220, "CANCER"),
    ),
    Course(
        "progression of a non-target lesion",
        ("42: 38 28 20 U",),
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(310, "CANCER"),
    ),
    Course(
        "progression although a target was not evaluated",
        ("42: 70 - 40 P",),  # 110 of two targets against 90 of three
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(180, "CANCER"),
    ),
    Course(
        "only scan without one target",
        ("42: 30 . 16 P",),
        bor="NE", cbor="NE", response="NA", orr="EEE", pfs2=("START", None), abscopal="NNN", last=75,
    ),
    Course(
        "death before the first scan",
        (),
        bor="MISSING", cbor="MISSING", response="NA", orr="EEE", pfs2=("DEATH", None), abscopal="EEE", confirmed="EEE",
        death=(30, "CANCER"),
    ),
    Course(
        "lost before the first scan",
        (),
        bor="MISSING", cbor="MISSING", response="NA", orr="EEE", pfs2=("START", None), abscopal="EEE", confirmed="EEE",
        last=20,
    ),
    Course(
        "stable too early to count",
        (f"25: {SD}",),
        bor="NE", cbor="NE", response="NA", orr="EEE", pfs2=("LAST", 1), abscopal="NNN", last=60, exact=True,
    ),
    Course(
        "stable on the first day that counts, data cut soon after",
        (f"35: {SD}",),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 1), abscopal="EEE", confirmed="EEE", orr="WWW",
        cut=40, exact=True,
    ),
)

ESOPHAGEAL = (
    Course(
        "confirmed on the first day allowed",
        (f"42: {PR}", f"70: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY", orr="YYY", exact=True,
    ),
    Course(
        "seen again one day too early",
        (f"42: {PR}", f"69: {PR}", "126: 40 30 20 P"),
        bor="PR", cbor="SD", response="NR", pfs2=("PD", 3), abscopal="YYY", exact=True, death=(240, "CANCER"),
    ),
    Course(
        "confirmed over one scan without a target",
        (f"42: {PR}", "84: 26 - 15 P", f"126: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 3), abscopal="YYY", confirmed="YYY", orr="YYY",
    ),
    Course(
        "not confirmed over two scans without a target",
        (f"42: {PR}", "84: - 19 15 P", "126: - 19 15 P", f"168: {PR}"),
        bor="PR", cbor="SD", response="NR", pfs2=("LAST", 4), abscopal="YYY", confirmed="YYY",
    ),
    Course(
        "progression from the smallest sum, far below baseline",
        ("42: 20 15 12 P", "84: 20 15 12 P", "126: 27 20 14 P"),  # 61 against 47, baseline 90
        bor="PR", cbor="PR", response="R", pfs2=("PD", 3), abscopal="YYY", confirmed="YYY", orr="YYY",
        death=(330, "CANCER"),
    ),
    Course(
        "a lesion comes back after complete response",
        ("42: 25 18 14 P", "84: 0 0 8 A", "126: 0 0 7 A", "168: 4 0 7 A"),  # only +4 mm: the rule of reappearance
        bor="CR", cbor="CR", response="R", pfs2=("PD", 4), abscopal="YYY", confirmed="YYY", orr="YYY", exact=True,
    ),
    Course(
        "equivocal new lesion, confirmed later: dated back",
        ("42: 36 27 18 P +E", "84: 36 27 18 P +N"),
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(280, "CANCER"),
    ),
    Course(
        "equivocal new lesion that went away",
        ("42: 36 27 18 P +E", "84: 36 27 18 P +A", "126: 36 27 18 P +A"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 3), abscopal="NNN",
    ),
    Course(
        "targets gone, non-target still there",
        ("42: 0 0 8 P", "84: 0 0 8 P", "126: 0 0 8 P"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 3), abscopal="YYY", confirmed="YYY", orr="YYY",
    ),
    Course(
        "progression by symptoms",
        (f"42: {SD}",),
        bor="SD", cbor="SD", response="NR", pfs2=("DAY", 65), abscopal="NNN", death=(120, "CANCER"),
        progressions=((65, "SYMPTOM", None, "Y"),),
    ),
    Course(
        "new therapy first, progression later",
        (f"42: {SD}", f"84: {SD}", f"126: {PD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 2), abscopal="NNN", new_therapy=100, death=(250, "CANCER"),
    ),
    Course(
        "new therapy before the first scan",
        (f"42: {PD}",),
        bor="MISSING", cbor="MISSING", response="NA", orr="EEE", pfs2=("START", None), abscopal="EEE", confirmed="EEE",
        new_therapy=20, death=(210, "CANCER"),  # what shrinks under another therapy is no abscopal effect
    ),
    Course(
        "two scans missed, then progression",
        (f"42: {SD}", f"168: {PD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("PD", 2), abscopal="NNN", death=(290, "CANCER"),
    ),
    Course(
        "scans missed, then death",
        (f"42: {SD}",),
        bor="SD", cbor="SD", response="NR", pfs2=("DEATH", None), abscopal="NNN", death=(200, "CANCER"),
    ),
    Course(
        "death of another cause",
        (f"42: {SD}", f"84: {SD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("DEATH", None), abscopal="NNN", death=(110, "OTHER"),
    ),
    Course(
        "death from treatment",
        (f"42: {SD}",),
        bor="SD", cbor="SD", response="NR", pfs2=("DEATH", None), abscopal="NNN", death=(60, "TREATMENT"),
    ),
)

OTHER = (
    Course(
        "progression by PSA",
        (f"42: {SD}", f"84: {SD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("DAY", 98), abscopal="NNN", tumor="prostate adenocarcinoma",
        progressions=((-30, "IMAGING", None, "Y"), (98, "PSA", 31.5, "Y")),
    ),
    Course(
        "rise of PSA that was not confirmed",
        (f"42: {SD}", f"84: {SD}", f"126: {SD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 3), abscopal="NNN", tumor="prostate adenocarcinoma",
        progressions=((60, "PSA", 12.0, "N"),),
    ),
    Course(
        "combined progression before the scan that shows it",
        (f"42: {SD}", f"84: {PD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("DAY", 70), abscopal="NNN", death=(260, "CANCER"),
        progressions=((70, "COMBINED", None, "Y"),),
    ),
    Course(
        "non-target lesions only, neither gone nor worse",
        ("42: P P", "84: P P"),
        bor="NON-CR/NON-PD", cbor="NON-CR/NON-PD", response="NR", pfs2=("LAST", 2), abscopal="EEE",
        confirmed="EEE", baseline="P P", irradiated="",
    ),
    Course(
        "non-target lesions only, gone",
        ("42: A A", "84: A A"),
        bor="CR", cbor="CR", response="R", pfs2=("LAST", 2), abscopal="EEE", confirmed="EEE", orr="YYY", baseline="P P",
        irradiated="",
    ),
    Course(
        "readers disagree: stable or progression",
        (f"42: {SD}", f"84: {SD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 2), abscopal="NNN",
        irc=Reading((f"42: {PD}", f"84: {PD}"), bor="PD", cbor="PD", response="NR"),
    ),
    Course(
        "readers disagree: response or stable",
        (f"42: {PR}", f"84: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY", orr="YYY",
        irc=Reading(("42: 29 21 18 P", "84: 29 21 18 P"), bor="SD", cbor="SD", response="NR"),
    ),
    Course(
        "response of irradiated lesions only",
        (f"42: {PR}", f"84: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="EEE", confirmed="EEE", orr="YYY",
        irradiated="YYY",
    ),
    Course(
        "not known which lesions were irradiated",
        (f"42: {PR}", f"84: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="EEE", confirmed="EEE", orr="YYY",
        irradiated="UUY",
    ),
    Course(
        "one lesion outside the field shrinks, the patient is stable",
        ("42: 25 30 25 P", "84: 25 30 25 P"),
        bor="SD", cbor="SD", response="NR", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY",
    ),
    Course(
        "a lesion shrinks while a new one appears",
        ("42: 36 28 20 P", "84: 25 28 20 P +N"),
        bor="SD", cbor="SD", response="NR", pfs2=("PD", 2), abscopal="NYY", death=(340, "CANCER"),
    ),
    Course(
        "lesions too small to measure count 5 mm",
        ("42: s s 12 P", "84: s s 12 P"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY", orr="YYY",
    ),
    Course(
        "death of unknown cause",
        (f"42: {PD}",),
        bor="PD", cbor="PD", response="NR", pfs2=("PD", 1), abscopal="NNN", death=(90, "UNKNOWN"),
    ),
    Course(
        "ILDR-01, 3 Gy",
        (f"42: {PR}", f"84: {PR}"),
        bor="PR", cbor="PR", response="R", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY", orr="YYY",
        source="ILDR-01", dose="3",
    ),
    Course(
        "ILDR-01, 1 Gy",
        (f"42: {SD}", f"84: {PD}"),
        bor="SD", cbor="SD", response="NR", pfs2=("PD", 2), abscopal="NNN", source="ILDR-01", death=(400, "CANCER"),
        cut=500,
    ),
    Course(
        "partial after complete response: a query to the reader",
        ("42: 0 0 8 A", "84: 0 0 8 ~-"),  # targets gone, non-target not evaluated: PR
        bor="CR", cbor="SD", response="NR", pfs2=("LAST", 2), abscopal="YYY", confirmed="YYY",
    ),
)

# fmt: on

#: Cohort -> its courses, in the order of the patients.
RICH = {"LUNG": LUNG, "ESOPHAGEAL": ESOPHAGEAL, "OTHER": OTHER}

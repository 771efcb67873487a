"""A small valid trial, written as sheets, that each test of this folder breaks in one place."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gutaxis.cohort import Cohort, load_cohort, load_config

SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
#: Blocks of text, blanks between cells: the header, then one row per line. A dot is an empty cell.
BASE = {
    "patients": """
        patient_id cohort tumor_type ildr_date ici_first_date age abx_60d last_alive_date death_date death_cause
        P01 LUNG  adenocarcinoma 2026-01-10 2026-01-11 64 N 2026-06-01 . .
        P02 LUNG  squamous       2026-01-20 2026-01-20 58 Y 2026-06-01 2026-06-20 CANCER
        P03 OTHER renal          2026-02-01 2026-02-02 71 N 2026-06-01 . .
    """,
    "lesions": """
        patient_id lesion_id category organ is_node irradiated
        P01 T01 TARGET     LUNG  N N
        P01 T02 TARGET     NODE  Y N
        P01 N01 NON-TARGET BONE  N N
        P02 T01 TARGET     LIVER N Y
        P03 T01 TARGET     LUNG  N N
        P03 NEW1 NEW       LIVER N N
    """,
    "measurements": """
        patient_id lesion_id assess_date axis value_mm state reader overall
        P01 T01  2026-01-05 LDIAM 30.0 MEASURED INVESTIGATOR .
        P01 T02  2026-01-05 LPERP 18.0 MEASURED INVESTIGATOR .
        P01 N01  2026-01-05 .     .    PRESENT  INVESTIGATOR .
        P01 T01  2026-02-20 LDIAM 18.0 MEASURED INVESTIGATOR PR
        P01 T02  2026-02-20 LPERP 12.0 MEASURED INVESTIGATOR PR
        P01 T01  2026-04-03 LDIAM 15.0 MEASURED INVESTIGATOR PR
        P01 T02  2026-04-03 LPERP 11.0 MEASURED INVESTIGATOR PR
        P02 T01  2026-01-15 LDIAM 22.0 MEASURED INVESTIGATOR .
        P02 T01  2026-03-01 LDIAM 24.0 MEASURED INVESTIGATOR SD
        P03 T01  2026-01-25 LDIAM 40.0 MEASURED INVESTIGATOR .
        P03 T01  2026-03-15 LDIAM 44.0 MEASURED INVESTIGATOR PD
        P03 NEW1 2026-03-15 .     .    PRESENT  INVESTIGATOR PD
    """,
    "progressions": """
        patient_id date source confirmed
        P03 2026-03-15 IMAGING Y
    """,
    "adverse_events": """
        patient_id ae_id term grade start_date end_date rel_ildr rel_ici
        P01 AE1 Diarrhea 2 2026-01-12 2026-01-15 RELATED UNKNOWN
        P02 AE1 Nausea   1 2026-02    .          UNKNOWN RELATED
    """,
    "medications": """
        patient_id drug class start end
        P02 amoxicillin ANTIBIOTIC 2026-01-02 2026-01-09
        P03 omeprazole  PPI        .          .
    """,
    "samples": """
        sample_id patient_id assay material timepoint collect_date batch qc file_1 file_2 control
        P01-S1 P01 MGX   STOOL  PRE  2026-01-08 B1 PASS reads/a_1.fq.gz reads/a_2.fq.gz N
        P01-S2 P01 MGX   STOOL  POST 2026-02-01 B1 PASS reads/b_1.fq.gz reads/b_2.fq.gz N
        P02-S1 P02 MGX   STOOL  PRE  2026-01-19 B1 PASS reads/c_1.fq.gz reads/c_2.fq.gz N
        P02-S2 P02 MGX   STOOL  POST 2026-02-11 B1 PASS reads/d_1.fq.gz reads/d_2.fq.gz N
        P03-S1 P03 MGX   STOOL  PRE  2026-01-30 B1 PASS .               .               N
        P03-S2 P03 MGX   STOOL  POST 2026-02-25 B1 PASS .               .               N
        BLANK1 .   MGX   STOOL  .    .          B1 PASS .               .               BLANK
    """,
}


@dataclass
class Trial:
    """Sheets and config of a trial in a folder; ``write`` puts them on disk, ``load`` reads them back."""

    root: Path
    tables: dict[str, list[dict[str, str]]]
    config: dict[str, Any]
    encode: dict[str, Any] = field(default_factory=dict)
    folder: str = ""

    def row(self, sheet: str, line: int) -> dict[str, str]:
        """Return the row that stands on a line of the file (the header is line 1)."""
        return self.tables[sheet][line - 2]

    def write(self) -> None:
        """Write the sheets, and every raw file they name, unless it is called ``absent``."""
        for sheet, rows in self.tables.items():
            path = self.root / self.folder / f"{sheet}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            header = list(dict.fromkeys(name for row in rows for name in row))
            lines = [
                "\t".join(row.get(name, "") for name in header)
                for row in [dict(zip(header, header, strict=True)), *rows]
            ]
            text = "\n".join(lines) + "\n"
            path.write_bytes(self.encode.get(sheet, str.encode)(text))
            for row in rows:
                for cell in (row.get("file_1", ""), row.get("file_2", "")):
                    for name in filter(None, cell.split(";")):
                        if "absent" not in name:
                            (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
                            (path.parent / name).touch()

    def load(self) -> Cohort:
        """Load the trial as a run would."""
        self.write()
        return load_cohort(config=load_config(config=self.config, schema_path=SCHEMA), root=self.root)


def parse(text: str) -> list[dict[str, str]]:
    """Read a block of ``BASE``."""
    header, *rows = [line.split() for line in text.strip().splitlines()]
    return [{name: "" if cell == "." else cell for name, cell in zip(header, row, strict=True)} for row in rows]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    tables = {sheet: parse(text) for sheet, text in BASE.items()}
    config = {"cohort": {sheet: f"{sheet}.tsv" for sheet in tables}, "response": {"source": "recist"}}
    return Trial(root=tmp_path, tables=copy.deepcopy(tables), config=config)

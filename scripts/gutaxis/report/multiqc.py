"""MultiQC of all arms: what it knows (FastQC), and a section of its own for everything else that tells of quality.

An arm that is absent has no section.
"""

import base64
import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gutaxis.files import atomic_write
from gutaxis.metagenome.programs import linked, run_program, scratch_folder
from gutaxis.report.multiqc_sections import (
    Section,
    cell_sections,
    cohort_sections,
    metabolome_sections,
    metagenome_sections,
)

#: What MultiQC writes anew each time: the data of the plots, packed with the time; the page's own id; the time.
_PLOTS = re.compile(r'(?<=id="mqc_compressed_plotdata">)[^<]+')
_ID = re.compile(r'(?<=reportUuid = ")[^"]*')
_TIME = re.compile(r'(?<=configCreationDate = ")[^"]*')


def without_time(*, page: str) -> str:
    """Return a page of MultiQC without what differs between two pages of the same content: times and a random id."""

    def packed(match: re.Match[str]) -> str:
        content = gzip.decompress(base64.b64decode(match[0]))
        return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")

    return _TIME.sub("", _ID.sub("", _PLOTS.sub(packed, page)))


def all_sections(*, tables: Mapping[str, Any]) -> list[Section]:
    """Return the sections of every arm that a run has.

    Parameters
    ----------
    tables
        Inputs of the rule: ``completeness``; ``warnings``, ``reads`` (metagenome), ``intake`` (a list), ``injections``
        and ``batches`` (metabolome), ``cells`` and ``identity`` (single cells), each empty where there is none.
    """
    sections = cohort_sections(completeness=tables["completeness"], warnings=tables["warnings"] or None)
    if tables["reads"]:
        sections += metagenome_sections(quality=tables["reads"])
    if tables["injections"]:
        sections += metabolome_sections(
            intake=list(tables["intake"]), injections=tables["injections"], batches=tables["batches"]
        )
    if tables["cells"]:
        sections += cell_sections(quality=tables["cells"], identity=tables["identity"])
    return sections


def run_multiqc(*, sections: list[Section], fastqc: list[str], output: Path) -> None:
    """Run MultiQC over FastQC results and the sections.

    Parameters
    ----------
    sections
        Custom content in the order of the page, after what MultiQC finds by itself.
    fastqc
        FastQC folders, may be empty.
    output
        HTML page to write: no path of the machine and no date in it.
    """
    order = {section["id"]: {"order": -10 * place} for place, section in enumerate(sections, start=1)}
    with scratch_folder(beside=output, name="multiqc") as work:
        for section in sections:
            (work / f"{section['id']}_mqc.yaml").write_text(yaml.safe_dump(section, sort_keys=False))
        config = {"show_analysis_paths": False, "show_analysis_time": False, "report_section_order": order}
        (work / "multiqc_config.yaml").write_text(yaml.safe_dump(config))
        folders = [linked(target=path, folder=work, name=f"fastqc_{Path(path).name}") for path in fastqc]
        command = ["multiqc", "--force", "--quiet", "--no-ansi", "--no-data-dir", "--no-version-check"]
        command += ["--config", work / "multiqc_config.yaml", "--title", "GutAxis: quality of all arms"]
        command += ["--filename", "multiqc.html", "--outdir", work / "out"]
        run_program(command=[*command, work, *folders], what="MultiQC")
        with atomic_write(output) as part:
            page = (work / "out" / "multiqc.html").read_text(encoding="utf-8")
            part.write_text(without_time(page=page), encoding="utf-8")

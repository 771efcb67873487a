"""Quality tables of the metagenome arm, and MultiQC over them."""

import shutil
from pathlib import Path

import pandas as pd
import yaml

from gutaxis.files import atomic_write, write_tsv
from gutaxis.metagenome.metaphlan import HEADER
from gutaxis.metagenome.programs import linked, run_program, scratch_folder

#: Sections of the MultiQC page that MultiQC does not know by itself: title, sentence, columns (name -> header).
SECTIONS = {
    "kneaddata": (
        "KneadData",
        "Reads (both mates) before cleaning, after trimming, removed as tandem repeats or host, and left.",
        {"raw": "raw", "trimmed": "trimmed", "repeats": "repeats", "host": "host", "final": "left"},
    ),
    "metaphlan": (
        "MetaPhlAn",
        "Species found and the percent of the sample that no known species explains.",
        {"species": "species", "unclassified_percent": "unclassified %"},
    ),
    "humann": (
        "HUMAnN",
        "Reads left unaligned after each search, and what was found.",
        {
            "unaligned_nucleotide_percent": "unaligned after nucleotide search %",
            "unaligned_translated_percent": "unaligned after translated search %",
            "gene_families": "gene families",
            "pathways": "pathways",
        },
    ),
}


def _read(paths: list[str]) -> pd.DataFrame:
    return pd.concat([pd.read_csv(path, sep="\t", dtype={"sample_id": str}) for path in paths], ignore_index=True)


def quality_table(
    *,
    samples: dict[str, list[str]],
    check: list[str],
    clean: list[str],
    taxa: list[str],
    functions: list[str],
    output: Path,
) -> None:
    """Join the per-sample tables of the arm's steps to one row per sample.

    Parameters
    ----------
    samples
        Sample id -> [batch, control].
    check, clean, taxa, functions
        Per-sample tables of the read check, KneadData, MetaPhlAn and HUMAnN; ``functions`` may be empty.
    output
        Table to write: sample_id, batch, control, lanes and every step's figures, sorted by sample.
    """
    lanes = _read(check).groupby("sample_id").agg(lanes=("lane", "count"), name_format=("name_format", "first"))
    table = pd.DataFrame.from_dict(samples, orient="index", columns=["batch", "control"]).rename_axis("sample_id")
    table = table.join(lanes).join(_read(clean).set_index("sample_id"))
    table["host_percent"] = 100 * table["host"] / table["raw"].where(table["raw"] > 0)
    table["left_percent"] = 100 * (table["final"] + table["final_orphans"]) / table["raw"].where(table["raw"] > 0)
    table = table.join(_read(taxa).set_index("sample_id").drop(columns="reads"))
    if functions:
        table = table.join(_read(functions).set_index("sample_id"))
    write_tsv(table.sort_index().reset_index(), output)


def controls_table(*, profiles: list[str], samples: dict[str, list[str]], output: Path) -> None:
    """Write the species of blanks and mocks: sample_id, batch, control, species, percent; largest first.

    Parameters
    ----------
    profiles
        MetaPhlAn profiles of the controls, named ``{sample}.tsv``.
    samples
        Sample id -> [batch, control].
    output
        Table to write; header only if there are no controls.
    """
    rows = []
    names = HEADER.removeprefix("#").split("\t")
    for path in profiles:
        sample = Path(path).stem
        table = pd.read_csv(path, sep="\t", comment="#", names=names)
        last = table["clade_name"].str.split("|").str[-1]
        for species, percent in zip(last, table["relative_abundance"], strict=True):
            if species.startswith("s__") or species == "UNCLASSIFIED":
                rows.append([sample, *samples[sample], species.removeprefix("s__"), percent])
    frame = pd.DataFrame(rows, columns=["sample_id", "batch", "control", "species", "percent"])
    write_tsv(frame.sort_values(["sample_id", "percent", "species"], ascending=[True, False, True]), output)


def run_multiqc(*, qc: Path, fastqc: list[str], output: Path) -> None:
    """Run MultiQC over FastQC results and the arm's own figures.

    Parameters
    ----------
    qc
        The arm's quality table.
    fastqc
        FastQC folders, may be empty.
    output
        HTML page to write.
    """
    table = pd.read_csv(qc, sep="\t", dtype={"sample_id": str})
    with scratch_folder(beside=output, name="multiqc") as work:
        for name, (title, sentence, columns) in SECTIONS.items():
            kept = [column for column in columns if column in table.columns]
            if not kept:
                continue
            rows = table[["sample_id", *kept]].dropna(subset=kept, how="all").set_index("sample_id")
            section = {
                "id": f"gutaxis_{name}",
                "section_name": title,
                "description": sentence,
                "plot_type": "table",
                "pconfig": {"id": f"gutaxis_{name}_table", "title": title, "namespace": title},
                "headers": {column: {"title": columns[column], "format": "{:,.4g}"} for column in kept},
                "data": {
                    sample: {column: value for column, value in row.items() if pd.notna(value)}
                    for sample, row in rows.to_dict("index").items()
                },
            }
            (work / f"{name}_mqc.yaml").write_text(yaml.safe_dump(section))
        folders = [linked(target=path, folder=work, name=f"fastqc_{Path(path).name}") for path in fastqc]
        command = ["multiqc", "--force", "--quiet", "--no-ansi", "--no-data-dir", "--no-version-check"]
        # no path of the machine and no date in the page
        command += ["--cl-config", "show_analysis_paths: false", "--cl-config", "show_analysis_time: false"]
        command += ["--title", "GutAxis: metagenome arm", "--filename", "multiqc.html", "--outdir", work / "out"]
        run_program(command=[*command, work, *folders], what="MultiQC")
        with atomic_write(output) as part:
            shutil.copyfile(work / "out" / "multiqc.html", part)

"""Quality tables of the metagenome arm."""

from pathlib import Path

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metagenome.metaphlan import HEADER


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

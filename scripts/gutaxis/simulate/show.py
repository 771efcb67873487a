"""Print planted against recovered of a finished simulated run: ``python -m gutaxis.simulate.show results/demo``."""

import sys
from pathlib import Path

import pandas as pd

from gutaxis.metabolome.reading import read_commented


def render_recovery(*, output: Path) -> str:
    """Return a finished simulated run's recovery as text.

    Parameters
    ----------
    output
        The run's ``output`` folder.

    Returns
    -------
    str
        Lines: the metagenome arm, the metabolome arm, the planted effects, pairs and chains and what was found of them.

    Raises
    ------
    FileNotFoundError
        If the run has no ``simulate/recovery.tsv``.
    """
    samples = pd.read_csv(output / "simulate/recovery.tsv", sep="\t", keep_default_na=False)
    worst = samples.loc[samples["bray_curtis"].idxmax()]
    lost = samples[samples["pathways_missing"] != "none"]
    lines = [
        "Simulated trial: planted against recovered",
        f"  samples                     {len(samples)}",
        f"  Bray-Curtis, true against estimated species: median {samples['bray_curtis'].median():.3f}, "
        f"worst {worst['bray_curtis']:.3f} ({worst['sample_id']})",
        f"  planted pathways found      {samples['pathways_planted'].sum() - _missing(lost)} "
        f"of {samples['pathways_planted'].sum()}",
        f"  host reads removed          {samples['host_removed_percent'].min():.2f} % or more in every sample",
    ]
    return "\n".join([*lines, *_metabolome(output), *_cells(output), *_findings(output), *_chains(output)])


def _metabolome(output: Path) -> list[str]:
    """Return how well the features of the simulated injections were found; nothing without that arm."""
    path = output / "simulate/metabolome_recovery.tsv"
    if not path.exists():
        return []
    return [
        f"  metabolome, {row.mode} mode: recall {row.recall:.3f}, precision {row.precision:.3f}, "
        f"median r with the truth {row.median_r:.3f}"
        for row in pd.read_csv(path, sep="\t").itertuples(index=False)
    ]


def _cells(output: Path) -> list[str]:
    """Return how many cells got their true label and how well doublets were told; nothing without that arm."""
    path = output / "simulate/cell_recovery.tsv"
    if not path.exists():
        return []
    return [
        f"  cells of {row.tissue}: macro-F1 of the labels {row.macro_f1:.3f}, doublet AUC {row.doublet_auc:.3f}, "
        f"dead cells removed {row.dead_removed:.0%}"
        for row in pd.read_csv(path, sep="\t").itertuples(index=False)
    ]


def _findings(output: Path) -> list[str]:
    """Return each planted effect with what the differential analysis made of it, and what else it found."""
    planted = pd.read_csv(output / "simulate/findings.tsv", sep="\t", keep_default_na=False, na_values=["NA"])
    others = pd.read_csv(output / "simulate/findings_others.tsv", sep="\t", keep_default_na=False)
    lines = [
        "  planted effects, log2, and the differential analysis:",
        f"    {'layer':<17}{'contrast':<17}{'name':<32}{'planted':>8}{'estimate':>9}{'q':>9}",
    ]
    lines += [
        f"    {row.layer:<17}{row.contrast:<17}{row.name:<32}{row.planted:>8.2f}{row.estimate:>9.2f}{row.q:>9.2g}"
        for row in planted.itertuples(index=False)
    ]
    found = f"{others['found'].sum()} of {others['tested'].sum()} tests"
    return [*lines, f"  findings that nothing planted explains: {found}"]


def _chains(output: Path) -> list[str]:
    """Return each planted pair of layers with its q, and the rank of each planted chain; nothing without them."""
    if not (output / "simulate/findings_pairs.tsv").exists():
        return []
    pairs, chains = (read_commented(path=output / f"simulate/findings_{name}.tsv") for name in ("pairs", "chains"))
    lines = [] if pairs.empty else [
        "  planted pairs of two layers: rho, q over all pairs of these layers, q over the declared pairs:",
        f"    {'state':<10}{'pair':<58}{'rho':>7}{'q':>9}{'declared':>10}",
    ]  # fmt: skip
    lines += [
        f"    {row.state:<10}{f'{row.name_b} - {row.name_a}':<58}{row.rho:>7.2f}{row.q:>9.2g}{row.q_declared:>10.2g}"
        for row in pairs.itertuples(index=False)
    ]
    for row in chains.itertuples(index=False):
        rank = f"rank {row.rank:.0f} of {row.listed}" if row.rank == row.rank else f"not among {row.listed}"
        lines.append(
            f"  planted chain, {row.state}: {row.species} -> {row.compound} -> {row.subset}: {rank}, "
            f"joint p {row.p_joint:.2g}, q {row.q:.2g}"
        )
    return lines


def _missing(lost: pd.DataFrame) -> int:
    return sum(len(names.split(",")) for names in lost["pathways_missing"])


def main() -> None:
    """Print the recovery of the run named on the command line, and where to look next."""
    output = Path(sys.argv[1])
    print(render_recovery(output=output))
    report = {"Report": "report/index.html", "MultiQC": "report/multiqc.html"}
    places = {**report, "Layers": "layers", "Results": "differential"}
    print("\n" + "\n".join(f"{name + ':':<9}{output / path}" for name, path in places.items()))


if __name__ == "__main__":
    main()

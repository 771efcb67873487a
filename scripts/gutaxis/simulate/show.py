"""Print planted against recovered of a finished simulated run: ``python -m gutaxis.simulate.show results/demo``."""

import sys
from pathlib import Path

import pandas as pd


def render_recovery(*, output: Path) -> str:
    """Return a finished simulated run's recovery as text.

    Parameters
    ----------
    output
        The run's ``output`` folder.

    Raises
    ------
    FileNotFoundError
        If the run has no ``simulate/recovery.tsv``.
    """
    samples = pd.read_csv(output / "simulate/recovery.tsv", sep="\t", keep_default_na=False)
    effects = pd.read_csv(output / "simulate/recovery_effects.tsv", sep="\t")
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
        "  species effects, log2 (no test, see differential abundance for that):",
        f"    {'contrast':<17}{'species':<32}{'planted':>8}{'recovered':>11}",
    ]
    lines += [
        f"    {row.contrast:<17}{row.species:<32}{row.planted:>8.2f}{row.recovered:>11.2f}"
        for row in effects.itertuples(index=False)
    ]
    return "\n".join(lines)


def _missing(lost: pd.DataFrame) -> int:
    return sum(len(names.split(",")) for names in lost["pathways_missing"])


def main() -> None:
    """Print the recovery of the run named on the command line, and where to look next."""
    output = Path(sys.argv[1])
    print(render_recovery(output=output))
    print(f"\nReport:  {output / 'report/multiqc.html'}\nLayers:  {output / 'layers'}")


if __name__ == "__main__":
    main()

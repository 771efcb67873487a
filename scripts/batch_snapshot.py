"""What a run keeps of itself for the next batch."""

from pathlib import Path

from gutaxis.batches.snapshot import write_snapshot
from gutaxis.entry import script

with script(snakemake):
    made, found = snakemake.output, snakemake.input
    root = Path(made.labels).parents[2]
    write_snapshot(
        root=root,
        samples=found.samples,
        outcomes=found.outcomes,
        layers=dict(zip(snakemake.params.layers, found.layers, strict=True)),
        tables=[Path(path).relative_to(root).as_posix() for path in found.tables],
        **{name: Path(path) for name, path in made.items()},
    )

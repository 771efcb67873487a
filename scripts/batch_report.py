"""What the newest batches change."""

from pathlib import Path

from gutaxis.batches.plan import plan_batches
from gutaxis.batches.report import Sources, write_batch_report
from gutaxis.entry import script

with script(snakemake):
    given, found = snakemake.params, snakemake.input
    files = zip(map(Path, found.layers), given.metrics.values(), map(Path, found.distances), strict=True)
    sources = Sources(
        snapshot=Path(found.snapshot[0]).parent,
        before=Path(given.before) if given.before else None,
        quality=dict(zip(given.assays, map(Path, found.quality), strict=True)),
        controls=Path(found.controls) if found.get("controls") else None,
        taxa=Path(found.taxa) if found.get("taxa") else None,
        layers=dict(zip(given.metrics, files, strict=True)),
    )
    write_batch_report(
        sources=sources,
        plan=plan_batches(sheets=given.sheets, chosen=given.newest),
        **{name: given[name] for name in ("fdr", "permutations", "seed")},
        template=Path(found.template),
        style=Path(found.style),
        targets={name: Path(path) for name, path in snakemake.output.items() if name != "page"},
        page=Path(snakemake.output.page),
    )

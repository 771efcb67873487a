"""The verdict, on the terminal."""

import sys
from pathlib import Path

from gutaxis.entry import script
from gutaxis.provenance.verdict import tell_verdict

with script(snakemake):
    words = tell_verdict(
        **{name: Path(snakemake.input[name]) for name in ("certificate", "manifest")},
        output=Path(snakemake.params.folder),
        parts=snakemake.params.parts,
    )
    print(words, file=sys.__stdout__)
    print(words)

"""The verdict, on the terminal."""

import sys
from pathlib import Path

from gutaxis.entry import script
from gutaxis.provenance.verdict import tell_verdict

with script(snakemake):
    words = tell_verdict(
        parts=snakemake.params.parts,
        **{name: Path(snakemake.input[name]) for name in ("certificate", "manifest")},
    )
    print(words, file=sys.__stdout__)
    print(words)

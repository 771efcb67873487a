"""GutAxis: the gut microbiota, metabolite and immune axis of a trial, from raw files to responder-linked results.

The library never sees Snakemake: functions take paths, tables and plain values. Entry scripts in ``scripts/`` call it.
"""

__version__ = "0.1.0"

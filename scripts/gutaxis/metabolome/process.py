"""From a feature table to the metabolite layer: all injections teach, or the reference batches alone."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metabolome.feature_table import FeatureTable, join_modes, read_feature_table
from gutaxis.metabolome.messages import Messages
from gutaxis.metabolome.process_frozen import process_frozen
from gutaxis.metabolome.process_learn import Processed, learn
from gutaxis.metabolome.process_settings import ProcessSettings


def process(*, table: FeatureTable, injections: pd.DataFrame, settings: ProcessSettings) -> Processed:
    """Filter, correct, normalise and impute a feature table, learning from all of it.

    Parameters
    ----------
    table, injections, settings
        As of :func:`gutaxis.metabolome.process_learn.learn`, which names the errors too.
    """
    return learn(table=table, injections=injections, settings=settings, messages=Messages())[0]


def process_files(
    *, tables: Sequence[tuple[Path, Path, Path]], injections: pd.DataFrame, settings: ProcessSettings,
    path_values: Path, path_state: Path, path_features: Path, path_controls: Path, path_feature_quality: Path,
    path_injection_quality: Path, path_components: Path, path_batches: Path, path_steps: Path, path_design: Path,
    path_messages: Path, reference: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Read the feature tables of the modes, process them together, and write the layer's tables and the quality tables.

    Parameters
    ----------
    tables
        Values, state and features of each mode or of one table, as
        :func:`gutaxis.metabolome.feature_table.write_feature_table` writes them.
    injections, settings
        As of :func:`process`.
    path_values, ...
        Files to write, one for each table of :class:`Processed`.
    reference
        Batches that teach everything, as of :func:`gutaxis.metabolome.process_frozen.process_frozen`; None: all do.

    Raises
    ------
    GutaxisError
        As :func:`process`, and M40, M41 of :func:`gutaxis.metabolome.feature_table.read_feature_table`.
    """
    parts = [read_feature_table(path_values=v, path_state=s, path_features=f) for v, s, f in tables]
    table = parts[0] if len(parts) == 1 else join_modes(tables=parts)
    if reference is None:
        done = process(table=table, injections=injections, settings=settings)
    else:
        done = process_frozen(table=table, injections=injections, settings=settings, reference=reference)
    unit = f"log2 of {table.unit}"
    write_tsv(done.values, path_values, index=True, comment=f"unit: {unit}")
    write_tsv(done.state, path_state, index=True)
    write_tsv(done.features, path_features, index=True, digits=8)
    write_tsv(done.controls, path_controls, index=True, comment=f"unit: {unit}")
    write_tsv(done.feature_quality, path_feature_quality, index=True, digits=6)
    for frame, path in (
        (done.injection_quality, path_injection_quality), (done.components, path_components),
        (done.batches, path_batches), (done.steps, path_steps), (done.design, path_design),
        (done.messages, path_messages),
    ):  # fmt: skip
        write_tsv(frame, path, digits=6)

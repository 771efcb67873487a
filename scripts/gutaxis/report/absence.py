"""Why a result is not there: one sentence per kind of file, said by the page in place of the item."""

ENDPOINTS = (
    "The responder status is given in the patients sheet (config response.source: given), so no endpoint is derived: "
    "that needs lesion measurements."
)


def absence_reasons(
    *,
    recist: bool,
    adverse_events: bool,
    metagenome: bool,
    functions: bool,
    metabolome: bool,
    finished_tables: bool,
    tissues: list[str],
    layers: int,
    survival: bool,
    predicted: list[str],
) -> dict[str, str]:
    """Return shell patterns of result files -> why such a file is missing in this run; the first that fits holds.

    Parameters
    ----------
    recist
        Whether endpoints are derived from lesion measurements.
    adverse_events
        Whether adverse events are given.
    metagenome, functions, metabolome
        Whether the arms have samples with files, and whether functional profiles are wanted.
    finished_tables
        Whether the metabolome comes as finished feature tables.
    tissues
        Tissues with single-cell samples.
    layers
        Number of layers that are read together.
    survival
        Whether the contrast ``survival`` is declared.
    predicted
        States that models are made for.
    """
    cells = {
        tissue: f"The sample sheets name no single-cell sample (assay SCRNA, material {material}) with files."
        for tissue, material in (("blood", "PBMC"), ("tumor", "TUMOR"))
    }
    models = f"The config asks for models of {', '.join(predicted)} only (prediction.states)."
    # holds or not, pattern, reason
    rows = [
        (recist and not adverse_events, "clinical/*adverse_events*", "The config names no sheet of adverse events."),
        (not recist, "clinical/*", ENDPOINTS),
        (not metagenome, "metagenome/*", "The sample sheets name no stool metagenome (assay MGX) with files."),
        (not functions, "*/pathways*", "Functional profiles are switched off (config metagenome.functions: false)."),
        (not metabolome, "metabolome/*", "The sample sheets name no plasma metabolome (assay METAB) with files."),
        (
            finished_tables,
            "metabolome/qc/*",
            "The metabolome comes as finished tables: no raw file can be judged.",
        ),
        *[(tissue not in tissues, f"single_cell/{tissue}/*", why) for tissue, why in cells.items()],
        *[(tissue not in tissues, f"*/{tissue}_*", why) for tissue, why in cells.items()],
        (not tissues, "single_cell/*", "The sample sheets name no single-cell sample (assay SCRNA) with files."),
        (not survival, "differential/*/survival.tsv", "The config declares no contrast `survival`."),
        (layers < 2, "integration/*", "Fewer than two layers can be set against each other in this run."),
        (layers >= 2, "integration/*", "The config does not ask for it (integration.states)."),
        (not predicted, "prediction/*", "No layer can be read by a model in this run."),
        (bool(predicted), "prediction/*", models),
        (True, "differential/*", "The config does not declare this contrast, or the run has no such layer."),
        (True, "diversity/*", "No layer of this run has a diversity of this kind: it needs compositions."),
        (True, "*", "This run does not make it."),
    ]
    return {pattern: reason for holds, pattern, reason in rows if holds}

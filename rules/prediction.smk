"""Prediction: response and PFS2 from the layers, everything fitted inside folds of patients.

Required: layers/{layer}.h5ad, clinical/sample_response.tsv. Gives, in prediction/{state}: performance, predictions,
importance, null, roc (tables and figures); prediction/locked/{model}.json on request, and prediction/applied of a locked
model on a new batch.
"""

PREDICTION = f"{OUT}/prediction"
PREDICTING = config["prediction"]["layers"] or INTEGRATED
PREDICTING_FILES = [f"{OUT}/layers/{layer}.h5ad" for layer in PREDICTING]
PREDICTION_TABLES = ("performance", "predictions", "importance", "null", "roc")
# What a model is made with; the rest of the section says which models are made.
PREDICTION_SETTINGS = {
    key: value for key, value in config["prediction"].items() if key not in {"layers", "states", "lock", "apply"}
} | {"prevalence": config["differential"]["prevalence"]}


rule prediction_models:
    """Every model of one state: nested cross-validation, leave-out schemes, shuffled outcomes."""
    input:
        layers=PREDICTING_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        **{name: f"{PREDICTION}/{{state}}/{name}.tsv" for name in PREDICTION_TABLES if name != "performance"},
        performance=report(
            f"{PREDICTION}/{{state}}/performance.tsv",
            caption="../resources/captions/prediction.rst",
            category="Prediction",
        ),
        roc_svg=f"{PREDICTION}/{{state}}/roc.svg",
        roc_html=f"{PREDICTION}/{{state}}/roc.html",
        calibration_svg=f"{PREDICTION}/{{state}}/calibration.svg",
        calibration_html=f"{PREDICTION}/{{state}}/calibration.html",
    log:
        f"{OUT}/logs/prediction_models/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/prediction_models/{{state}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: threads_up_to(4)
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(600),
    params:
        layers=PREDICTING,
        settings=PREDICTION_SETTINGS,
        reference=FROZEN["models"],
        seed=config["seed"],
        code=code("prediction_models"),
    message:
        "Prediction from layers, {wildcards.state}"
    script:
        "../scripts/prediction_models.py"


rule locked_model:
    """One model fitted to all patients and exported, to be applied to later batches."""
    input:
        layers=PREDICTING_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        f"{PREDICTION}/locked/{{state}}.{{model}}.json",
    log:
        f"{OUT}/logs/locked_model/{{state}}.{{model}}.log",
    benchmark:
        f"{OUT}/benchmarks/locked_model/{{state}}.{{model}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(120),
    params:
        layers=PREDICTING,
        settings=PREDICTION_SETTINGS,
        reference=FROZEN["models"],
        seed=config["seed"],
        code=code("locked_model"),
    message:
        "Locked model {wildcards.model}, {wildcards.state}"
    script:
        "../scripts/locked_model.py"


rule apply_model:
    """A locked model on the samples of a new batch: predictions, and whether the model applies to them."""
    input:
        model=(config["prediction"]["apply"] or {}).get("model", []),
        layers=PREDICTING_FILES,
    output:
        predictions=f"{PREDICTION}/applied/predictions.tsv",
        verdicts=f"{PREDICTION}/applied/verdicts.tsv",
    log:
        f"{OUT}/logs/apply_model/apply_model.log",
    benchmark:
        f"{OUT}/benchmarks/apply_model/apply_model.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        layers=PREDICTING,
        batch=(config["prediction"]["apply"] or {}).get("batch"),
        code=code("apply_model"),
    message:
        "Locked model on a new batch"
    script:
        "../scripts/apply_model.py"

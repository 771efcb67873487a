"""Which samples each part of a run learns from, for the record: read off the cohort while the workflow is parsed."""

from collections.abc import Mapping, Sequence

from gutaxis.cohort.model import Cohort
from gutaxis.layers.plan import LayerPlan, tissue_samples


def learned_from(
    *, cohort: Cohort, layers: Mapping[str, LayerPlan], predicting: Sequence[str]
) -> dict[str, dict[str, dict[str, str]]]:
    """Return part -> what of it -> patients' sample -> batch, and under ``analyses`` every patient's sample.

    Parameters
    ----------
    cohort
        The cohort of the run.
    layers
        All layers of the run.
    predicting
        Those that models are made of.
    """
    batch = cohort.samples["batch"].astype(str)

    def of(names: Sequence[str]) -> dict[str, str]:
        return {name: batch[name] for name in sorted(names)}

    found: dict[str, dict[str, dict[str, str]]] = {"normalisation": {}, "embedding": {}, "models": {}}
    if any(layer.arm == "metabolome" for layer in layers.values()):
        found["normalisation"]["metabolites"] = of(cohort.sample_ids(assay="METAB", control=False))
    found["embedding"] = {tissue: of(names) for tissue, names in tissue_samples(cohort=cohort).items()}
    if predicting:
        assays = {layers[name].assay for name in predicting}
        used = {name for assay in assays for name in cohort.sample_ids(assay=assay, control=False)}
        found["models"]["response and PFS2"] = of(sorted(used))
    found["analyses"] = {"all layers": of(cohort.sample_ids(control=False))}
    return found

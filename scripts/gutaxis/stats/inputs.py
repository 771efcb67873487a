"""What every analysis of a layer reads: the layer, and what is known of the outcome of its samples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

#: What a copy corrected for pictures says of itself; no analysis reads what carries it.
NOTE = "batch effects removed: for pictures only, never for tests"
#: Outcomes that designs need. They are joined here and are in no layer.
OUTCOMES = ("response", "pfs2_days", "pfs2_cnsr")


def read_inputs(*, layer: Path | str, outcomes: Path | str) -> tuple[ad.AnnData, pd.DataFrame]:
    """Return a layer and the outcomes of its samples, which meet here and nowhere else.

    Parameters
    ----------
    layer
        ``layers/{layer}.h5ad``.
    outcomes
        ``clinical/sample_response.tsv``.

    Returns
    -------
    tuple
        The layer; a table by sample_id with every column of sample_response, text as text, in the layer's order.

    Raises
    ------
    ValueError
        If the layer is a copy corrected for pictures.
    """
    adata = ad.read_h5ad(layer)
    if adata.uns.get("note") == NOTE:
        raise ValueError(f"{layer}: {NOTE}")
    text = {"sample_id": str, "patient_id": str, "response": str, "batch": str, "cohort": str}
    table = pd.read_csv(outcomes, sep="\t", comment="#", dtype=text, keep_default_na=False, na_values=["NA"])
    return adata, table.set_index("sample_id").reindex(adata.obs_names.astype(str))


def roles(*, contrasts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return contrast -> role of config ``contrasts``, in one order whatever the order of the config."""
    order = ("baseline", "post", "change", "response_change", "survival")
    return {name: str(contrasts[name]["role"]) for name in order if name in contrasts}


def samples_with_outcomes(*, adata: ad.AnnData, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return the layer's samples with the outcomes of their patients, as designs need them.

    Parameters
    ----------
    adata
        A layer.
    outcomes
        Index sample_id: ``OUTCOMES`` as far as they are known, and ``pair_status`` for a layer without it.
    """
    table = adata.obs.drop(columns=list(OUTCOMES), errors="ignore").copy()
    table.index = table.index.astype(str)
    names = [*OUTCOMES, *(["pair_status"] if "pair_status" not in table else [])]
    own = outcomes[[name for name in names if name in outcomes]]
    return table.join(own.set_axis(own.index.astype(str)))

"""Small samples of cells of known type, in the files that the rules of the single-cell arm pass around."""

from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from gutaxis.single_cell.markers import read_markers

MARKERS = Path(__file__).resolve().parents[1] / "resources" / "markers" / "cell_markers.tsv"
PROGRAMS = MARKERS.with_name("programs.tsv")
BLOOD = (
    "cd4_naive", "cd4_memory", "treg", "cd8_naive", "cd8_effector_memory", "nk", "b", "monocyte_classical",
    "monocyte_nonclassical", "cdc2",
)  # fmt: skip


def mean_profiles(*, types: tuple[str, ...], tissue: str, seed: int, lost: float = 0.25) -> pd.DataFrame:
    """Expected share of each gene: 300 genes of no meaning, and markers 12-fold up in their type.

    A quarter of the markers of every type and level do not work, as real ones do; every tenth works in another type.
    """
    rng = np.random.default_rng(seed)
    table = read_markers(path=MARKERS)
    table = table[table["tissue"].isin([tissue, "both"])]
    genes = [*sorted(set(table["gene"])), *(f"GENE{number}" for number in range(300))]
    base = pd.Series(rng.lognormal(0, 0.8, len(genes)), index=genes)
    base[table["gene"].unique()] *= 0.4
    parents = table.drop_duplicates("label").set_index("label")["parent"]
    profiles = {}
    for name in types:
        factor = pd.Series(1.0, index=genes)
        for label, level in ((name, "state"), (parents.get(name), "lineage"), (name, "lineage")):
            own = table[(table["label"] == label) & (table["level"] == level)]
            if level == "lineage" and label == "t_nk":
                own = own[own["set"] == ("nk" if name == "nk" else "t")]
            if level == "lineage" and label == "myeloid":
                own = own[own["set"] == {"cd": "conventional_dc", "mo": "monocyte"}.get(name[:2], "macrophage")]
            up = own["gene"][own["sign"] > 0].tolist()
            works = rng.random(len(up)) >= lost
            factor[[gene for gene, ok in zip(up, works, strict=True) if ok]] = 12.0
            factor[own["gene"][own["sign"] < 0].tolist()] = 0.1
        bled = rng.choice(genes, 10, replace=False)
        factor[bled] = np.maximum(factor[bled], 4.0)
        profiles[name] = base * factor
    made = pd.DataFrame(profiles).T
    return made.div(made.sum(axis=1), axis=0)


def write_sample(
    *, path: Path, sample: str, profiles: pd.DataFrame, sizes: Mapping[str, int], seed: int, depth: float = 2000.0
) -> pd.Series:
    """Write a counts file and return the type of each cell, by cell id."""
    rng = np.random.default_rng(seed)
    types = [name for name, n in sizes.items() for _ in range(n)]
    depths = rng.lognormal(np.log(depth), 0.3, len(types))
    rates = profiles.loc[types].to_numpy() * depths[:, None] if types else np.zeros((0, profiles.shape[1]))
    counts = rng.poisson(rng.gamma(2.0, rates / 2.0)) if types else rates
    cells = pd.Index([f"{sample}_CELL{number}" for number in range(len(types))], dtype=object)
    adata = ad.AnnData(
        X=sparse.csr_matrix(counts, dtype=np.float32),
        obs=pd.DataFrame({"sample_id": sample}, index=cells),
        var=pd.DataFrame({"gene_id": [f"ENSG{n}" for n in range(profiles.shape[1])]}, index=profiles.columns),
    )
    adata.write_h5ad(path, compression="lzf")
    return pd.Series(types, index=cells, dtype=object)


def write_embedding(*, path: Path, cells: pd.DataFrame) -> None:
    """Write an embedding without coordinates: sample_id and cluster by cell id."""
    obs = cells[["sample_id", "cluster"]].astype({"sample_id": str})
    obs = obs.assign(cluster=pd.Categorical(obs["cluster"].astype(str)))
    none = pd.DataFrame(index=pd.Index([], dtype=object))
    none = pd.DataFrame(index=pd.Index([], dtype=object))
    ad.AnnData(X=None, obs=obs, var=none, shape=(len(obs), 0)).write_h5ad(path)

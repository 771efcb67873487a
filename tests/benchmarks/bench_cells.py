"""Embedding of cells: peak memory and CPU of one job, against the chain of scanpy with all cells and genes in memory.

`make bench-cells` runs it: simulated samples of 5,000 cells x 20,000 genes (2,000 of them in a cell, 12 types), written
once; then our job on 50,000 to 480,000 cells, and the usual chain on 100,000. Both start from the same files and end
at clusters; ours also makes the votes of the samples, which the workflow takes from the per-sample jobs. Each
measurement is a process of its own: its peak is its largest resident memory, imported packages included. One thread.
Needs 6 GB of disk and, in full, about half an hour of one core.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Large packages are imported by the children alone: a child's peak is never below that of the process that started it.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
PROJECT = Path(__file__).resolve().parents[2]
PER_SAMPLE, N_GENES, N_TYPES, DEPTH = 5000, 20_000, 12, 2400
JOB_GB, FEWER, LIMIT_GB, MILLION = 6.0, 4.0, 12.0, 1_000_000


def usage() -> tuple[float, float]:
    """Return CPU seconds and peak resident memory (GB) of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2


def generate(*, folder: Path, numbers: list[int]) -> dict:
    """Write the samples that are not there yet."""
    import numpy as np
    from tests.cell_samples import draw_counts, profiles, write_sample

    shares = profiles(n_types=N_TYPES, n_genes=N_GENES, n_markers=400, strength=1.5)
    genes = [f"GENE{number}" for number in range(N_GENES)]
    mix = np.random.default_rng(0).dirichlet(np.full(N_TYPES, 2.0))
    filled = 0.0
    for number in numbers:
        rng = np.random.default_rng([7, number])
        types = rng.choice(N_TYPES, PER_SAMPLE, p=rng.dirichlet(mix * 50))
        counts = draw_counts(shares=shares, types=types, depth=DEPTH, rng=rng)
        sample = f"S{number:03d}"
        write_sample(path=folder / f"{sample}.h5ad", sample=sample, counts=counts, genes=genes, types=types)
        filled += counts.nnz / PER_SAMPLE / len(numbers)
    return {"genes_per_cell": round(filled)}


def ours(*, files: dict[str, Path], folder: Path) -> dict:
    """Run the job of the workflow."""
    from gutaxis.single_cell.embed_files import embed_files
    from gutaxis.single_cell.embed_settings import EmbedSettings

    embed_files(
        samples=files,
        batches={},
        settings=EmbedSettings(map_cells=0),
        embedding=folder / "ours.h5ad",
        hvg=folder / "ours.tsv",
    )
    cpu, peak = usage()
    return {"cpu": cpu, "peak": peak} | agreement(folder=folder, name="ours")


def usual(*, files: dict[str, Path], folder: Path) -> dict:
    """Run the chain of scanpy on all cells x all genes, with the counts kept as a layer."""
    import anndata as ad
    import harmonypy
    import scanpy as sc

    adata = ad.concat([ad.read_h5ad(path) for path in files.values()])
    adata.layers["counts"] = adata.X.copy()
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=2000, batch_key="sample_id")
    sc.pp.pca(adata, n_comps=30, svd_solver="arpack", mask_var="highly_variable", random_state=0)
    even = harmonypy.run_harmony(adata.obsm["X_pca"], adata.obs, "sample_id", ncores=1, verbose=False)
    adata.obsm["X_harmony"] = even.Z_corr
    sc.pp.neighbors(adata, n_neighbors=15, use_rep="X_harmony", random_state=0)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2, directed=False, random_state=0, key_added="cluster")
    cpu, peak = usage()
    ad.AnnData(obs=adata.obs[["sample_id", "cluster"]]).write_h5ad(folder / "usual.h5ad")
    return {"cpu": cpu, "peak": peak} | agreement(folder=folder, name="usual")


def agreement(*, folder: Path, name: str) -> dict:
    """Return the number of clusters and how pure they are in the simulated types."""
    import anndata as ad
    import pandas as pd
    from sklearn.metrics import homogeneity_score

    obs = ad.read_h5ad(folder / f"{name}.h5ad").obs
    samples = sorted(obs["sample_id"].astype(str).unique())
    truth = pd.concat(
        [ad.read_h5ad(folder / f"{sample}.h5ad", backed="r").obs["type"].astype(str) for sample in samples]
    )
    pure = homogeneity_score(truth[obs.index], obs["cluster"])
    return {"cells": len(obs), "clusters": int(obs["cluster"].nunique()), "homogeneity": round(float(pure), 3)}


def child(*, part: str, cells: int, folder: Path) -> dict:
    """Run one part in a process of its own and return what it measured; wall seconds added."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--child", part, "--cells", str(cells), "--folder", str(folder)],
        env=os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "scripts"), str(PROJECT)])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    made = json.loads(done.stdout.splitlines()[-1]) | {"wall": time.perf_counter() - start}
    if "cpu" in made:
        spent = f"peak {made['peak']:5.2f} GB, CPU {made['cpu']:6.0f} s, wall {made['wall']:5.0f} s"
        found = f"{made['clusters']} clusters, homogeneity {made['homogeneity']}"
        print(f"  {part:5s} {cells:>7,} cells: {spent}, {found}", flush=True)
    return made


def verdict(*, words: str, held: bool) -> bool:
    """Print a target and whether it is met."""
    print(f"{'met   ' if held else 'MISSED'} {words}", flush=True)
    return held


def measure(*, folder: Path, sizes: list[int], against: int) -> bool:
    """Write the samples, measure and print; return whether every target was met."""
    start, wanted = time.perf_counter(), range(max([*sizes, against]) // PER_SAMPLE)
    missing = [number for number in wanted if not (folder / f"S{number:03d}.h5ad").exists()]
    if missing:
        made = child(part="make", cells=len(wanted) * PER_SAMPLE, folder=folder)
        spent = time.perf_counter() - start
        print(f"{len(missing)} samples written, {made['genes_per_cell']} genes a cell, {spent:.0f} s", flush=True)
    met = True
    curve = {cells: child(part="ours", cells=cells, folder=folder) for cells in sizes}
    if against:
        mine = curve.get(against) or child(part="ours", cells=against, folder=folder)
        other = child(part="usual", cells=against, folder=folder)
        times = other["peak"] / mine["peak"]
        met &= verdict(words=f"peak {times:.1f} x below the usual chain (at least {FEWER:g} x)", held=times >= FEWER)
        share = mine["cpu"] / other["cpu"]
        met &= verdict(words=f"CPU {share:.2f} of the usual chain's (at most 1)", held=share <= 1)
    if sizes:
        most = max(sizes)
        words = f"{most:,} cells in one job: {curve[most]['peak']:.2f} GB (at most {JOB_GB:g} GB)"
        met &= verdict(words=words, held=curve[most]["peak"] <= JOB_GB)
    if len(sizes) > 1:
        # The steepest line through two neighbouring points, so that the guess for a million is not too low.
        steps = list(zip(sorted(sizes), sorted(sizes)[1:], strict=False))
        slope = max((curve[b]["peak"] - curve[a]["peak"]) / (b - a) for a, b in steps)
        million = curve[most]["peak"] + slope * (MILLION - most)
        words = f"one million cells in one job: {million:.1f} GB, extrapolated (at most {LIMIT_GB:g} GB)"
        met &= verdict(words=words, held=million <= LIMIT_GB)
    return met


def main() -> None:
    """Measure, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[50_000, 100_000, 200_000, 480_000])
    parser.add_argument("--against", type=int, default=100_000, help="cells of the comparison; 0: none")
    parser.add_argument("--folder", type=Path, help="where the samples are kept; default: a temporary folder")
    parser.add_argument("--child", choices=("make", "ours", "usual"), help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        numbers = range(arguments.cells // PER_SAMPLE)
        files = {f"S{number:03d}": arguments.folder / f"S{number:03d}.h5ad" for number in numbers}
        if arguments.child == "make":
            missing = [number for number in numbers if not (arguments.folder / f"S{number:03d}.h5ad").exists()]
            made = generate(folder=arguments.folder, numbers=missing)
        else:
            made = {"ours": ours, "usual": usual}[arguments.child](files=files, folder=arguments.folder)
        print(json.dumps(made))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sys.exit(0 if measure(folder=folder, sizes=arguments.sizes, against=arguments.against) else 1)


if __name__ == "__main__":
    main()

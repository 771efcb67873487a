"""A simulated study of finished tables as a run of its own: sheets, tables and a config.

``python -m gutaxis.simulate.multilayer_run --out FOLDER --n 48`` writes patients.tsv, samples.tsv, one table per layer,
truth.json and config.yaml; ``snakemake --configfile FOLDER/config.yaml`` then runs every analysis on it. All of it is
simulated (:mod:`gutaxis.simulate.multilayer`).
"""

import argparse
import json
from pathlib import Path

import pandas as pd
import yaml

from gutaxis.files import atomic_write, write_tsv
from gutaxis.simulate.multilayer import PROFILES, Study, simulate_study
from gutaxis.simulate.multilayer_values import LAYERS, SIZES

#: Units of the tables, as the config wants them.
UNITS = {"compositional": "fraction", "log_intensity": "log2", "continuous": "other"}


def write_run(*, study: Study, folder: Path, output: str) -> None:
    """Write sheets, tables and config of a study.

    Parameters
    ----------
    study
        Of :func:`gutaxis.simulate.multilayer.simulate_study`.
    folder
        Receives the files; the config names them by this path.
    output
        Results folder that the config names.
    """
    rows = study.outcomes
    patients = rows.drop_duplicates("patient_id")[["patient_id", "cohort", "response"]].sort_values("patient_id")
    known = rows.drop_duplicates("patient_id").set_index("patient_id")["antibiotics"]
    write_tsv(
        patients.assign(ildr_date=1, abx_60d=patients["patient_id"].map(known)),
        folder / "patients.tsv",
    )
    # layers of one assay come from the same samples
    ids = rows["patient_id"] + "_" + rows["timepoint"] + "_" + rows["assay"]
    samples = rows[["patient_id", "assay", "material", "timepoint", "batch"]].assign(
        sample_id=ids, collect_date=study_day(days=rows["days_from_ildr"])
    )
    write_tsv(samples.drop_duplicates("sample_id").sort_values("sample_id"), folder / "samples.tsv")
    named = dict(zip(rows["sample_id"], ids, strict=True))
    layers = {}
    for name, adata in study.layers.items():
        index = adata.obs_names.map(named).rename("sample_id")
        table = pd.DataFrame(adata.X, index=index, columns=adata.var_names)
        write_tsv(table, folder / f"{name}.tsv", index=True)
        kind, _, assay, _, _, _ = LAYERS[name]
        layers[name] = {
            "source": "table", "path": str(folder / f"{name}.tsv"), "kind": kind, "unit": UNITS[kind], "assay": assay,
        }  # fmt: skip
    truth = {
        "simulated": True,
        "profile": study.profile,
        "chain": study.chain,
        **{name: getattr(study, name).to_dict("records") for name in ("pairs", "responders", "changes")},
    }
    config = {
        "output": output,
        "dates": "study_day",
        "cohort": {"patients": str(folder / "patients.tsv"), "samples": [str(folder / "samples.tsv")]},
        "response": {"source": "given"},
        "metagenome": {"functions": False},
        "layers": layers,
        "report": {"title": f"Simulated study of {len(patients)} patients"},
    }
    if study.chain and {"taxa", "metabolites", "blood_cells"} <= set(layers):
        config["integration"] = {
            "mediation": {"species": ["taxa"], "metabolites": ["metabolites"], "immune": ["blood_cells"]}
        }
    for name, text in (
        ("truth.json", json.dumps(truth, indent=1, sort_keys=True) + "\n"),
        ("config.yaml", "# Simulated data.\n" + yaml.safe_dump(config, sort_keys=False)),
    ):
        with atomic_write(folder / name) as part:
            part.write_text(text, encoding="utf-8")


def study_day(*, days: pd.Series) -> pd.Series:
    """Return study days of days from ILDR: ILDR is day 1, the day before it -1, there is no day 0."""
    return days.where(days < 0, days + 1).astype(int)


def main() -> None:
    """Write a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="detectable")
    parser.add_argument("--results", default=None, help="results folder (default: results below --out)")
    parser.add_argument("--sizes", default=",".join(f"{name}={size}" for name, size in SIZES.items()))
    arguments = parser.parse_args()
    sizes = {name: int(size) for name, size in (part.split("=") for part in arguments.sizes.split(","))}
    study = simulate_study(n=arguments.n, seed=arguments.seed, sizes=sizes, profile=arguments.profile)
    write_run(study=study, folder=arguments.out, output=arguments.results or str(arguments.out / "results"))


if __name__ == "__main__":
    main()

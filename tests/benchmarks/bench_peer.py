"""This metagenome arm against biobakery_workflows wmgx on the same reads, databases and cores: wall, CPU, results.

``make bench`` runs it. Four simulated samples, the same miniature databases. The order is ours, peer, ours, peer,
and the ratio is that of the medians. The peer's clock stops at its last pathway table: the steps after it need a
download that this machine may not have, and what fails there is not timed. Ours starts from nothing each time.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

from gutaxis.metagenome.kneaddata import JAR_FOLDERS, TRF_WRAPPER, find_adapters, find_share
from gutaxis.provenance.environment import prepare_environment
from gutaxis.simulate.__main__ import write_trial
from gutaxis.simulate.catalogue import INDEX

ROOT = Path(__file__).parents[2]
FOLDER = Path("results/bench_peer")
PEER = ROOT / ".tools/peer/bin"
SAMPLES = 4
LIMIT = 0.6
#: Largest Bray-Curtis distance of a sample's species, and difference of a pathway's share of the sample.
SAME = 0.01


def prepare(*, pairs: int) -> tuple[Path, list[str]]:
    """Write a trial of four stool samples and make its reads and databases; return its config and the samples."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    config = write_trial(
        out=FOLDER / "trial", data=FOLDER / "data", patients=4, seed=3, pairs=pairs, output=str(FOLDER / "ours"),
        qcs=2, blanks=1, cells=150,
    )  # fmt: skip
    chosen: list[str] = []
    settings = yaml.safe_load(config.read_text())
    for sheet in settings["cohort"]["samples"]:
        rows = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False)
        stool = rows[(rows["assay"] == "MGX") & (rows["patient_id"] != "") & (rows["patient_id"] != "NA")]
        stool = stool.head(SAMPLES - len(chosen))
        stool.to_csv(sheet, sep="\t", index=False)
        chosen += stool["sample_id"].tolist()
    settings["cohort"]["samples"] = [s for s in settings["cohort"]["samples"] if len(pd.read_csv(s, sep="\t"))]
    config.write_text(yaml.safe_dump(settings))
    wanted = [f"{FOLDER}/data/databases/{name}" for name in ("host", "metaphlan", "nucleotide", "protein", "pathways")]
    wanted += [str(lane) for mates in lanes(config=config).values() for mate in mates for lane in mate]
    snakemake(config=config, targets=wanted)
    return config, chosen


def lanes(*, config: Path) -> dict[str, tuple[list[Path], list[Path]]]:
    """Return sample -> files of its first and of its second mates, from the sheets."""
    found = {}
    for sheet in map(Path, yaml.safe_load(config.read_text())["cohort"]["samples"]):
        for row in pd.read_csv(sheet, sep="\t", dtype=str).itertuples():
            mates = [
                [Path(os.path.normpath(sheet.parent / lane)) for lane in files.split(";")]
                for files in (row.file_1, row.file_2)
            ]
            found[row.sample_id] = (mates[0], mates[1])
    return found


def snakemake(*, config: Path, targets: list[str]) -> None:
    """Run the workflow."""
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2", "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(config)], check=True)


def timed(*, job: list[str], done: list[Path], log: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a program; return seconds until the last of some files was written, and CPU seconds of all of it."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    with log.open("w") as text:
        subprocess.run(job, stdout=text, stderr=subprocess.STDOUT, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    missing = [path.name for path in done if not path.exists()]
    if missing:
        raise SystemExit(f"{job[0]}: {', '.join(missing)} not made, see {log}")
    wall = max(path.stat().st_mtime for path in done) - start
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_ours(*, config: Path, samples: list[str]) -> tuple[float, float]:
    """Read check, KneadData, MetaPhlAn, HUMAnN of every sample."""
    shutil.rmtree(FOLDER / "ours", ignore_errors=True)
    done = [FOLDER / f"ours/metagenome/functions/{sample}_pathabundance.tsv" for sample in samples]
    command = [sys.executable, "-m", "snakemake", *map(str, done), "--cores", "2", "--quiet", "all"]
    command += ["--configfile", str(config)]
    return timed(job=command, done=done, log=FOLDER / "ours.log", environment=dict(os.environ))


def peer_inputs(*, config: Path) -> Path:
    """Lay reads and databases out as the peer wants them: one file a mate, no hidden file; KneadData's shims beside."""
    # HUMAnN stops at any file in a database's folder that does not carry its version, Snakemake's time stamp too
    shutil.copytree(FOLDER / "data/databases", FOLDER / "peer_databases", ignore=shutil.ignore_patterns(".*"))
    folder = FOLDER / "peer_reads"
    folder.mkdir()
    for sample, mates in lanes(config=config).items():
        for number, files in enumerate(mates, start=1):
            with open(folder / f"{sample}_R{number}.fastq.gz", "wb") as target:
                for lane in files:
                    target.write(lane.read_bytes())
    shims = FOLDER / "shims"
    shims.mkdir()
    wrapper = shims / "trf"
    wrapper.write_text(TRF_WRAPPER.format(trf=shutil.which("trf")))
    wrapper.chmod(0o755)
    adapters = PEER.parent / "lib/python3.11/site-packages/kneaddata/adapters"
    if not adapters.exists():
        shutil.copytree(find_adapters(adapters="NexteraPE", paired=True).parent, adapters)
    return folder


def run_peer(*, reads: Path, samples: list[str]) -> tuple[float, float]:
    """Run wmgx with the options of notes on the same tools."""
    out = FOLDER / "peer"
    shutil.rmtree(out, ignore_errors=True)
    data = (FOLDER / "peer_databases").resolve()
    jars = find_share(pattern="trimmomatic*.jar", folders=JAR_FOLDERS, what="The Trimmomatic jar").parent
    done = [out / f"humann/main/{sample}_pathabundance.tsv" for sample in samples]
    command = [
        str(PEER / "biobakery_workflows"), "wmgx", "--input", str(reads), "--output", str(out),
        "--input-extension", "fastq.gz", "--pair-identifier", "_R1", "--threads", "1", "--local-jobs", "2",
        "--grid-jobs", "0", "--bypass-strain-profiling", "--contaminate-databases", str(data / "host"),
        f"--qc-options=--trimmomatic {jars} --trf {(FOLDER / 'shims').resolve()}",
        f"--taxonomic-profiling-options=--bowtie2db {data / 'metaphlan'} --index {INDEX} --offline",
        f"--functional-profiling-options=--nucleotide-database {data / 'nucleotide'} "
        f"--protein-database {data / 'protein'}",
    ]  # fmt: skip
    environment = {**os.environ, "KNEADDATA_DB_HUMAN_GENOME": str(data / "host")}
    environment["PATH"] = os.pathsep.join([str(PEER.resolve()), environment["PATH"]])
    return timed(job=command, done=done, log=FOLDER / "peer.log", environment=environment)


def species(*, path: Path) -> pd.Series:
    """Return species -> share of the classified part, from a MetaPhlAn profile."""
    rows = [line.rstrip("\n").split("\t") for line in path.open() if not line.startswith("#")]
    kept = {row[0].split("|")[-1]: float(row[2]) for row in rows if "|s__" in row[0] and "|t__" not in row[0]}
    found = pd.Series(kept, dtype=float)
    return found / found.sum()


def pathways(*, path: Path) -> pd.Series:
    """Return pathway -> share of all pathways, from a HUMAnN table, rows by species left out."""
    table = pd.read_csv(path, sep="\t", index_col=0).iloc[:, 0]
    table = table[[not name.startswith("UN") and "|" not in name for name in table.index]]
    table = table[table > 0]
    table.index = [name.split(":")[0] for name in table.index]
    return table / table.sum()


def compare(*, samples: list[str]) -> pd.DataFrame:
    """Return, for each sample, Bray-Curtis of the species and of the pathways, and pathways that one side lacks."""
    rows = []
    for sample in samples:
        sides = [
            (species(path=FOLDER / f"ours/metagenome/profiles/{sample}.tsv"),
             pathways(path=FOLDER / f"ours/metagenome/functions/{sample}_pathabundance.tsv")),
            (species(path=next((FOLDER / "peer/metaphlan").rglob(f"{sample}_taxonomic_profile.tsv"))),
             pathways(path=FOLDER / f"peer/humann/main/{sample}_pathabundance.tsv")),
        ]  # fmt: skip
        distances = [a.sub(b, fill_value=0).abs().sum() / 2 for a, b in zip(*sides, strict=True)]
        lacking = len(set(sides[0][1].index) ^ set(sides[1][1].index))
        rows.append((sample, len(sides[0][0]), len(sides[0][1]), *distances, lacking))
    columns = ["sample", "species", "pathways", "species_bray_curtis", "pathways_bray_curtis", "pathways_of_one_side"]
    return pd.DataFrame(rows, columns=columns)


def main() -> None:
    """Measure, print, and fail if the limits are missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000, help="read pairs of a sample")
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    prepare_environment(base=ROOT)
    config, samples = prepare(pairs=arguments.pairs)
    reads = peer_inputs(config=config)
    times: dict[str, list[tuple[float, float]]] = {"this workflow": [], "biobakery_workflows": []}
    for _ in range(arguments.repeats):
        times["this workflow"].append(run_ours(config=config, samples=samples))
        times["biobakery_workflows"].append(run_peer(reads=reads, samples=samples))
    walls = {}
    for name, runs in times.items():
        walls[name] = statistics.median(wall for wall, _ in runs)
        shown = ", ".join(f"{wall:.0f}" for wall, _ in runs)
        cpu = statistics.median(used for _, used in runs)
        print(f"{name:20} wall {walls[name]:5.0f} s ({shown}), CPU {cpu:5.0f} s, {len(samples)} samples, 2 cores")
    ratio = walls["this workflow"] / walls["biobakery_workflows"]
    table = compare(samples=samples)
    print(f"ratio of wall: {ratio:.2f} (limit {LIMIT})")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    worst = table[["species_bray_curtis", "pathways_bray_curtis"]].max().max()
    if ratio > LIMIT or worst > SAME or table["pathways_of_one_side"].sum():
        raise SystemExit("beyond the limits")


if __name__ == "__main__":
    main()

"""Rates from the benchmarks of a run, and the estimate that they give."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.report.estimate import disk_gb, estimate, read_rates, words, work_gb, write_estimate
from gutaxis.report.rates import base_and_slope, job_sizes, processor_seconds, rates, total_gb

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
HEADER = "s\th:m:s\tmax_rss\tcpu_time\n"


def benchmark(results, rule, job, seconds, clock=100):
    path = results / "benchmarks" / rule / f"{job}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{clock}\t0:01:40\t5\t{seconds}\n")


def test_sizes_of_jobs_on_samples_parts_and_groups(tmp_path):
    files = {
        "M1": ([raw(tmp_path, "m1p", 1)], [raw(tmp_path, "m1n", 2)]),
        "M2": ([raw(tmp_path, "m2p", 4)], []),
        "M3": ([raw(tmp_path, "m3p", 8)], []),
        "C1": ([raw(tmp_path, "c1", 16)], []),
    }
    assays = {"M1": "METAB", "M2": "METAB", "M3": "METAB", "C1": "SCRNA"}
    samples = pd.DataFrame(
        {"batch": ["B1", "B1", "B2", "B1"], "material": ["PLASMA"] * 3 + ["PBMC"]}, index=list(files)
    )
    cohort = SimpleNamespace(
        samples=samples,
        sample_ids=lambda **chosen: [name for name in files if chosen.get("assay", assays[name]) == assays[name]],
        files=lambda sample_id: files[sample_id],
    )
    sizes = {name: round(1000 * gb) for name, gb in job_sizes(cohort=cohort, root=tmp_path).items()}
    assert sizes == {
        "positive.M1": 1, "positive.M2": 4, "positive.M3": 8, "positive.B1.1": 5, "positive.B2.1": 8, "positive": 13,
        "negative.M1": 2, "negative.B1.1": 2, "negative": 2,
        "blood.C1": 16, "blood.B1.1": 16, "blood": 16,
        "M1": 3, "M2": 4, "M3": 8, "C1": 16,
    }  # fmt: skip


def raw(folder, name, megabytes):
    path = folder / name
    path.write_bytes(b"\0" * int(megabytes * 1e6))
    return str(path)


@pytest.fixture
def results(tmp_path):
    """A finished run: six samples, cleaning takes 2 s and 3 s per MB, and keeps half of the size."""
    results = tmp_path / "results"
    for number in range(1, 7):
        benchmark(results, "clean_reads", f"S{number}", 2 + 3 * number)
        (results / "metagenome/reads").mkdir(parents=True, exist_ok=True)
        raw(results / "metagenome/reads", f"S{number}.fastq.gz", number / 2)
        benchmark(results, "profile_taxa", f"S{number}", 10 if number % 2 else 20)
    for tissue in ("blood.t_nk", "blood.myeloid"):
        benchmark(results, "embed_subset", tissue, 30)
    benchmark(results, "evidence", "evidence", 7)
    benchmark(results, "simulate_reads", "S1", 1000)
    benchmark(results, "findings", "findings", 1000)
    benchmark(results, "validate", "validate", 1000)
    (results / "layers").mkdir()
    raw(results / "layers", "taxa.tsv", 4)
    return results


SIZES = {f"S{number}": number / 1e3 for number in range(1, 7)} | {"blood": 0.002}


def test_rates_are_base_and_slope_where_sizes_tell_and_means_elsewhere(results):
    table = rates(results=results, sizes=SIZES).set_index("rule")
    assert table.index.tolist() == ["clean_reads", "embed_subset", "evidence", "profile_taxa", "others"]
    clean = table.loc["clean_reads"]
    assert clean["basis"] == "fit"
    assert clean[["cpu_s", "cpu_s_per_gb", "disk_mb_per_gb"]].astype(float).tolist() == pytest.approx([2, 3000, 500])
    assert table.at["profile_taxa", "basis"] == "mean", "time does not follow size"
    assert table.at["profile_taxa", "cpu_s"] == pytest.approx(15)
    assert table.at["profile_taxa", "mean_gb"] == pytest.approx(0.0035)
    assert table.at["embed_subset", "mean_gb"] == pytest.approx(0.002), "a part of a tissue goes back to its files"
    assert np.isnan(table.at["evidence", "mean_gb"])
    benchmarks = sum(path.stat().st_size for path in (results / "benchmarks").rglob("*.tsv")) / 1e6
    assert table.at["others", "disk_mb"] == pytest.approx(4 + benchmarks)


def test_no_benchmarks_are_told(tmp_path):
    with pytest.raises(GutaxisError, match="has no benchmarks"):
        rates(results=tmp_path, sizes={})


@pytest.mark.parametrize(
    ("gb", "seconds"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4]),  # too few
        ([1, 1.1, 1.2, 1.3, 1.4], [1, 2, 3, 4, 5]),  # too alike
        ([0, 1, 2, 3, 4], [1, 2, 3, 4, 5]),  # a size that is not known
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]),  # less for more
        ([1, 2, 3, 4, 5], [3, 3, 3, 3, 3]),
    ],
)
def test_sizes_that_cannot_tell(gb, seconds):
    assert base_and_slope(gb=np.array(gb, float), seconds=np.array(seconds, float)) is None


def test_a_base_is_never_negative():
    base, slope = base_and_slope(gb=np.arange(1.0, 7), seconds=10 * np.arange(1.0, 7) - 8)
    assert base == 0
    assert 0 < slope < 10


def test_clock_stands_in_for_processor_time_that_was_not_measured(tmp_path):
    benchmark(tmp_path, "a", "none", "-", clock=3.5)
    benchmark(tmp_path, "a", "zero", 0, clock=2.5)
    benchmark(tmp_path, "a", "some", 1.5)
    found = [processor_seconds(tmp_path / f"benchmarks/a/{name}.tsv") for name in ("none", "zero", "some")]
    assert found == [3.5, 2.5, 1.5]


def test_size_of_folders_and_of_what_is_not_there(tmp_path):
    raw(tmp_path, "a", 2)
    (tmp_path / "folder").mkdir()
    raw(tmp_path / "folder", "b", 3)
    assert total_gb(["a", "folder", "gone"], root=tmp_path) == pytest.approx(0.005)


@pytest.fixture
def known(results, tmp_path):
    """The rates as they are read back from a table."""
    path = tmp_path / "rates.tsv"
    table = rates(results=results, sizes=SIZES)
    path.write_text("# made by a command\n# 6 patients\n" + table.to_csv(sep="\t", index=False, na_rep="NA"))
    return path


def test_estimate_of_the_measured_run_is_the_measured_run(known, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    files = [[raw(folder, f"S{number}", number)] for number in range(1, 7)]
    table = estimate(jobs={"clean_reads": files, "evidence": [[]]}, rates=read_rates(path=known)[0], production=False)
    table = table.set_index("rule")
    assert table.at["clean_reads", "cpu_hours"] * 3600 == pytest.approx(sum(2 + 3 * number for number in range(1, 7)))
    assert table.at["clean_reads", "input_gb"] == pytest.approx(0.021)
    assert table.at["clean_reads", "disk_gb"] == pytest.approx(0.0105)
    assert table.at["evidence", "cpu_hours"] * 3600 == pytest.approx(7)
    assert table.at["TOTAL", "cpu_hours"] * 3600 == pytest.approx(75 + 7)
    assert table.at["TOTAL", "jobs"] == 7
    assert not table["note"].str.contains("lower|times").any()


def test_larger_files_give_a_range_and_say_so(known, tmp_path):
    files = [[raw(tmp_path, "big", 35)]]
    table = estimate(jobs={"profile_taxa": files}, rates=read_rates(path=known)[0], production=True).set_index("rule")
    row = table.loc["profile_taxa"]
    assert row["cpu_hours"] * 3600 == pytest.approx(15)
    assert row["cpu_hours_high"] * 3600 == pytest.approx(150), "ten times the mean file"
    assert "files up to 6 times what was measured" in row["note"]
    assert "more with large databases" in row["note"]


def test_files_still_to_be_made_count_as_those_measured(known):
    table = estimate(jobs={"clean_reads": [["gone.fq"]]}, rates=read_rates(path=known)[0], production=False)
    row = table.set_index("rule").loc["clean_reads"]
    assert row["cpu_hours"] * 3600 == pytest.approx(2 + 3 * 3.5)
    assert "1 not there yet, taken as 3.5 MB" in row["note"]


def test_a_rule_without_a_rate_is_named_and_not_counted(known):
    table = estimate(
        jobs={"liana": [[]], "evidence": [[]], "fastqc": []}, rates=read_rates(path=known)[0], production=False
    )
    assert "fastqc" not in set(table["rule"])
    assert table.set_index("rule").at["TOTAL", "cpu_hours"] * 3600 == pytest.approx(7)
    assert "not counted, no rate: liana" in words(table=table, about="x", cores=1, work=0)


def test_work_folder_of_humann_is_that_of_the_largest_jobs_at_once(tmp_path):
    jobs = {"profile_functions": [[raw(tmp_path, f"S{number}", number)] for number in (1, 5, 3)]}
    assert work_gb(jobs=jobs, at_once=2) == pytest.approx(14 * 0.008)
    assert work_gb(jobs={}, at_once=2) == 0


def test_disk_of_a_whole_run_is_results_and_work_folders(known, tmp_path):
    jobs = {"profile_functions": [[raw(tmp_path, "S1", 500)]]}
    table = estimate(jobs=jobs, rates=read_rates(path=known)[0], production=False)
    total = disk_gb(jobs=jobs, rates=known, production=False, at_once=1)
    assert total == pytest.approx(table["disk_gb"].iloc[-1] + 14 * 0.5)


def test_words_and_table_agree(known, tmp_path):
    output = tmp_path / "estimate.tsv"
    text = write_estimate(jobs={"evidence": [[]] * 600}, rates=known, production=False, cores=4, output=output)
    assert "Processor time 1.2 h: about 18 min on four cores." in text
    assert "Rates: made by a command; 6 patients." in text
    table = pd.read_csv(output, sep="\t", comment="#")
    assert table.iloc[-1]["rule"] == "TOTAL"
    assert table.iloc[-1]["cpu_hours"] == pytest.approx(600 * 7 / 3600, rel=1e-3)
    assert all(line.startswith("# ") or line == "#" for line in output.read_text().splitlines()[: text.count("\n") + 1])


def test_damaged_rates_are_told(tmp_path):
    path = tmp_path / "rates.tsv"
    path.write_text("rule\tjobs\nx\t1\n")
    with pytest.raises(GutaxisError, match="lacks cpu_s, cpu_s_per_gb"):
        read_rates(path=path)


def test_tracked_rates_name_their_command_and_are_of_rules_of_the_workflow():
    table, about = read_rates(path=ROOT / "resources/rates.tsv")
    assert about.startswith("python -m gutaxis.report.rates results/demo resources/rates.tsv; 12 patients")
    rules = {line.split()[1].rstrip(":") for path in (ROOT / "rules").glob("*.smk")
             for line in path.read_text().splitlines() if line.startswith("rule ")}  # fmt: skip
    assert set(table.index) - {"others"} <= rules
    assert (table["cpu_s"] >= 0).all()

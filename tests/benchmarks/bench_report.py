"""The report of 48 simulated patients with 1,000 features in each of four layers: <= 25 MB, and ready in <= 3 s.

``make bench`` runs it. Every contrast is declared; models and permutations are few, for they change no size.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from tests import browser

from gutaxis.simulate.multilayer import simulate_study
from gutaxis.simulate.multilayer_run import write_run
from gutaxis.simulate.multilayer_values import LAYERS

LIMIT_BYTES, LIMIT_SECONDS = 25_000_000, 3.0
FOLDER = Path("results/bench_report")
CONTRASTS = ("baseline", "change", "response_change", "post")


def main() -> None:
    """Run, measure and print."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    study = simulate_study(n=48, seed=1, sizes=dict.fromkeys(LAYERS, 1000))
    write_run(study=study, folder=FOLDER, output=str(FOLDER / "results"))
    path = FOLDER / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config |= {
        "contrasts": {name: {"role": "exploratory"} for name in CONTRASTS},
        "statistics": {"permutations": 199},
        "prediction": {"repeats": 1, "permutations": 20, "models": ["elastic_net"]},
    }
    config["integration"] |= {"associations": {"permutations": 99}, "modules": {"shuffles": 20}}
    path.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "report", "--cores", "2", "--quiet", "all"]
    subprocess.run([*command, "--configfile", str(path)], check=True)
    page = FOLDER / "results/report/index.html"
    size = page.stat().st_size
    driver = browser.start_browser()
    try:
        browser.resize(driver, width=1280)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            driver.get(browser.address(page))
            if driver.execute_script("return window.pageReady") is not True:
                raise SystemExit("the page is not ready when it is loaded")
            seconds.append(time.perf_counter() - start)
    finally:
        driver.quit()
    print(
        f"report of 48 patients, 4 layers x 1,000 features x {len(CONTRASTS)} contrasts: {size / 1e6:.1f} MB (limit "
        f"{LIMIT_BYTES / 1e6:.0f}), ready in {min(seconds):.1f} s (limit {LIMIT_SECONDS:.0f})"
    )
    if size > LIMIT_BYTES or min(seconds) > LIMIT_SECONDS:
        raise SystemExit("too large or too slow")


if __name__ == "__main__":
    main()

"""Write envs/NAME.requirements.txt, hashed, from the pip pins of envs/NAME.yaml (`make lock`).

The conda file is the one place where a version is typed; the pip lock follows from it. `develop` is solved
together with `workflow`, because both live in `.venv`.
"""

import subprocess
import sys
from pathlib import Path

import yaml

ENVS = Path(__file__).parent
CONSTRAINTS = {"develop": "workflow"}


def pins(name: str) -> list[str]:
    """Return the pip pins of one environment file, for example ``['multiqc==1.35']``."""
    dependencies = yaml.safe_load((ENVS / f"{name}.yaml").read_text())["dependencies"]
    return [pin for entry in dependencies if isinstance(entry, dict) for pin in entry["pip"]]


def lock(name: str) -> None:
    """Compile one environment's pins to a requirements file with hashes and no index address."""
    command = ["uv", "pip", "compile", "-", "--python-version", "3.11", "--generate-hashes", "--no-annotate"]
    command += ["--no-header", "--no-emit-index-url", "--quiet"]
    if name in CONSTRAINTS:
        command += ["--constraint", str(ENVS / f"{CONSTRAINTS[name]}.requirements.txt")]
    solved = subprocess.run(command, input="\n".join(pins(name)), text=True, check=True, stdout=subprocess.PIPE)
    (ENVS / f"{name}.requirements.txt").write_text(solved.stdout)


if __name__ == "__main__":
    everything = ["workflow", "metagenome", "multiqc", "develop", "asari", "matchms", "liana", "services", "peer"]
    for environment in sys.argv[1:] or everything:
        lock(environment)

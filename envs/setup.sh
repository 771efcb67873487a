#!/usr/bin/env bash
# Set-up without conda (`make setup`): .venv (Snakemake and the analysis stack), .tools (bioBakery tools and MultiQC,
# each in a venv of its own, console scripts linked into .tools/bin) and the Debian packages of debian.txt.
# Idempotent: an environment is rebuilt only when its requirements file changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=""
for candidate in python3.11 python3; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "setup: Python 3.11 was not found. Install it (Debian 12: apt-get install python3 python3-venv) or use" >&2
  echo "       conda: conda env create -n gutaxis -f envs/workflow.yaml && snakemake --sdm conda" >&2
  exit 1
fi

# digest FILE...: one checksum over requirement files and the interpreter, kept in each environment as its stamp
digest() { { cat "$@"; "$python" --version; } | sha256sum | cut -d' ' -f1; }

# build VENV REQUIREMENTS...: create the virtual environment unless its stamp says it is up to date
build() {
  local venv=$1 stamp
  shift
  stamp=$(digest "$@")
  if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  echo "setup: building $venv"
  rm -rf "$venv"
  .tools/uv/bin/uv venv --quiet --python "$python" "$venv"
  local arguments=()
  for file in "$@"; do arguments+=(--requirement "$file"); done
  VIRTUAL_ENV="$PWD/$venv" .tools/uv/bin/uv pip install --quiet --system-certs --require-hashes "${arguments[@]}"
  echo "$stamp" >"$venv/.stamp"
}

# link VENV PATTERN...: make the console scripts of a tool venv visible in .tools/bin
link() {
  local venv=$1 program
  shift
  for pattern in "$@"; do
    for program in .tools/"$venv"/bin/$pattern; do ln -sfn "../$venv/bin/${program##*/}" ".tools/bin/${program##*/}"; done
  done
}

mkdir -p .tools/bin
if [ "$(cat .tools/uv/.stamp 2>/dev/null)" != "$(digest envs/uv.requirements.txt)" ]; then
  rm -rf .tools/uv
  "$python" -m venv .tools/uv
  .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/uv.requirements.txt
  digest envs/uv.requirements.txt >.tools/uv/.stamp
fi

missing=()
packages=()
while read -r package programs; do
  case $package in "" | \#*) continue ;; esac
  for program in $programs; do
    if ! command -v "$program" >/dev/null; then
      missing+=("$program (Debian package $package)")
      packages+=("$package")
      break
    fi
  done
done <envs/debian.txt

if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "setup: installing Debian packages: ${packages[*]}"
  # --no-install-recommends: the programs only, no desktop around them
  apt-get -o DPkg::Lock::Timeout=400 -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400 -qq install --yes --no-install-recommends \
    "${packages[@]}" >/dev/null
  missing=()
fi

build .venv envs/workflow.requirements.txt envs/develop.requirements.txt
build .tools/metagenome envs/metagenome.requirements.txt
build .tools/multiqc envs/multiqc.requirements.txt
# kneaddata and humann call their own helper scripts by name
link metagenome 'kneaddata*' 'metaphlan' 'humann*'
link multiqc multiqc
# `make extras`: engines that a run needs only if its config asks for them
if [ "${1:-}" = extras ]; then
  build .tools/asari envs/asari.requirements.txt
  build .tools/matchms envs/matchms.requirements.txt
  build .tools/liana envs/liana.requirements.txt
  link asari asari
fi
# `make bench`: the workflow it is measured against; `make test`: what a few tests talk to
if [ "${1:-}" = peer ]; then
  build .tools/peer envs/peer.requirements.txt
fi
if [ "${1:-}" = services ]; then
  build .tools/services envs/services.requirements.txt
fi

if [ ${#missing[@]} -gt 0 ]; then
  {
    echo "setup: Python environments are ready, but these programs are missing and you are not root:"
    printf '  %s\n' "${missing[@]}"
    echo "Ask an administrator for: apt-get install ${packages[*]}"
    echo "or let conda bring them: install conda, then run every command with --sdm conda."
  } >&2
  exit 1
fi
echo "setup: ready. Next: make demo, or . .venv/bin/activate && snakemake --help"

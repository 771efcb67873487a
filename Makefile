# The doors of the project. Everything else is `snakemake --cores N --configfile my.yaml [target]`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fast lock sheets reference clean

CORES ?= $(shell nproc)
PYTHON := .venv/bin/python
SNAKEMAKE := .venv/bin/snakemake
# only for the library's own commands: programs such as multiqc must not see the scripts of the same name
LIBRARY := PYTHONPATH=scripts $(PYTHON)

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: ## build .venv and .tools, install Debian packages (root) or name the missing ones; repeatable
	@envs/setup.sh

demo: setup ## run the whole workflow on the simulated trial and print what was recovered
	$(SNAKEMAKE) --cores $(CORES)
	@$(LIBRARY) -m gutaxis.simulate.show results/demo

lint: setup ## style and static checks
	.venv/bin/ruff check scripts tests envs
	.venv/bin/ruff format --check scripts tests envs
	.venv/bin/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

fast: lint ## lint and the tests that need no tool and no workflow
	.venv/bin/pytest tests/sheets tests/unit

test: lint ## everything, fast tests first, end to end last
	.venv/bin/pytest tests/sheets tests/unit tests/realdata tests/workflow --durations=15

lock: setup ## solve envs/*.yaml again and write the hashed requirements
	PATH=$$PWD/.tools/uv/bin:$$PATH $(PYTHON) envs/lock.py

sheets: setup ## write the demo's sheets and truth again (a test compares them with the repository)
	$(LIBRARY) -m gutaxis.simulate --out config/demo --data resources/simulated
	rm config/demo/config.yaml

reference: setup ## write the key and column reference of config/README.md from the schema
	$(LIBRARY) -m gutaxis.cohort.reference config/README.md

clean: ## remove the demo's results and simulated data (never databases or your own results)
	rm -rf results/demo resources/simulated .snakemake

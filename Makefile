# `make demo` and `make test` make their own environment; nothing else is needed.
PYTHON ?= python3
CORES ?= $(shell nproc)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-long test-cluster lint docs ui resume clean help

help:
	@echo "make demo    virtual cohort through the whole workflow, ends with a report"
	@echo "make test    tests"
	@echo "make test-long  checks that take minutes each"
	@echo "make test-cluster  the test config on a real SLURM (root, Debian's packages)"
	@echo "make lint    ruff, snakefmt, mypy"
	@echo "make docs    write the generated config files and pages"
	@echo "make ui      compare runs in MLflow on 127.0.0.1"
	@echo "make resume  go on with a demo that was killed"

NATIVE := setup.py $(wildcard bmdpipe/projection/native/*.?pp)

$(STAMP): envs/bmdpipe.txt envs/tracking.txt envs/dev.txt pyproject.toml $(NATIVE)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-r envs/bmdpipe.txt -r envs/tracking.txt -r envs/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@# Triton interprets the GPU kernels in the tests; torch for CUDA brings its own.
	@$(BIN)/python -c "import triton" 2>/dev/null || $(BIN)/python -m pip install --quiet \
		--disable-pip-version-check triton==3.9.0 || echo "no triton: the GPU kernels stay untested"
	touch $@

demo: $(STAMP)
	$(BIN)/snakemake --profile config/profiles/local --cores $(CORES) --configfile config/demo.yaml
	@$(BIN)/bmdpipe report demo

resume: $(STAMP)
	$(BIN)/snakemake --profile config/profiles/local --cores $(CORES) --configfile config/demo.yaml --unlock
	$(MAKE) demo

test: lint
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest -n $(CORES) -m "not workflow and not long and not cluster"
	$(BIN)/pytest -n 2 --dist loadfile -m "workflow and not long and not cluster"

test-long: $(STAMP)
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest -n $(CORES) -m "long and not workflow"
	$(BIN)/pytest -m "long and workflow"

# SLURM needs: apt-get install --no-install-recommends slurm-wlm slurmdbd munge mariadb-server
test-cluster: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -s -m cluster tests/cluster

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/python -m bmdpipe.core.config.documents

ui: $(STAMP)
	$(BIN)/bmdpipe ui

clean:
	rm -rf results .snakemake

# Tasks by name (`make help`). Each runs in .venv, which is set up anew when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
OLD := import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed, and $(PYTHON) is " \
	+ sys.version.split()[0] + ": say make PYTHON=/path/to/one")

.PHONY: help demo test lab lint tools bench clean
.DEFAULT_GOAL := help

help: ## list the tasks
	@sed -n 's/^\([a-z%-]*\):[^#]*## /  make \1	/p' Makefile | expand -t 22

demo: $(READY) ## simulated telemetry, the whole job; the last line is the report's path
	@$(BIN)/capacity demo

test: lint tools ## every check: lint, then all tests, with real servers and a real browser
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lab: $(READY) ## JupyterLab on the notebooks; options by ARGS="--no-browser --port 8888"
	@$(BIN)/capacity lab $(ARGS)

lint: $(READY) ## ruff, mypy, the layers, notebooks without outputs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }
	@$(BIN)/nbstripout --verify --keep-id notebooks/*.ipynb

tools: $(READY) ## find or unpack the servers and the browser that the tests drive
	@$(BIN)/python -m tests.support.tools

bench: ## list the benchmarks; each is run by its name
	@ls tests/benchmarks/bench_*.py | sed 's|.*/bench_\(.*\)\.py|make bench-\1|'

bench-%: $(READY) ## run one benchmark; the last line is a JSON object of its figures
	@$(BIN)/python tests/benchmarks/bench_$*.py

clean: ## remove what can be made again: .venv, out, dist and the caches
	@rm -rf .venv .bench-venv .cache out dist build .*_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c '$(OLD)'
	@echo "setting up .venv; the first time this downloads some 400 MB"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lab,fast,dev]'
	@touch $@

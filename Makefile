# Two commands do everything: `make demo` runs the main job, `make test` runs the suite.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin

.PHONY: help setup demo test test-cluster lint format clean

help:
	@echo "make demo          set up once, then evolve loss functions on real data (a minute or two)"
	@echo "make test          set up once, then run the test suite (15 to 25 minutes on two cores)"
	@echo "make test-cluster  the same runs on two hosts over ssh (Linux namespaces, needs root)"
	@echo "make lint          ruff, mypy --strict, import directions"
	@echo "make setup         only set up: leaves $(VENV)"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Heliostat needs Python 3.11 or later; say which with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once; one to three minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/heliostat run evomal --preset demo

# long files first: what is left at the end is short
test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder \
	  tests/acceptance tests/integration tests/unit

test-cluster: $(READY)
	$(BIN)/python tests/cluster/bare_environment.py
	$(BIN)/python tests/cluster/run.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Palate. `make demo` and `make test` do all of their own set-up; neither needs root.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help

.PHONY: help demo test quick check lint types wheel ranges audit bench bench-full soak clean packages

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Palate needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"

# The demo needs the package alone, so a first run stays short.
$(VENV)/.serve: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[serve]'
	@touch $@

$(STAMP): $(VENV)/.serve
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[serve,redis,trees,otel,train,realtime,text]' --group dev
	@touch $@

demo: $(VENV)/.serve ## the main job: import, compare, release, serve (ARGS=--exit ends it)
	$(BIN)/palate demo $(ARGS)

packages:
	@command -v chromium >/dev/null \
	  || echo "note: the system package chromium is missing; browser tests are skipped"

test: $(STAMP) packages ## all tests
	$(BIN)/pytest -n 2 --dist worksteal -m '' $(ARGS)

quick: $(STAMP) ## the default suite: without what is slow or needs a browser
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

check: lint types wheel ranges ## lint, types, wheel contents, dependency ranges

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -q -p no:cacheprovider tests/test_house.py tests/test_exports.py

types: $(STAMP)
	$(BIN)/mypy

wheel: $(STAMP)
	$(BIN)/python tools/check_wheel.py

ranges: $(STAMP)
	$(BIN)/python tools/check_ranges.py

audit: $(STAMP) ## known holes in the dependencies
	$(BIN)/python tools/audit_dependencies.py $(ARGS)

bench: $(STAMP) ## benchmarks against peers, under 30 minutes
	$(BIN)/python benchmarks/run.py

bench-full: $(STAMP) ## every benchmark, hours
	$(BIN)/python benchmarks/run.py --full

soak: $(STAMP) ## ten minutes of load while processes are killed (PALATE_SOAK_S=300: of the roles)
	$(BIN)/python benchmarks/soak.py --seconds 300
	$(BIN)/python benchmarks/soak_roles.py

clean: ## remove everything that make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build palate-demo

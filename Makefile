# Every target does the set-up it needs; a second call finds the stamp and starts at once.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--system-certs --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
# Each process of the tests has a PostgreSQL of its own.
WORKERS ?= 2
# Tests and benchmarks start hundreds of processes: without bytecode each would parse every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-fast lint check format bench bench-large soak lock clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(STAMP): requirements-dev.lock pyproject.toml .ci/venv
	@.ci/venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## Install everything into .venv

run: setup ## Start jifen with its own database and the demo program on http://127.0.0.1:8000
	@exec $(BIN)/jifen serve --demo

test: lint ## Run the checks and every test, in as many processes as WORKERS says (2)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

test-fast: setup ## Run the tests that need no database
	@$(BIN)/python -m pytest tests/unit tests/test_house.py tests/test_house_checkers.py

lint: setup ## Format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src tests bench

check: lint ## The same, and the house rules
	@$(BIN)/python -m pytest --quiet tests/test_house.py tests/test_house_checkers.py

format: setup ## Format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## Run the benchmark scenarios and write bench/results/latest.json
	@$(BIN)/python -m bench

bench-large: setup ## Run the benchmark at five million members (long)
	@$(BIN)/python -m bench --large

soak: setup ## Run a hundred rounds of killed processes and dropped connections (long)
	@$(BIN)/python -m pytest tests/faults --rounds 100

lock: setup ## Write requirements.lock and requirements-dev.lock anew from pyproject.toml
	@$(COMPILE) --upgrade --output-file requirements.lock
	@$(COMPILE) --upgrade --extra dev --constraint requirements.lock --no-annotate --output-file requirements-dev.lock

clean: ## Remove what make made (not your data)
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

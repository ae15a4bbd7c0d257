# One command each; every one does all the set-up it needs, the second time at once.
#   make run     sectorwatch at http://127.0.0.1:8001, over a simulated network
#   make test    the tests
#   make check   ruff, mypy, import-linter
#   make bench   every measured claim again, into benchmarks/RESULTS.md (LONG=1: the long ones too)
#   make lock    the lock files anew

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Two test processes suit the smallest machine we know of; `make test JOBS=8` suits a large one.
JOBS ?= 2
# What tests write is in memory where 4 GB of it are to be had so: nothing waits for a disk. It is
# left to be looked at where one fails. `make test MEMORY=/tmp` has them write to a disk.
MEMORY ?= $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}')0" -gt 40000000 ] \
  && [ -w /dev/shm ] && echo /dev/shm || echo /tmp)

.PHONY: help run test check format bench lock clean

help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sectorwatch needs Python 3.11 or newer; $$($(PYTHON) --version 2>&1) is what '$(PYTHON)' is." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Could not make a virtual environment; on Debian: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.installed-run: $(VENV)/.created requirements.lock pyproject.toml
	@echo "Installing what sectorwatch needs into $(VENV) (once; about a minute) ..."
	@[ -e $(VENV)/.installed-dev ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@[ -e $(VENV)/.installed-dev ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.created requirements-dev.lock pyproject.toml
	@echo "Installing what the tests and checks need into $(VENV) (once; a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

run: $(VENV)/.installed-run
	@$(BIN)/sectorwatch demo $(ARGS)

test: $(VENV)/.installed-dev
	@room=$$(mktemp -d $(MEMORY)/sw.XXXX) && chmod 711 $$room && \
	  TMPDIR=$$room $(BIN)/python -m pytest -n $(JOBS) $(ARGS) && rm -rf $$room

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/run_all.py $(ARGS)

lock: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python tools/lock.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov dist

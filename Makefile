# make demo   play with a shop, a mailbox and their people on this machine
# make test   everything that can be checked: style, types, tests
# make lint   style and types only
# make soak   the harness of the push side for MINUTES=30: deaths, faults, bad lines, a world that acts by chance
# make bench  speed and memory beside the floor and a peer, some minutes; BENCH_ORDERS=1000,10000 for other sizes
# make deb    a Debian package in dist/: program and libraries below /opt, units, manual page, completions
# make docs   write anew what in docs/ is made from the program
# make clean  away with the environment and all caches
#
# Each target sets up .venv by itself when it has to; the stamps in there say what is installed.

VENV := .venv
BIN := $(VENV)/bin
# Tests wait half of the time, for servers and programs of their own.
WORKERS ?= $(shell expr 2 \* $$(nproc 2>/dev/null || echo 1))
MINUTES ?= 30

# Some images set it; each of the hundreds of processes that tests start would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint soak bench deb docs clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/.sandbox
	@$(BIN)/prestashop-connector demo

test: $(VENV)/.dev lint
	@.ci/system-packages
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

soak: $(VENV)/.dev
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

bench: $(VENV)/.sandbox
	@$(BIN)/python -m bench

deb: $(VENV)/.dev
	@packaging/deb/build $(BIN)/python dist

docs: $(VENV)/.dev
	@$(BIN)/python -m reference

clean:
	rm -rf $(VENV) build dist *.egg-info .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.sandbox: pyproject.toml
	@if [ -e $(VENV)/.dev ] && [ $(VENV)/.dev -nt pyproject.toml ]; then touch $@; else \
		.ci/environment $(VENV) '.[sandbox]' && touch $@; fi

$(VENV)/.dev: pyproject.toml
	@.ci/environment $(VENV) '.[dev]' && touch $@

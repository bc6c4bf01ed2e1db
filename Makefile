# SPDX-License-Identifier: MIT
# All set-up happens in .venv; only pip needs the network. `make help` lists the targets.

# The first Python on the machine that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
DEMO ?= build/demo
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs man clean tools

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.ready ## the whole job on a small generated kernel, in build/demo
	@$(BIN)/mptcp-series demo --to $(DEMO)
	@echo
	@echo "mptcp-series is $(BIN)/mptcp-series here; \`. $(BIN)/activate\` puts it on the path."

test: tools $(VENV)/.ready-dev ## every test; real git, patch, quilt and gcc are part of it
	@$(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/.ready-dev ## ruff check, ruff format --check, mypy --strict
	@status=0; $(BIN)/ruff check . || status=1; $(BIN)/ruff format --check . || status=1; $(BIN)/mypy || status=1; \
		exit $$status

bench: $(VENV)/.ready-dev ## measure against git and quilt on a generated repository of kernel size
	@$(BIN)/python benchmarks/run.py

docs: $(VENV)/.ready-dev ## the documentation as a site, in build/site; a warning is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "build/site/index.html"

man: $(VENV)/.ready-dev ## manual pages, in build/man
	@$(BIN)/python contrib/man.py build/man
	@echo "man -l build/man/mptcp-series.1"

clean: ## remove .venv, build and caches
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find mptcp_series tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Tests that hold the engine against other programs are never skipped unseen: without the programs nothing runs.
tools:
	@missing=; for tool in gcc git patch quilt; do command -v "$$tool" >/dev/null || missing="$$missing $$tool"; done; \
	test -z "$$missing" || { \
		echo "make test compares results with git, GNU patch, quilt and gcc; not installed:$$missing" >&2; \
		echo "Debian, Ubuntu: sudo apt install$$missing    Fedora: sudo dnf install$$missing" >&2; \
		exit 1; }

$(VENV)/.ready: pyproject.toml $(VENV)/bin/python
	@echo "Installing mptcp_series into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/bin/python
	@echo "Installing mptcp_series and what its tests need into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.ready

# A link: its time is the interpreter's own, so an upgraded Python installs anew, and a removed one starts over.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "mptcp_series needs Python 3.10 or later with venv and pip; none of python3 to python3.14 has that." >&2; \
		echo "Debian, Ubuntu: sudo apt install python3-venv    or name one: make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

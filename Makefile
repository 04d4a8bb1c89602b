# make demo, make test: both set up .venv in this checkout first. See CONTRIBUTING.md.

.DEFAULT_GOAL := help
SHELL := /bin/bash

BIN := .venv/bin
DEMO := .venv/demo.stamp
ALL := .venv/all.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test soak live-aws lint docs lock clean bench-transfer-short relion-for-demo relion-for-test emulators

help:
	@echo "make demo   run RELION jobs through the queue, and show pictures (under 5 minutes)"
	@echo "make test   lint, docs and tests (under 15 minutes)"
	@echo "make soak   the long tests"
	@echo "make live-aws   try it once at Amazon, in an account that you name, for some cents"
	@echo "make lint   only ruff, mypy and import-linter        make docs   only the web pages"
	@echo "make bench-transfer-short   how fast we move data, beside s5cmd and others (under 3 minutes)"
	@echo "make lock   pin the newest dependencies              make clean  remove what was built"

demo: relion-for-demo $(DEMO)
	$(BIN)/python -m demo

# Tests mostly wait for programs, so that four at once keep two cores busy. A file is one process's.

test: relion-for-test emulators lint docs
	$(BIN)/pytest -m "alone and not soak"
	$(BIN)/pytest -m "not alone and not soak" -n 4 --dist loadfile --no-loadscope-reorder --durations 20

# A process has a file's tests with one version of RELION; tests/conftest.py says which come first.
# What a test waits for comes later with others beside it: the bound of one that names none is longer.

soak: relion-for-test emulators $(ALL)
	$(BIN)/pytest -m soak -n 3 --dist loadscope --no-loadscope-reorder --timeout 900

# Opt-in, never in CI: says what it costs at most, and asks. See tests/live_aws/__main__.py.

live-aws: $(ALL)
	@$(BIN)/python -m tests.live_aws

# Ends with one JSON object; the rivals are installed below build/. More: benchmarks/transfer/run.py.

bench-transfer-short: $(DEMO)
	@$(BIN)/python -m benchmarks.transfer.run short --rounds 3

lint: $(ALL)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(ALL)
	$(BIN)/zensical build --clean --strict
	@echo "The pages: $(CURDIR)/build/site/index.html"

# .venv: the newest Python that has venv, the pinned dependencies, and this checkout.

$(BIN)/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	    if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null; then exec $$python -m venv .venv; fi; \
	done; \
	echo "There is no Python 3.11 or newer with venv (Debian: apt-get install python3-venv)" >&2; \
	exit 1

OURS := pyproject.toml $(wildcard launchers/*)

$(DEMO): requirements/demo.txt $(OURS) | $(BIN)/python
	$(PIP) --requirement requirements/demo.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(ALL): requirements/all.txt $(OURS) | $(BIN)/python
	$(PIP) --requirement requirements/all.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(DEMO)

# RELION: installed where we may, asked for where we may not.

MAY_INSTALL = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null
INSTALL = export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq && apt-get install -qq --no-install-recommends

relion-for-demo:
	@command -v relion_pipeliner >/dev/null && command -v gs >/dev/null && exit; \
	if $(MAY_INSTALL); then $(INSTALL) relion ghostscript; exit; fi; \
	echo "The demo needs RELION. Install it, and come again:" >&2; \
	echo "    sudo apt-get install relion ghostscript" >&2; \
	exit 1

FOR_TEST := relion ghostscript strace iproute2 nftables debootstrap

relion-for-test:
	@for program in relion_pipeliner gs strace nft debootstrap; do \
	    command -v $$program >/dev/null && continue; \
	    if $(MAY_INSTALL); then $(INSTALL) $(FOR_TEST); exit; fi; \
	    echo "No $$program: tests that need it are skipped (apt-get install $(FOR_TEST))" >&2; \
	done

# Azure's emulator, for the tests of az:// stores. Google has none that speaks obstore's interface.

AZURITE := build/emulators/node_modules/.bin/azurite-blob

emulators:
	@[ -x $(AZURITE) ] && exit; \
	if command -v npm >/dev/null && npm install --silent --no-audit --no-fund \
	    --prefix build/emulators azurite@3.35.0; then exit; fi; \
	echo "No Azurite: tests of az:// stores are skipped (npm installs it)" >&2

# The pins of demo.txt are those of all.txt. They hold for Linux and macOS, Python 3.11 and newer.

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
    --no-annotate --no-header --no-emit-index-url --quiet

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv (pipx install uv)" >&2; exit 1; }
	$(COMPILE) --group demo --group test --group lint --output-file requirements/all.txt
	$(COMPILE) --group demo --constraint requirements/all.txt --output-file requirements/demo.txt

clean:
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

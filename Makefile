# One way in for readers, contributors and CI: everything runs from .venv, built from requirements.lock.
.NOTPARALLEL:
PYTHON ?= python3
BIN := .venv/bin
# Four at the most: each process of the browser tests has a Chromium of its own.
PYTEST := $(BIN)/pytest -n auto --maxprocesses 4
NOTEBOOKS := $(wildcard chapters/*.ipynb book/*.ipynb)
LOCKED := --universal --python-version 3.11 --upgrade --generate-hashes \
  --custom-compile-command "make lock" --quiet --output-file
# Directories are listed too: removing a file changes nothing else that make could see.
SOURCES := _config.yml _toc.yml $(shell find gupcore/ book/ chapters/ \
  -name '.*' -prune -o -name __pycache__ -prune -o -print)

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

book: _build/stamp  ## Build the book, warnings as errors, and print the path to open
	@echo "The book: $(CURDIR)/_build/html/index.html"

# From nothing each time: a page that is not read again would keep its warnings to itself.
_build/stamp: .venv/installed $(SOURCES)
	@rm -rf _build
	$(BIN)/jupyter-book build . -q -n -W --keep-going
	@touch $@

epub: _build/epub/who-holds-the-page.epub  ## Build the book as an e-book
	@echo "The e-book: $(CURDIR)/$<"

_build/epub/who-holds-the-page.epub: _build/stamp
	$(BIN)/jupyter-book build . -q -n -W --keep-going --builder custom --custom-builder epub

links: _build/stamp  ## Follow every link that leads out of the book (needs a network)
	$(BIN)/jupyter-book build . --builder custom --custom-builder linkcheck

test: lint unit nbval book browser  ## Run everything: the five steps below, in this order
	@echo "make test: everything that ran has passed."

lint: .venv/installed  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: .venv/installed  ## Test the package
	$(PYTEST) --dist worksteal --ignore=tests/browser

nbval: .venv/installed  ## Run the notebooks and compare every output with the one in the book
	$(PYTEST) --dist loadfile --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg $(NOTEBOOKS)

browser: _build/stamp _build/epub/who-holds-the-page.epub  ## Test the built pages, JupyterLab and Notebook in Chromium
	$(PYTEST) --dist worksteal tests/browser

# In a container the only user is often root, whom JupyterLab turns away.
lab: .venv/installed  ## Open the notebooks in JupyterLab
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) chapters

kernel-lab: .venv/installed  ## Run the race in stock kernels (KERNEL=6.1,5.10 SCENARIO=hold KEEP=1)
	$(BIN)/python tests/kernel/lab.py --kernel $(or $(KERNEL),6.1) $(if $(KEEP),--keep) $(SCENARIO)

kernel-ablation: .venv/installed  ## Build a kernel without gup-fast's check, and count (KEEP=1)
	$(BIN)/python tests/kernel/ablation.py $(if $(KEEP),--keep)

notebooks: .venv/installed  ## Run the notebooks and write their outputs back
	$(BIN)/python tests/refresh.py $(NOTEBOOKS)

bench: .venv/installed  ## Measure, and print
	$(BIN)/python tests/bench.py

picture: _build/stamp  ## Take the picture of the player that the README shows
	$(BIN)/python tests/picture.py

oracles: .venv/oracles  ## Install Harmony, whom a test asks for a second opinion (needs a C compiler)

lock: .venv/installed  ## Bring the two locks up to date with pyproject.toml and the newest releases
	$(BIN)/uv pip compile pyproject.toml --extra book --extra lab --extra test --extra build $(LOCKED) requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra oracles --constraints requirements.lock $(LOCKED) requirements-oracles.lock

clean:  ## Remove all that make has made
	rm -rf .venv _build .kernel-lab .hypothesis .mypy_cache .pytest_cache .ruff_cache

# --clear: what an older lock asked for must not linger.
.venv/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "The book needs Python 3.11 or newer, and $(PYTHON) is not: install it, or name another (make book PYTHON=python3.12)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module: install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/installed: .venv/locked pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Harmony's own source, built with the setuptools of requirements.lock.
.venv/oracles: .venv/installed requirements-oracles.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --no-build-isolation -r requirements-oracles.lock
	@touch $@

.PHONY: help book epub links test lint unit nbval browser lab kernel-lab kernel-ablation notebooks bench picture oracles lock clean

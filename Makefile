# Python 3.11 or newer and make are all this needs. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: help setup demo test check run bench scale fuzz mutants validate screenshots messages format clean

help:
	@echo "make demo         install, rehearse a whole trial, write its report, serve the site"
	@echo "make test         install and run every test; with COVERAGE=1 also measure which branches no test takes"
	@echo "make setup        install only"
	@echo "make run          serve the site on this machine's own database"
	@echo "make check        lint, types, templates, import contracts, migrations"
	@echo "make validate     simulate type I error and coverage of the analyses, then rehearse and check what comes out (an hour)"
	@echo "make mutants      break each line of what decides, and see whether a test fails (hours)"
	@echo "make bench        measure speed"
	@echo "make scale        measure a study of many people: PEOPLE='1000 10000'"
	@echo "make fuzz         the long run of what the suite samples; MINUTES=60"
	@echo "make screenshots  pictures of every page"
	@echo "make messages     bring the Dutch catalogue in step with the sources, and compile it"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Handvat needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which with PYTHON=python3.12 make ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $(VENV)/.installed $@

setup: $(VENV)/.installed

demo: setup
	$(MANAGE) demo

run: setup
	$(MANAGE) make_keys --if-needed
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) serve

test: $(VENV)/.installed-dev
	COVERAGE=$(COVERAGE) $(BIN)/python -m tests.run

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint --check --lint --quiet .
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	DATABASE_URL= HANDVAT_DATABASE=:memory: HANDVAT_KIND=rehearsal $(MANAGE) makemigrations --check --dry-run

validate: $(VENV)/.installed-dev
	$(BIN)/python -m tests.validate

mutants: $(VENV)/.installed-dev
	$(BIN)/mutmut run
	$(BIN)/mutmut results

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench

scale: $(VENV)/.installed-dev
	$(BIN)/python -m tests.scale --people $(or $(PEOPLE),1000)

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),60)

screenshots: $(VENV)/.installed-dev
	$(BIN)/python -m tests.screenshots

messages: $(VENV)/.installed-dev
	$(BIN)/python -m tests.messages

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo screenshots staticfiles

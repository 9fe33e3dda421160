# Ramgate. `make` alone prints what can be done. Variables given to make (PORT=9000) reach the programs it starts.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# How many processes run the tests, and what else pytest is told: make test TESTS=tests/unit PYTEST_ARGS=-x
WORKERS ?= 2
TESTS ?=
PYTEST_ARGS ?=
# How long is fuzzed, all targets together, and which one alone: make fuzz SECONDS=3600 TARGET=response
SECONDS ?= 60
# How many pairs of policy and request are decided twice: make nightly PAIRS=100000
PAIRS ?= 1000000
TARGET ?=

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
LOCK_ENV := var/lock-env
BENCH_ENV := var/bench-env
BENCH := $(BENCH_ENV)/.installed
FUZZ_ENV := var/fuzz-env
FUZZ := $(FUZZ_ENV)/.installed
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
COMPILE = $(LOCK_ENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate

.PHONY: help install demo run test browser check lint fmt types imports bench fuzz nightly lock chromium node nginx clean

help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUN) ## start the gateway with a sample company and its IdP (PORT=8080 IDP_PORT=8081; RESET=1 starts over)
	@$(BIN)/python -m gateway.demo

install: $(RUN) ## install what the gateway needs, and nothing else

run: $(RUN) ## start the gateway by itself, as ramgate.toml and the environment say (first time: .venv/bin/ramgate init)
	@$(BIN)/ramgate serve

check: lint types imports fuzz test ## everything that must pass before a change goes in

test: $(DEV) chromium node nginx ## run all tests (WORKERS=2, TESTS=tests/unit, PYTEST_ARGS=-x)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS) $(TESTS)

browser: $(DEV) chromium ## run whole logins in a real browser; screenshots go to var/screenshots
	@$(BIN)/python -m pytest $(PYTEST_ARGS) tests/browser

lint: $(DEV) ## check style and formatting
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

fmt: $(DEV) ## mend style and formatting
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

types: $(DEV) ## check types
	@$(BIN)/mypy

imports: $(DEV) ## check who may import whom
	@$(BIN)/lint-imports

bench: $(DEV) $(BENCH) ## run the benchmarks beside their peers
	@set -e; for script in $$(grep -l __main__ benchmarks/*.py); do \
		echo "== $$script"; $(BIN)/python -m benchmarks.$$(basename $$script .py); done

fuzz: $(DEV) $(FUZZ) ## feed parsers with made-up bytes (SECONDS=60 for all, TARGET=response)
	@$(BIN)/python -m fuzz.run --seconds $(SECONDS) --atheris $(FUZZ_ENV) $(if $(TARGET),--target $(TARGET))

nightly: $(DEV) ## hold the policy engine against the slow reference on a million pairs (PAIRS=1000000)
	@$(BIN)/python -m tests.property.policy_pairs $(PAIRS)

lock: ## make the locks in requirements/ anew from pyproject.toml
	@test -x $(LOCK_ENV)/bin/uv || { $(call new_venv,$(LOCK_ENV)) && $(LOCK_ENV)/bin/python -m pip install uv; }
	$(COMPILE) pyproject.toml requirements/build.in -o requirements/run.lock
	$(COMPILE) pyproject.toml requirements/build.in --group dev -c requirements/run.lock -o requirements/dev.lock
	$(COMPILE) --group bench -o requirements/bench.lock
	$(COMPILE) --group fuzz -o requirements/fuzz.lock

clean: ## remove the environment, caches and var/ (keys in certs/ stay)
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find gateway tests -name __pycache__ -type d -prune -exec rm -rf {} +

chromium:
	@.ci/chromium

node:
	@.ci/node

nginx:
	@.ci/nginx

$(BIN)/python:
	@$(call new_venv,$(VENV))

$(RUN): requirements/run.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the gateway needs into $(VENV) (once) ..."
	$(INSTALL) --require-hashes -r requirements/run.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what tests and checks need into $(VENV) (once) ..."
	$(INSTALL) --require-hashes -r requirements/dev.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(RUN) $@

$(BENCH): requirements/bench.lock
	@$(call new_venv,$(BENCH_ENV))
	@echo "Installing the peers into $(BENCH_ENV) (once) ..."
	$(BENCH_ENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/bench.lock
	@touch $@

# A folder beside the environment and not in it: nobody needs a fuzzer to run the tests.
$(FUZZ): requirements/fuzz.lock | $(DEV)
	@echo "Installing the fuzzer into $(FUZZ_ENV) (once) ..."
	@rm -rf $(FUZZ_ENV) && mkdir -p $(FUZZ_ENV)
	$(INSTALL) --target $(FUZZ_ENV) --require-hashes -r requirements/fuzz.lock
	@touch $@

# $(call new_venv,folder): a virtual environment made by the first Python that is new enough.
# PYTHON=/path/to/python chooses one.
define new_venv
found=; for python in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
done; \
if [ -z "$$found" ]; then \
	echo "Python 3.11 or newer is needed; 'python3' is $$(python3 --version 2>/dev/null || echo 'not installed')." \
		"Install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; \
fi; \
if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
	echo "This Python ($$found) can't make virtual environments: its venv module is not installed." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
fi; \
"$$found" -m venv --clear $(1)
endef

# make demo       see Outrider enrich an incident, on this machine alone; HUNT=path/to/hunt.yaml puts a hunt of yours in its comment
# make test       everything that CI checks
# make suite      the tests alone
# make check      ruff, mypy, docstrings of the tests
# make lint       let ruff mend what it can
# make bench      the benchmarks
# make mutants    break the code on purpose, and see whether a test notices (30 minutes; GROUP=writing SEED=2)
# make fuzz       try each fuzz target with new inputs (10 minutes each; SECONDS=60 TARGET=bodies SEED=7)
# make package    build what is deployed, say what weighs in it, and see that it starts
# make sbom       write what the package consists of, as CycloneDX
# make arm        compile the templates, where there is a bicep
# make release    make all of a release but its provenance; TAG=v1.0.0 refuses what may not be released
# make host-check check the app on a host: the sandbox's, or HOST='func start' with Azurite (CONTRIBUTING.md)
# make live-check URL=https://func-….azurewebsites.net: check a deployed app, and say what is left to you (infra/live-check.md)
# make lock       write the locks anew from the *.in files; UPGRADE=1 takes what is newer of what these leave open
# make audit      ask which packages of the locks have known weaknesses
# make clean      remove what the above made

PYTHON ?= python3
VENV ?= .venv

COVERAGE ?= --cov
SEED ?= 1
# Whose mutants are drawn: tests/mutants/__main__.py.
GROUP ?= deciding
# Some shells export HOST, the machine's name: only the command line counts.
HOST = $(BIN)/python -m sandbox host
STORAGE =
TAG =
URL =
SECONDS ?= 600
# All of tests/fuzz/targets.py, unless some are named.
TARGET ?=

BIN := $(VENV)/bin
# One lock, one call: a hash anywhere makes pip ask for one of everything in the call. Python compiles what is imported, a
# twentieth of what pip would compile: half of an installation's time.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-compile --require-hashes
export PIP_ROOT_USER_ACTION := ignore
# The suite starts a hundred processes of ours: each would compile all sources again.
unexport PYTHONDONTWRITEBYTECODE

NODE := $(shell node --version 2>/dev/null | sed 's/^v//; s/\..*//')
HAS_NODE := $(shell test "$(NODE)" -ge 22 2>/dev/null && command -v npm)
# Read in a recipe, when there is something to ask.
HAS_AZURITE = $(shell $(BIN)/python -m sandbox azurite >/dev/null 2>&1 && echo yes)
HAS_CHROMIUM := $(firstword $(foreach b,chromium chromium-browser google-chrome,$(shell command -v $(b))))
HAS_POWERSHELL := $(shell command -v pwsh)
# Asked once: it may take a minute to say no.
HAS_BICEP = $(eval HAS_BICEP := $(shell $(BIN)/python -m tests.support.bicep 2>/dev/null && echo yes))$(HAS_BICEP)
LEFT_OUT = $(strip $(if $(HAS_NODE),,node) $(if $(HAS_CHROMIUM),,browser) $(if $(and $(HAS_NODE),$(HAS_AZURITE)),,azurite) \
    $(if $(HAS_BICEP),,bicep) $(if $(HAS_POWERSHELL),,powershell))
NPM := $(addsuffix /node_modules/installed.stamp,sandbox/kusto sandbox/azurite)

# The words of a list, with "or" between them.
nothing :=
either = $(subst $(nothing) $(nothing), or ,$(1))

missing = echo "Left out: $(1). Needed: $(2)." >&2 $(if $(3),&& exit 1)

.DEFAULT_GOAL := help
.PHONY: help demo test suite check lint bench mutants fuzz package sbom arm release host-check live-check lock audit clean tools

help:
	@sed -n 's/^# \(make \)/\1/p' Makefile

demo: $(VENV)/sandbox.stamp
	@$(BIN)/python -m sandbox demo $(if $(HUNT),--hunt "$$HUNT")

test: check suite

suite: $(VENV)/dev.stamp tools
	@$(BIN)/python -m pytest --numprocesses $(or $(WORKERS),auto) --dist loadfile --no-loadscope-reorder $(COVERAGE) -m "$(if $(LEFT_OUT),not ($(call either,$(LEFT_OUT))))"

check: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/interrogate --quiet tests

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest tests/benchmarks -s --no-header

mutants: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.mutants --group $(GROUP) --seed $(SEED)

fuzz: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(filter file,$(origin SEED)),,--seed $(SEED)) $(TARGET)

package: $(VENV)/dev.stamp
	@$(BIN)/python -m infra.package dist/outrider.zip

sbom: $(VENV)/dev.stamp
	@$(BIN)/python -m infra.sbom dist/outrider.cdx.json

arm: $(VENV)/dev.stamp
	@$(BIN)/python -m infra.arm dist

release: $(VENV)/dev.stamp
	@$(BIN)/python -m infra.release dist/release $(if $(TAG),--tag "$$TAG")

host-check: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.host_check $(if $(STORAGE),--storage '$(STORAGE)') '$(HOST)'

# Python alone, and no environment: who deployed may have nothing else. The key comes by the shell's environment.
live-check:
	@$(PYTHON) -m infra.live_check "$$URL"

# The app's lock first, which holds the others' versions. Wheels alone: so nothing runs before it is installed.
LOCK = $(BIN)/uv pip compile --no-config --quiet --universal --python-version $(1) --generate-hashes --only-binary :all: \
	--emit-build-options --no-emit-index-url $(if $(UPGRADE),--upgrade) --output-file $(2).txt $(2).in

lock: $(VENV)/dev.stamp
	@$(call LOCK,3.11,requirements)
	@$(call LOCK,3.11,sandbox/requirements)
	@$(call LOCK,3.13,sandbox/worker) --no-deps
	@$(call LOCK,3.11,requirements-dev)
	@$(call LOCK,3.11,.ci/node)

# What could not be looked up fails, too. No pip of its own: the locks name everything.
audit: $(VENV)/dev.stamp
	@$(BIN)/pip-audit --strict --progress-spinner off --disable-pip --require-hashes \
		$(foreach lock,requirements sandbox/requirements sandbox/worker requirements-dev .ci/node,--requirement $(lock).txt)

clean:
	rm -rf dist $(VENV) .venv-* .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov sandbox/kusto/node_modules sandbox/azurite/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Whoever lacks a tool sees what is not checked; where CI is set, nothing may go unchecked, but what Bicep and PowerShell
# check: no package registry has them, and they need only be there in the repository's own workflow.
tools: $(VENV)/sandbox.stamp $(if $(HAS_NODE),$(NPM))
	@$(if $(HAS_NODE),,$(call missing,the hunts in Microsoft's own KQL parser and the app on Azurite,Node.js 22 or newer,$(CI)))
	@$(if $(HAS_CHROMIUM),,$(call missing,the pages in a browser,Chromium,$(CI)))
	@$(if $(HAS_AZURITE),,$(call missing,the app on Azurite,what $(BIN)/python -m sandbox azurite prints,$(CI)))
	@$(if $(HAS_BICEP),,$(call missing,what Azure would be asked for,Bicep 0.49 or newer that can fetch the registry's modules,$(GITHUB_ACTIONS)))
	@$(if $(HAS_POWERSHELL),,$(call missing,infra/grant-permissions.ps1,PowerShell 7 as pwsh,$(GITHUB_ACTIONS)))

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.13")'
	@echo "Setting up $(VENV), once; this takes about a minute."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/sandbox.stamp: requirements.txt sandbox/requirements.txt sandbox/worker.txt | $(BIN)/python
	@$(PIP) -r requirements.txt
	@$(PIP) -r sandbox/requirements.txt
	@$(PIP) --no-deps --ignore-requires-python -r sandbox/worker.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/sandbox.stamp
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(NPM): %/node_modules/installed.stamp: %/package-lock.json
	@cd $* && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

# Requires Python 3.11 to 3.13 and make; everything else goes into .venv. `make PYTHON=python3.12 test` uses another Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
READY_FOR_PAGE := $(VENV)/.ready-for-page
READY_FOR_CHART := $(VENV)/.ready-for-chart
BOLT := tests/bolt
BOLT_PYTHON := $(BOLT)/python/.venv/.ready
BOLT_JAVASCRIPT := $(BOLT)/javascript/node_modules/.ready
PACKAGES := domain application adapters entrypoints
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
NPM := npm --silent --no-audit --no-fund

RUNS := 20
SEED := 1
VARIANT := kills
STORAGE := file
REPLICAS := 1
KILLS := yes

.DEFAULT_GOAL := help
.PHONY: help simulate test test-page test-chart test-image test-bolt test-fsync test-alerts test-chaos test-pgbouncer test-postgresql screenshots check lint docs reference format bench chaos lock clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

simulate: $(READY) ## Talk to a flow: the pack between a simulated Slack and Flyte
	@$(BIN)/flyte-slack simulate

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest --quiet --numprocesses=4 --dist=worksteal

test-page: $(READY_FOR_PAGE) ## Run the browser tests of the simulation's page (needs Debian's chromium-headless-shell)
	@$(TEST_PAGE)

test-chart: $(READY_FOR_CHART) ## Render the Helm chart by Helm's own engine
	@$(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.*' tests/chart

test-image: $(READY) ## Run the commands of the image's build, without Docker, and the program that they install
	@$(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.*' tests/image

test-bolt: $(READY) $(BOLT_PYTHON) $(BOLT_JAVASCRIPT) ## Run the tests of apps in Bolt for Python and JavaScript (needs Node.js and npm)
	@$(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.* node_modules' $(BOLT)

test-fsync: $(READY) ## Verify that data is on disk before Slack gets its acknowledgement (needs a C compiler)
	@$(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.*' tests/durability

test-chaos: $(READY) ## Run short variants of chaos, and compare the counters of metrics with the ledger
	@$(BIN)/python -m pytest --quiet --numprocesses=2 --override-ini='norecursedirs=.*' tests/chaos/variants

test-alerts: $(READY) ## Run the tests of the alerts and the dashboard's queries (needs Debian's prometheus)
	@$(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.*' tests/alerts

test-pgbouncer: $(READY) ## Run packs and their storage behind PgBouncer (needs Debian's pgbouncer)
	@$(BIN)/python -m pytest --quiet --numprocesses=2 --override-ini='norecursedirs=.*' tests/pgbouncer

test-postgresql: $(READY) ## Run the storage tests on the newest PostgreSQL that Debian has installed (needs Debian's postgresql)
	@binaries=$$(find /usr/lib/postgresql -path '*/bin/postgres' -printf '%h\n' | sort -V | tail -n 1); \
	FLYTE_SLACK_TEST_POSTGRESQL_BIN=$${binaries:?no server is installed} \
	$(BIN)/python -m pytest --quiet --numprocesses=2 tests/adapters/test_postgresql*.py tests/support

screenshots: $(READY_FOR_PAGE) ## Retake the documentation's screenshots of the page
	@$(TEST_PAGE)/test_appearance.py --screenshots

TEST_PAGE = $(BIN)/python -m pytest --quiet --override-ini='norecursedirs=.*' tests/page

check: lint docs test ## Run everything that a change must pass: style, types, layers, documentation, tests

lint: $(READY) ## Check style, types and layers, without the tests
	@$(BIN)/ruff check --output-format=concise
	@$(BIN)/ruff format --check --quiet || { echo 'not formatted: run make format'; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs: $(READY) ## Build the documentation into site/ and check its links
	@$(BIN)/zensical build --clean --strict >site.log 2>&1 || { sed '/^Traceback/,$$d' site.log; rm site.log; exit 1; }
	@rm site.log

reference: $(READY) ## Write docs/reference.md from the tables of commands and events, and their examples
	@$(BIN)/python -m tests.reference

format: $(READY) ## Format the code and apply automatic fixes
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

bench: $(READY) ## Measure the pack between the two simulated servers (ONLY=storages, MILLION=1: a million messages; other parts: clicks, gap, large-action, metrics, slow-disk, slow-takes, take-over, tracing)
	@$(BIN)/python -m tests.bench $(if $(MILLION),--only backlog,$(if $(ONLY),--only $(ONLY)))

chaos: $(READY) ## Kill packs under load and print the ledger (RUNS=20 SEED=1 VARIANT=kills STORAGE=file REPLICAS=1; KILLS=no: only the faults of a variant, and compare the metrics)
	@$(BIN)/python -m tests.chaos --runs $(RUNS) --seed $(SEED) --variant $(VARIANT) --storage $(STORAGE) --replicas $(REPLICAS) $(if $(filter no,$(KILLS)),--no-kills)

lock: $(READY) ## Lock the newest releases that pyproject.toml allows
	@$(PIP) install uv
	@$(call compile,requirements.lock,pyproject.toml --extra postgresql --extra tracing)
	@$(call compile,requirements-dev.lock,pyproject.toml --extra postgresql --extra tracing --extra simulation --group dev --constraints requirements.lock)
	@$(call compile,requirements-build.lock,--group build --constraints requirements-dev.lock)
	@$(call compile,requirements-sbom.lock,--group sbom --constraints requirements-dev.lock)
	@$(call compile,requirements-page.lock,--group page --constraints requirements-dev.lock)
	@$(call compile,requirements-chart.lock,--group chart --constraints requirements-dev.lock)
	@$(call compile,$(BOLT)/python/requirements.lock,$(BOLT)/python/requirements.in)
	@cd $(BOLT)/javascript && rm -f package-lock.json && $(NPM) install --package-lock-only --omit-lockfile-registry-resolved

compile = $(BIN)/uv pip compile $(2) --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command "make lock" --output-file $(1)

clean: ## Remove generated files
	@rm -rf $(VENV) $(dir $(BOLT_PYTHON)) $(dir $(BOLT_JAVASCRIPT)) dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find $(PACKAGES) tests -name __pycache__ -prune -exec rm -r {} +

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(LOCKED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo 'Python 3.11, 3.12 or 3.13 is required: make PYTHON=/path/to/python3.x ...'; exit 1; }
	@echo 'creating $(VENV) (first run, or the lock has changed) ...' >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

$(READY_FOR_PAGE): $(READY) requirements-page.lock
	@$(PIP) install --require-hashes --requirement requirements-page.lock
	@touch $@

$(READY_FOR_CHART): $(READY) requirements-chart.lock
	@$(PIP) install --require-hashes --requirement requirements-chart.lock
	@touch $@

$(BOLT_PYTHON): $(BOLT)/python/requirements.lock
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes --requirement $<
	@touch $@

$(BOLT_JAVASCRIPT): $(BOLT)/javascript/package-lock.json
	@cd $(BOLT)/javascript && $(NPM) ci --ignore-scripts
	@touch $@

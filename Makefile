# Everything a person or CI does with this repository. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(INSTALLED) ## Make .venv with exactly what requirements.lock names (PYTHON=python3.12 chooses one)

$(INSTALLED): requirements.lock pyproject.toml .ci/setup
	@PYTHON='$(PYTHON)' .ci/setup
	@touch $@

.PHONY: demo
demo: setup ## Show the whole thing at work against a sandbox, in two minutes
	@$(BIN)/reconciler demo

.PHONY: test
test: setup ## Run the whole suite, in parallel and in random order (ARGS='-k plan' narrows it)
	@$(BIN)/pytest $(ARGS)

.PHONY: soak
soak: setup ## Let the world machine tell stories for hours (SOAK_STORIES=1000 makes them so many)
	@$(BIN)/python -m tests.machine.soak

.PHONY: mutants
mutants: setup ## Change the program in thousands of small ways and tell what no test noticed (hours; ARGS=undo narrows it)
	@$(BIN)/python -m tests.mutation $(ARGS)

.PHONY: lint
lint: setup ## Look for mistakes and untidy code
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

.PHONY: types
types: setup ## Check the types, strictly
	@$(BIN)/mypy

.PHONY: docs
docs: setup ## Write the generated pages again
	@$(BIN)/python -m reconciler.decision_document > docs/decision-table.md
	@$(BIN)/python -m reconciler.config.document > docs/configuration.md
	@$(BIN)/python -m reconciler.sinks.metrics_document > docs/metrics.md
	@$(BIN)/python -m tests.licences > docs/licences.md

.PHONY: docs-check
docs-check: setup ## Tell whether the generated pages are current (`make docs` makes them so)
	@$(BIN)/python -m reconciler.decision_document | diff -u docs/decision-table.md -
	@$(BIN)/python -m reconciler.config.document | diff -u docs/configuration.md -
	@$(BIN)/python -m reconciler.sinks.metrics_document | diff -u docs/metrics.md -

.PHONY: security
security: setup ## Look for unsafe code, and for known weaknesses of the libraries
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive reconciler
	@$(BIN)/python -m tests.library_audit

.PHONY: wheel-check
wheel-check: setup ## Build the wheel and try it where the repository is not
	@.ci/wheel-check

.PHONY: check
check: lint types docs-check security wheel-check test ## All of the above: what CI runs

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header
# The image gets the versions that the suite ran with.
SAME := --no-annotate --constraint requirements.lock

.PHONY: lock
lock: setup ## Choose the newest versions that fit and write the lock files
	@$(COMPILE) --upgrade --group dev --all-extras pyproject.toml --output-file requirements.lock
	@$(COMPILE) $(SAME) --extra postgresql pyproject.toml --output-file requirements-runtime.lock
	@$(COMPILE) --upgrade --group bench --output-file requirements-bench.lock
	@echo hatchling | $(COMPILE) $(SAME) - --output-file requirements-build.lock

.PHONY: lowest
lowest: setup ## Run the suite with the oldest libraries that pyproject.toml admits
	@.ci/lowest

.PHONY: prometheus-check
prometheus-check: setup ## Let promtool and a real Prometheus look at a daemon over the sandbox (needs Debian's prometheus)
	@$(BIN)/python -m tests.metrics.prometheus_check

.PHONY: image-check
image-check: setup ## Build the container image and run it (Debian, as root: buildah, debootstrap, runc)
	@$(BIN)/python -m tests.image.check

.PHONY: crashes
crashes: setup ## Kill a pass at every moment there is, also twice in a row and among threads (minutes)
	@$(BIN)/python -m tests.crashes.matrix

.PHONY: storm
storm: setup ## Run thousands of passes under every fault of the sandbox, and tell what they did (minutes)
	@$(BIN)/python -m tests.storm.by_hand

PEERS := .venv/peers/installed

$(PEERS): requirements-bench.lock $(INSTALLED)
	@$(BIN)/python -m venv --clear --without-pip .venv/peers
	@$(BIN)/python -m pip --quiet --disable-pip-version-check --python .venv/peers/bin/python install \
		--require-hashes --requirement requirements-bench.lock
	@touch $@

.PHONY: bench
bench: setup $(PEERS) ## Measure what passes cost, beside what was aimed at (ARGS=--full: whole sizes, hours)
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: many-clients
many-clients: setup ## Run 200 clients for two minutes, 30 of them in trouble, and tell how punctual the others are
	@$(BIN)/python -m tests.daemon.crowd

# Shortcuts; everything runs in the .venv that ./croft makes.
PYTHON := .venv/bin/python
BIN := .venv/bin
S ?= refstack-compute
STATE ?= /var/lib/croft
PYTEST_WORKERS ?= auto

.PHONY: help check format shell conformance bench lock

help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/  /'

$(BIN)/pytest: requirements/dev.txt
	@./croft test --help >/dev/null
	@touch $@

check: $(BIN)/pytest  ## types, lint, layers, house rules, fast tests; under 2 minutes
	$(BIN)/ruff check src tests tools bench
	$(BIN)/ruff format --check --quiet src tests tools bench
	$(BIN)/mypy
	@echo lint-imports; said=$$($(BIN)/lint-imports --no-cache) || { echo "$$said"; exit 1; }
	$(PYTHON) -m tools.house
	$(BIN)/pytest -q -m "not engines and not e2e and not postgres" -k "not interrupted_at_every and not two_gib" \
		-n $(PYTEST_WORKERS) --dist worksteal tests

format: $(BIN)/pytest  ## let ruff put everything in order
	$(BIN)/ruff check --fix --quiet src tests tools bench
	$(BIN)/ruff format --quiet src tests tools bench

shell: $(BIN)/pytest  ## a Python prompt inside a cloud: find("…"), ctx, run(kind, id); STATE=DIR
	$(PYTHON) -i -m tools.shell $(STATE)

conformance: $(BIN)/pytest  ## OpenStack's Tempest against a cloud started for it; S=SUITE
	$(PYTHON) -m tests.conformance.run $(S)

bench: $(BIN)/pytest  ## CPU per API call (bench/api), and what identity costs (bench/identity)
	$(PYTHON) bench/api/run.py
	$(PYTHON) -m bench.identity.run

lock: $(BIN)/pytest  ## resolve pyproject.toml's dependencies into requirements/*.txt anew
	@test -x .cache/uv/bin/uv || $(PYTHON) -m pip install --quiet --target .cache/uv uv
	.cache/uv/bin/uv $(LOCK) --output-file requirements/base.txt
	.cache/uv/bin/uv $(LOCK) --constraint requirements/base.txt --extra engines --output-file requirements/engines.txt
	.cache/uv/bin/uv $(LOCK) --constraint requirements/base.txt --extra people --output-file requirements/people.txt
	.cache/uv/bin/uv $(LOCK) --constraint requirements/base.txt --extra engines --extra people --extra dev --output-file requirements/dev.txt

LOCK = pip compile --quiet --no-header --generate-hashes --python-version 3.11 --upgrade pyproject.toml

# Every target works from a fresh clone, as root and as an ordinary user.
PYTHON ?= python3
RUN := .venv/bin/python
# Two test processes: each has a database of its own on the one embedded server.
PROCESSES ?= 2
COMPILE := .venv/bin/uv pip compile --quiet --universal --generate-hashes

.DEFAULT_GOAL := help
.PHONY: help setup run test test-leaks lint check proof bench scale race chaos lock clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install the Python packages and the front-end files (nothing to do: 0.1 s)
	@$(PYTHON) -m stack.setup

run: setup ## Start everything and stay in front; Ctrl-C stops it
	@exec $(RUN) -m stack.run

test: setup ## Run all tests on servers of their own, browser tests included
	@$(RUN) -m stack.browser
	@$(RUN) -m pytest -n $(PROCESSES) --dist loadfile

test-leaks: setup ## Seed known defects one by one and see that the isolation suites catch each
	@$(RUN) -m tests.leaks

lint: setup ## Check style, types and layers
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

check: lint test ## What CI runs: lint and test

proof: setup ## Prove at length that tenants are kept apart and that the main job works; writes a signed report
	@$(RUN) -m stack.browser
	@$(RUN) -m tests.proof

bench: setup ## Measure the hot paths against floors of the same run
	@$(RUN) -m benchmarks

scale: setup ## Build 1,000 dedicated and 100,000 pooled tenants and measure (about eight minutes)
	@$(RUN) -m benchmarks.scale

race: setup ## Let 1,000 buyers want the last unit at once, a hundred times in each of four ways (about half an hour)
	@RACE_BUYERS=1000 RACE_ROUNDS=100 $(RUN) -m pytest tests/store/test_last_unit.py

chaos: setup ## Kill, freeze and cut everything under load: every scenario, then 1,000 random kills
	@CHAOS=1 CHAOS_KILLS=$(or $(KILLS),1000) CHAOS_SECONDS=0 $(RUN) -m pytest -s tests/chaos tests/overload/test_three_times.py tests/jobs/engine/test_confines.py

lock: setup ## Make the hashed requirements files anew from pyproject.toml
	@$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	@$(COMPILE) --upgrade pyproject.toml --group dev -o requirements-dev.txt
	@npm install --package-lock-only --ignore-scripts

clean: ## Remove what setup made; data under var/ stays
	@rm -rf .venv node_modules app/web/static/vendor .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

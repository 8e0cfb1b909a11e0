# Needs python3 (3.11 or newer) with venv and pip, and make; everything else goes into .venv.
#   make reproduce   train, compare and report at the quick budget; run it again to continue where it stopped
#   make live        six living twins on this machine: what the model predicted beside what was measured
#   make test        the test suite
#   make lint        format, lint, types, import layers
#   make bench       speed beside other libraries, into docs/benchmarks.md (its own environment, .venv-bench)
#   make docs        the documentation site, into site/ (its own environment, .venv-docs)
#   make lock        pin the newest versions that pyproject.toml allows (needs uv)

PYTHON ?= python3
OUT ?= runs/quick
LIVE ?= runs/live

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
COMPILE := uv pip compile --quiet --upgrade --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	--no-emit-find-links
LOCK := $(COMPILE) pyproject.toml

.PHONY: reproduce live test lint bench docs lock clean
.DELETE_ON_ERROR:

reproduce: .venv/runtime
	$(BIN)/twinsync reproduce --budget quick --out "$(OUT)" --resume
	@echo "Open $(OUT)/report.html in a browser; report.md beside it is the same as text."

# 25 slots of 1.2 s; `twinsync live --data runs/live` goes on without end. The first start compiles the codec, a minute.
live: .venv/live
	$(BIN)/twinsync live --slots 25 --data "$(LIVE)"
	@echo "Every revision: $(BIN)/twinsync twins export --data $(LIVE) --out twins.jsonl"

# A worker that crashes ends the run: pytest-xdist 3.8 waits for ever once it has replaced one (its issues 784, 1378).
test: .venv/development
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: .venv-bench/ready
	.venv-bench/bin/python -m benchmarks --out docs/benchmarks.md

docs: .venv-docs/ready
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@echo "Open site/index.html in a browser; for its search, serve it: $(PYTHON) -m http.server -d site"

lock:
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock -o requirements-dev.lock
	$(LOCK) --extra dev --extra bench --constraint requirements-dev.lock -o requirements-bench.lock
	$(COMPILE) --group docs --constraint requirements-dev.lock -o requirements-docs.lock

clean:
	rm -rf .venv .venv-bench .venv-docs build site .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "twinsync needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
	"Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Setting up .venv, which takes a few minutes once"
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.lock pyproject.toml | .venv/bin/python
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

# numba, Pillow and Zenoh, pinned as in the development environment.
.venv/live: requirements-dev.lock .venv/runtime
	@$(PIP) --constraint requirements-dev.lock --editable ".[live]"
	@touch $@

.venv/development: requirements-dev.lock .venv/runtime
	@$(PIP) -r requirements-dev.lock
	@touch $@

.venv-bench/ready: requirements-bench.lock pyproject.toml | .venv/bin/python
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet -r requirements-bench.lock
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --editable .
	@touch $@

.venv-docs/ready: requirements-docs.lock | .venv/bin/python
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip --disable-pip-version-check install --quiet -r requirements-docs.lock
	@touch $@

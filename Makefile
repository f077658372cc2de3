# Needs python3 (3.11 or newer, with venv) and make; everything else is installed into .venv, pinned with hashes.
#
#   make demo [KEEP=1]                  the demonstration; KEEP=1 leaves the server running
#   make test [ARGS="-k name"]          all tests
#   make check                          lint, format, types, contracts between packages
#   make sim SEEDS=200                  simulated days under faults
#   make campaign NAME=... SIZE=full    one campaign of evidence
#   make bench [ONLY=a,b] [SIZE=smoke]  benchmarks; results also go to build/bench.jsonl
#   make mutate                         change every clause in every small way; its tests must notice
#   make docs                           regenerate the generated parts of the documentation
#   make lock                           pin the newest versions again (needs uv)

PYTHON ?= python3
UV ?= uv
SEEDS ?= 200
SIZE ?= full
NAME ?= simulation
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check sim campaign bench mutate docs lock clean

demo: .venv/.runtime
	$(BIN)/multihome demo $(if $(KEEP),--keep)

test: .venv/.dev
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo --cache-dir build/import-linter
	$(BIN)/pyright

sim: .venv/.runtime
	$(BIN)/multihome campaign simulation --seeds $(SEEDS)

campaign: .venv/.runtime
	$(BIN)/multihome campaign $(NAME) --size $(SIZE)

bench: .venv/.runtime
	$(BIN)/python -m bench --size $(SIZE) $(if $(ONLY),--only $(ONLY))

mutate: .venv/.dev
	$(BIN)/python -m tools.mutate

docs: .venv/.dev
	$(BIN)/python -m tools.generate_docs

# The locks name no index: pip uses whichever it is configured for.
LOCK := $(UV) pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --group build
lock:
	$(LOCK) --output-file requirements/runtime.txt
	$(LOCK) --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt

clean:
	rm -rf .venv build mutants dist .hypothesis .pytest_cache .ruff_cache

# Each stamp is newer than the lock it was installed from, so that a second run installs nothing.
.venv/.made:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'multihome needs Python 3.11 or newer with venv (Debian: apt install python3-venv); or name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: .venv/.made requirements/runtime.txt pyproject.toml
	$(PIP) install --require-hashes --requirement requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

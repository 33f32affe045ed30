# Everything a person does here, by name. `make` alone says what there is.
VENV := .venv
UV := $(VENV)/bin/uv
PY := $(VENV)/bin/python
UV_VERSION := 0.13.9

.PHONY: help install system demo test check lint types contracts mesh sim mutations chaos soak bench interop proto reference clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

$(VENV)/.made: pyproject.toml uv.lock
	@PYTHON="$(PYTHON)" sh scripts/environment $(VENV) $(UV_VERSION)
	@echo 'setting up $(VENV)'
	@$(UV) sync -q --frozen
	@touch $@

install: $(VENV)/.made ## the virtual environment and the command .venv/bin/nsm

system: ## the system packages that worlds and tests use (needs root)
	@sh scripts/system-packages

demo: install system ## two nodes, a service by name, a ping across each vWire, and all gone again
	@sh scripts/demo

lint: install ## style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: install ## types
	$(VENV)/bin/mypy

contracts: install ## the direction of imports
	$(VENV)/bin/lint-imports

check: lint types contracts ## everything that needs no running

test: install system check ## set up what the tests need, and run them
	$(VENV)/bin/pytest -q -n 2

mesh: install system ## only whole worlds, on the real thing, and whatever takes long
	$(VENV)/bin/pytest -q -m "world or slow"

sim: install ## many meshes in one process, as seeds say: SEEDS=A..B (0..399), and large ones
	$(PY) -m nsm.sim --seeds $(or $(SEEDS),0..399) -j2
	$(PY) -m nsm.sim --seeds 0..19 --size large -j2

mutations: install ## faults put into the product, and how soon the simulation notices: NAMES="…"
	$(PY) -m tests.sim.mutations $(NAMES) -j2

chaos: install system ## real faults on a real mesh: SEED= MINUTES= (2)
	$(PY) -m tests.chaos $(if $(SEED),--seed $(SEED)) --minutes $(or $(MINUTES),2)

soak: install system ## everything comes and goes for MINUTES= (10), and nothing may grow
	$(PY) -m tests.soak --minutes $(or $(MINUTES),10)

bench: install system ## figures: JSON in bench/results/, and a table
	$(PY) -m bench

interop: install system ## a Go client, endpoint and server on the wire with ours
	$(VENV)/bin/pytest -q -m interop

proto: install ## write src/nsm/wire/_gen from src/nsm/wire/proto
	$(PY) src/nsm/wire/generate.py

reference: install ## write docs/elements.md and docs/settings.md from the code
	$(PY) scripts/write_reference.py

clean: ## remove what was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

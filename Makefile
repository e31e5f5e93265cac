# Works with GNU make 3.81 or newer. Everything is installed into .venv, once: a stamp stands for each of the two
# installations and is older than pyproject.toml or constraints.txt only when there is something to do.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -c constraints.txt
INSTALL_WHYSET := $(INSTALL) --no-build-isolation -e
SOURCES := pyproject.toml constraints.txt
ARGS ?=

export PYTHON

.PHONY: help demo test oracles check docs web constraints lock locked sbom clean

help:
	@echo "make demo         the whole story on handwritten digits, ending in the browser (ARGS=--no-view: in the terminal)"
	@echo "make test         all tests (ARGS='-k zplus' for some)"
	@echo "make oracles      the peers that tests compare with, each in an environment of its own (make test does it)"
	@echo "make check        format, lint and types"
	@echo "make docs         the documentation site, in build/docs"
	@echo "make web          build the viewer's browser side again (needs Node 20.19 or newer)"
	@echo "make constraints  choose exact versions anew (ARGS=torch==2.13.0 fixes some)"
	@echo "make lock         the hashes of these versions' files (constraints.lock.txt)"
	@echo "make locked       install with these hashes checked; torch as TORCH says, by default the index's torch"
	@echo "make sbom         what whyset is made of, as CycloneDX JSON in build/"
	@echo "make clean        remove .venv and what was built"

demo: $(VENV)/core.stamp
	$(BIN)/whyset demo $(ARGS)

# A process per core, up to four: each takes 1 to 2 GB and makes the shared runs for itself.
test: $(VENV)/test.stamp oracles
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

oracles: .oracles/corelay/stamp .oracles/virelay/stamp .oracles/moto/stamp

check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The pages of the API import everything, so they are built in the environment of the tests.
docs: $(VENV)/test.stamp
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html -d build/doctrees docs build/docs

web:
	cd web && npm ci && npm run build

constraints: $(BIN)/python
	$(BIN)/python scripts/constraints.py $(ARGS)

lock: $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt packaging
	$(BIN)/python scripts/lock.py

# torch comes first and without what it needs, as its builds differ; all else is in the lock. The NVIDIA libraries of a
# CUDA build are told by `pip check`: docs/what-executes-code.md says how they come.
TORCH ?= torch
locked: $(BIN)/python
	$(INSTALL) --no-deps $(TORCH)
	$(PIP) install --require-hashes --no-deps -r constraints.lock.txt
	$(INSTALL_WHYSET) . --no-deps
	$(PIP) check

sbom: $(BIN)/python
	mkdir -p build
	test -x build/sbom/bin/cyclonedx-py || { $(BIN)/python -m venv build/sbom && \
	build/sbom/bin/python -m pip --disable-pip-version-check install -q -r scripts/sbom.txt; }
	build/sbom/bin/cyclonedx-py environment $(VENV) --pyproject pyproject.toml --output-reproducible \
	--output-format JSON --validate --output-file build/sbom-python.json
	cd web && npm sbom --sbom-format cyclonedx --package-lock-only > ../build/sbom-web.json

clean:
	rm -rf $(VENV) .oracles build dist docs/generated .mypy_cache .pytest_cache .ruff_cache web/node_modules

$(VENV)/core.stamp: $(SOURCES) | $(BIN)/python
	$(INSTALL) hatchling
	$(INSTALL_WHYSET) .
	touch $@

# The test installation holds the core one, so it brings that stamp up to date as well.
$(VENV)/test.stamp: $(SOURCES) | $(BIN)/python
	$(INSTALL) hatchling
	$(INSTALL_WHYSET) ".[test]"
	touch $(VENV)/core.stamp $@

$(BIN)/python:
	@python=$$(scripts/find_python) && { "$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }

# Their requirements exclude ours and each other's, so tests talk to them through processes. What cannot be installed
# (CoRelAy compiles an extension) is missed by some tests, which say so.
.oracles/%/stamp: tests/oracles/%.txt | $(BIN)/python
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install -q -r $< && touch $@ || \
	{ rm -rf $(@D); echo "$* cannot be installed: tests that compare with it will be skipped" >&2; }

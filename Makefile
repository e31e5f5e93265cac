# Works with GNU make 3.81 or newer. Everything is installed once, into .venv: each of the two installations has a stamp,
# which is older than pyproject.toml or constraints.txt only if the installation has to be updated.

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
	@echo "make demo         run the demo on handwritten digits and open the viewer (ARGS=--no-view: no viewer)"
	@echo "make test         run all tests (ARGS='-k zplus' for some)"
	@echo "make oracles      install the packages that tests compare with, each in its own environment (part of make test)"
	@echo "make check        check format, lint and types"
	@echo "make docs         build the documentation site in build/docs"
	@echo "make web          build the browser side of the viewer (needs Node 20.19 or newer)"
	@echo "make constraints  update constraints.txt to the newest versions (ARGS=torch==2.13.0 pins some)"
	@echo "make lock         write the hashes of these versions to constraints.lock.txt"
	@echo "make locked       install with these hashes checked; TORCH sets the torch to install, by default that of the index"
	@echo "make sbom         write the software bill of materials, as CycloneDX JSON in build/"
	@echo "make clean        remove .venv and all build outputs"

demo: $(VENV)/core.stamp
	$(BIN)/whyset demo $(ARGS)

# One process per core, up to four: each needs 1 to 2 GB and makes its own copy of the shared runs. Tests start hundreds
# of programs; each of them would compile whyset again if compiled modules could not be stored.
test: $(VENV)/test.stamp oracles
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

oracles: $(addprefix .oracles/,$(addsuffix /stamp,corelay virelay moto lxt quantus minilm saliency grad_cam craft trainers))

check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The API pages import everything, so they are built in the test environment.
docs: $(VENV)/test.stamp
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html -d build/doctrees docs build/docs

web:
	cd web && npm ci && npm run build

constraints: $(BIN)/python
	$(BIN)/python scripts/constraints.py $(ARGS)

lock: $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt packaging
	$(BIN)/python scripts/lock.py

# torch is installed first and without its requirements, as its builds differ; everything else is in the lock. `pip check`
# reports the NVIDIA libraries of a CUDA build: docs/what-executes-code.md explains how to install them.
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

# The test installation includes the core one, so it also updates that stamp.
$(VENV)/test.stamp: $(SOURCES) | $(BIN)/python
	$(INSTALL) hatchling
	$(INSTALL_WHYSET) ".[test]"
	touch $(VENV)/core.stamp $@

$(BIN)/python:
	@python=$$(scripts/find_python) && { "$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }

# Their requirements conflict with those of whyset and of each other, so tests use them in separate processes. If one
# cannot be installed (CoRelAy compiles an extension), the tests that need it are skipped with that reason.
.oracles/%/stamp: tests/oracles/%.txt | $(BIN)/python
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install -q --no-deps -r $< && touch $@ || \
	{ rm -rf $(@D); echo "$* cannot be installed: tests that compare with it will be skipped" >&2; }

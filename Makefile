# The only needs are make and Python 3.11 or later; `make install PYTHON=python3.12` names another one.

PYTHON ?= python3
INSTANCE ?= instance
BIND ?= 127.0.0.1:8000

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SERVER := $(BIN)/oai-server

.DELETE_ON_ERROR:
.PHONY: help install demo test test-long bench bench-large lint image-test capacity clean

help:
	@echo 'make demo        serve sample records on http://$(BIND)'
	@echo 'make install     put the command at $(SERVER)'
	@echo 'make test        run the whole suite; PostgreSQL, a browser and other harvesters join in where they can be had'
	@echo 'make test-long   soak: the simulation and the large harvests, for half an hour'
	@echo 'make bench       measure speed beside a peer and a floor, for five minutes; docs/performance.md shows it'
	@echo 'make bench-large the same with ten million items (COPIES=... of 100,000): 50 GB in $$TMPDIR and half an hour'
	@echo 'make lint        check style, types, and who may import whom'
	@echo 'make image-test  build the container and try it, by buildah; needs root on Debian'
	@echo 'make capacity    measure what docs/scale.md reckons with; ITEMS=20000 unless said otherwise'
	@echo 'make clean       remove $(VENV); never touches $(INSTANCE)'

# A stamp is older than pyproject.toml as soon as that changes; then pip looks again.
install: $(VENV)/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo '$(PYTHON) is not Python 3.11 or later; name one that is: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo 'Python cannot make virtual environments here (on Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[postgres]'
	@touch $@

$(VENV)/.testable: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed

demo: $(INSTANCE)/.demo
	@echo 'The repository is on http://$(BIND), for harvesters on http://$(BIND)/oai?verb=Identify. Ctrl-C stops it.'
	@exec env OAI_BASE_URL=http://$(BIND)/oai $(SERVER) serve --instance $(INSTANCE) --bind $(BIND)

# Once for an instance: importing the table again would bring the two works back that are deleted here.
$(INSTANCE)/.demo: | $(VENV)/.installed
	$(SERVER) init --instance $(INSTANCE)
	$(SERVER) import --instance $(INSTANCE) --source wilson docs/examples/memorandum.yaml
	$(SERVER) import --instance $(INSTANCE) --source tate --profile docs/examples/tate.toml docs/examples/tate-sample.csv
	$(SERVER) delete --instance $(INSTANCE) oai:archive.example.org:A00001 oai:archive.example.org:A00005
	@touch $@

test: $(VENV)/.testable
	@tests/system-packages libhttp-oai-perl chromium chromium-driver postgresql nginx pgbouncer redis-server
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# The soaks: the simulation for minutes, every client through every record of a large collection.
test-long: $(VENV)/.testable
	@tests/system-packages libhttp-oai-perl postgresql
	OAI_LONG=1 $(BIN)/pytest tests/harvest tests/test_harvest_clients.py

$(VENV)/.benchable: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[bench]'
	@touch $@ $(VENV)/.installed

BENCH = PYTHONPATH=tests $(BIN)/python -m benchmarks --out docs/performance --page docs/performance.md

bench: $(VENV)/.benchable
	@tests/system-packages postgresql
	$(BENCH) --name bench

bench-large: $(VENV)/.benchable
	@tests/system-packages postgresql
	$(BENCH) --name bench-large --copies $(or $(COPIES),103)

lint: $(VENV)/.testable
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

image-test: $(VENV)/.testable
	@tests/system-packages buildah debootstrap
	tests/image/try.sh

capacity: $(VENV)/.testable
	@tests/system-packages postgresql
	PYTHONPATH=tests $(BIN)/python -m benchmarks.capacity $(ITEMS)

clean:
	rm -rf $(VENV)

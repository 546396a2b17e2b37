# Everything that a fresh machine with Python 3.11 and make still lacks is made here, once, in .venv.
#
#   make demo     the main job: from a trained model to a served, logged prediction
#   make test     all tests
#
# Settings: PYTHON=python3.12 · VENV=.venv · WORKERS=2 · PYTEST_ARGS="-k save" · SERVERS=no leaves out the tests that
# need a database server or a browser (only Linux can start all of them).

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
VENV ?= .venv
WORKERS ?= 2
SERVERS ?= $(if $(filter Linux,$(shell uname -s)),yes,no)
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

ifneq ($(SERVERS),no)
# Debian keeps servers in a folder that an ordinary user's PATH does not name.
export PATH := $(PATH):/usr/sbin
endif

# An environment holds the path it was made for; in a copied or moved checkout it would test the other one's source.
MADE_FOR := $(shell cat $(VENV)/.made-for 2>/dev/null)
ifneq ($(MADE_FOR),)
ifneq ($(MADE_FOR),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

, := ,
# uv does not read pip's settings (a company's index, a certificate); where it fails, pip has the last word.
# The hub's pages are built by `make ui`, not while this is installed for work on it.
install = export MODELYARD_UI=skip; $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt $(1) || { \
	echo "uv could not; trying with pip" >&2; \
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' && \
	$(BIN)/python -m pip install --quiet -c constraints.txt $(1); }

.DEFAULT_GOAL := help
.PHONY: help demo test test-frameworks ui check check-lint check-format check-layers check-types check-ui format bench build lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

demo: $(VENV)/.runtime ## the main job, start to end, in ./modelyard-demo
	@$(BIN)/modelyard demo $(ARGS)

test: $(VENV)/.dev ## all tests; what they need is installed first
	$(BIN)/python ui/build.py
ifeq ($(SERVERS),no)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not postgres and not mariadb and not browser" $(PYTEST_ARGS)
else
	@command -v mariadbd >/dev/null || .ci/apt-install mariadb-server || { \
		echo "The tests need the MariaDB server. Without it: make test SERVERS=no" >&2; exit 1; }
	@command -v nginx >/dev/null || .ci/apt-install nginx-light || { \
		echo "The tests need nginx. Without it: make test SERVERS=no" >&2; exit 1; }
	@PATH="$$PATH:/usr/sbin" command -v sshd >/dev/null || .ci/apt-install openssh-server || { \
		echo "The tests need sshd. Without it: make test SERVERS=no" >&2; exit 1; }
	@command -v git-lfs >/dev/null || .ci/apt-install git-lfs || { \
		echo "The tests need Git LFS. Without it: make test SERVERS=no" >&2; exit 1; }
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || .ci/apt-install faketime || { \
		echo "The tests need libfaketime. Without it: make test SERVERS=no" >&2; exit 1; }
	@command -v chromium >/dev/null || .ci/apt-install chromium || { \
		echo "The tests need Chromium. Without it: make test SERVERS=no" >&2; exit 1; }
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)
endif

test-frameworks: $(VENV)/.dev ## libraries too heavy for every run, each in an environment of its own; ARGS="torch" for one
	@command -v java >/dev/null || .ci/apt-install default-jre-headless || { \
		echo "Spark and PMML need Java." >&2; exit 1; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/frameworks/run.py $(ARGS)

ui: $(VENV)/.dev ## the hub's pages, from ui/, with their types checked
	$(BIN)/python ui/build.py --types

check: check-lint check-format check-layers check-types check-ui ## lint, format, layers, types

check-lint: $(VENV)/.dev
	$(BIN)/ruff check .

check-format: $(VENV)/.dev
	$(BIN)/ruff format --check .

check-layers: $(VENV)/.dev
	$(BIN)/lint-imports

check-types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

check-ui: ui

format: $(VENV)/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure us and our peers; the figures go to benchmarks/README.md
	@command -v wrk >/dev/null || .ci/apt-install wrk
	$(BIN)/python -m benchmarks $(ARGS)

build: $(VENV)/.dev ## wheel and source archive, in dist/
	$(BIN)/uv build --quiet

lock: $(VENV)/.dev ## pin the newest versions that fit, in constraints.txt
	$(BIN)/uv pip compile --quiet --universal --upgrade --no-annotate --python-version 3.11 \
		--extra all --group dev --custom-compile-command "make lock" -o constraints.txt pyproject.toml
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/frameworks/lock.py

clean: ## remove all that was made here, the environment too
	rm -rf $(VENV) dist build benchmarks/.peers modelyard-demo
	rm -rf ui/node_modules ui/dist ui/openapi.json ui/src/schema.d.ts src/modelyard/hub/static
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made-for:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Modelyard needs Python 3.11 or newer. Name one: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/apt-install python3-venv
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "$(CURDIR)" > $@

$(VENV)/.runtime: $(VENV)/.made-for pyproject.toml constraints.txt
	@echo "Installing modelyard and its libraries"
	@$(call install,-e '.[sklearn$(,)pandas$(,)polars$(,)arrow$(,)postgres$(,)mysql]')
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing what tests and checks need"
	@$(call install,-e '.[sklearn$(,)pandas$(,)polars$(,)arrow$(,)excel$(,)image$(,)onnx$(,)postgres$(,)mysql]' --group dev)
	@touch $@

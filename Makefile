PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
QUIET := not gpu and not network and not web
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-all lint test-web web docs bench audit clean

demo: $(VENV)/.installed
	$(BIN)/ganonymize demo $(if $(PICTURE),"$(PICTURE)") --out demo

test: lint
	$(BIN)/pytest -m 'not slow and $(QUIET)'

# With what takes long: killed runs, every engine, a wheel in an empty environment.
test-all: lint
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The page in a real browser, and axe-core, which looks for what keeps people out.
test-web: $(VENV)/.installed-web web/node_modules/axe-core
	command -v chromium >/dev/null || \
	  { apt-get update && apt-get install -y --no-install-recommends chromium; }
	$(BIN)/pytest -m web tests/web

# Known holes in what is installed; asks PyPI's database of advisories.
audit: $(VENV)/.installed-dev
	$(BIN)/pip install -q -c constraints.txt -e '.[audit]'
	$(BIN)/pip-audit --local --skip-editable

bench: $(VENV)/.installed-dev
	$(BIN)/pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/table.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/cores.py
	$(BIN)/python benchmarks/stages.py
	$(BIN)/python benchmarks/limits.py
	$(BIN)/python benchmarks/speed.py

# A folder that a stopped call left half made has no stamp, and is made anew.
$(VENV)/.made:
	@"$(PYTHON)" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "error: $(or $(PYTHON),python3) is no Python 3.11 or newer with venv (Debian: python3-venv); \
	name one: make PYTHON=python3.12 $(firstword $(MAKECMDGOALS))" >&2; exit 1; }
	rm -rf $(VENV)
	"$(PYTHON)" -m venv $(VENV)
	touch $@

# A stamp for each set of packages: the second call installs nothing.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/pip install -q -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/pip install -q -c constraints.txt -e '.[train,eval,serve,scale,datasets,dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-web: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/pip install -q -c constraints.txt -e '.[train,eval,serve,scale,datasets,dev,web]'
	touch $@ $(VENV)/.installed-dev $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/pip install -q -c constraints.txt -e '.[docs]'
	touch $@ $(VENV)/.installed

web/node_modules/axe-core:
	cd web && npm ci --ignore-scripts --no-audit --no-fund

# The page that needs no server, in web/dist; Node.js brings what it needs from npm.
web: $(VENV)/.installed
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	$(BIN)/python tools/web_assets.py web/dist/assets
	cd web && node copy.mjs

# The documentation as a site, in build/site; dead links end it. Links are kept as they are: the pages
# are copied with what they link to, as they lie.
PAGES := *.md LICENSE CITATION.cff configs docs web/*.md training-state/*.md src/ganonymization/weights/*.md \
         src/ganonymization/weights/*.txt
docs: $(VENV)/.installed-docs
	rm -rf build/pages && mkdir -p build/pages
	tar cf - $(PAGES) | tar xf - -C build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo build/site/index.html

clean:
	rm -rf $(VENV) demo build

# Everything here sets up what it needs: only Python 3.12 or newer and make have to be there already.
# DATABASE_URL and REDIS_URL switch the demo, the suite and the drill from SQLite and an embedded server to real ones.

.DEFAULT_GOAL := help
# Tests wait more than they reckon.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet

.PHONY: help
help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: install  ## set up and run the demo site with two workers; Ctrl-C stops everything
	@$(BIN)/python -m project.demo $(ARGS)

.PHONY: test
test: install  ## run the suite (ARGS="-k name" narrows it, JOBS=1 runs one test at a time)
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

.PHONY: drill
drill: install  ## break things on purpose and check the counters (ARGS=--naive shows a queue that gets it wrong)
	@$(if $(REDIS_URL),,$(BIN)/python -m project.embedded) $(BIN)/python manage.py drill $(ARGS)

.PHONY: mutants
mutants: install  ## switch the mechanisms off one by one and see who notices (ARGS=--help shows the rest)
	@$(BIN)/python -m tests.mutants --jobs $(JOBS) $(ARGS)

.PHONY: fuzz
fuzz: install  ## read N odd inputs of every kind (N=20000)
	@FUZZ=$(or $(N),20000) $(BIN)/python -m pytest -n 0 tests/security/test_no_input_surprises.py

# MariaDB is one of its databases unless others are named.
SOAK_MARIADB = $(if $(findstring --databases,$(ARGS)),$(findstring mariadb,$(ARGS)),all)
.PHONY: soak
soak: install $(if $(SOAK_MARIADB),.venv/installed-mysql)  ## break everything at random for minutes, and count what went wrong (ARGS=--help shows the rest)
	@$(BIN)/python -m tests.soak $(ARGS)

.PHONY: simulate
simulate: install  ## run N=10000 schedules of simulated workers and faults (SEED=… tells the story of one)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),-n $(or $(N),10000)) $(ARGS)

.PHONY: bench
bench: install  ## measure speed and memory (PEERS=1 measures other queues too; ARGS=--help shows the rest)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: pictures
pictures: install  ## take the pictures in docs/images anew (needs Chromium and its driver)
	@CI=true $(BIN)/python -m pytest -q tests/browser/pictures.py
	@for theme in unfold jazzmin grappelli; do \
		CI=true $(BIN)/python -m pytest -q --ds=tests.themes.$$theme tests/themes/suite/pictures.py || exit 1; \
	done

.PHONY: messages
messages: install  ## put new texts into the admin's translations, and compile them (ARGS=fr begins another language)
	@$(BIN)/python -m tests.messages $(ARGS)

.PHONY: lint
lint: install  ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: install  ## put style and formatting right
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: types
types: install  ## check types
	@$(BIN)/mypy

.PHONY: contracts
contracts: install  ## check that imports point down, and that models and migrations agree
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: ci
ci:  ## do all that has to pass before a merge: the suite on three databases, and every check
	@.ci/run

.PHONY: clean
clean:  ## remove all that these commands made
	rm -rf .venv var build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ── setting up ──

.PHONY: install
install: .venv/installed $(if $(filter mysql%,$(DATABASE_URL)),.venv/installed-mysql)

.venv/installed: pyproject.toml
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
		python=$$($(FIND_PYTHON)) || exit 1; \
		echo "Setting up .venv with $$("$$python" --version); the first time takes a minute …"; \
		"$$python" -m venv --clear .venv || exit 1; \
	fi
	@$(INSTALL) --editable '.[dev]'
	@touch $@

.venv/installed-mysql: .venv/installed
	@$(INSTALL) --editable '.[dev,mysql]' || { \
		echo "mysqlclient could not be built. It needs a C compiler and the client library's headers:" >&2; \
		echo "  apt-get install gcc pkg-config libmariadb-dev    (or: brew install pkg-config mariadb-connector-c)" >&2; \
		exit 1; \
	}
	@touch $@

# An interpreter counts only once it has run: version managers leave names on PATH that fail when they are called.
define FIND_PYTHON
for python in $(PYTHON) python3.14 python3.13 python3.12 python3 python \
	"$$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do \
	if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then \
		echo "$$python"; exit 0; \
	fi; \
done; \
echo "No Python 3.12 or newer was found that runs and can make a virtual environment." >&2; \
echo "Install one (on Debian and Ubuntu: python3 and python3-venv), or name it: make PYTHON=/path/to/python" >&2; \
exit 1
endef

# Two commands do all the set-up: `make rehearse` and `make test`.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := scenarios/friday_payouts.py
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# Tests start hundreds of processes, and each would compile the harness anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help rehearse test lint servers faults podman cgroup2 load-kills load-hosts bench bench-memory images clean

help: ## what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

rehearse: $(VENV)/.sample ## rehearse the sample system at 1, 2, 5 and 10 x 400 users
	@echo "The sample is a batch with known defects: NOT READY is the right answer."
	@$(BIN)/rehearse run $(SAMPLE); code=$$?; \
	if [ $$code -eq 1 ]; then echo "As it should be: the rehearsal found the sample's defects (exit code 1)."; \
	else echo "The sample should have ended with exit code 1, not $$code."; exit $$((code ? code : 4)); fi

test: $(VENV)/.dev $(VENV)/.servers ## every test, with containers, real servers and a browser (root on Debian gets all three)
	@sh tests/with_browser.sh sh tests/with_engine.sh sh tests/run.sh $(BIN)/python $(ARGS)

lint: $(VENV)/.dev ## ruff, mypy strict, and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: $(VENV)/.servers ## hold the wall finder against every real server, and write the table of it
	FULL=1 $(BIN)/python -m pytest -m servers tests/walls tests/end_to_end/test_request_walls.py $(ARGS)

faults: $(VENV)/.dev ## what the harness itself survives: the fault matrix in full, and the table of it
	FULL=1 sh tests/with_engine.sh $(BIN)/python -m pytest tests/faults $(ARGS)

podman: $(VENV)/.dev ## a rehearsal on Podman's Docker-compatible socket (root on Debian; apt-get install podman)
	PODMAN=1 sh tests/with_engine.sh $(BIN)/python -m pytest -q tests/end_to_end/test_podman.py $(ARGS)

cgroup2: $(VENV)/.dev ## the container tests on cgroup v2, in a machine of its own (root on Debian; ten minutes)
	@sh tests/with_engine.sh sh tests/cgroup2/run.sh $(ARGS)

load-kills: $(VENV)/.dev ## kill a load worker at a random moment, 50 times, and write the table of it
	KILLS=50 WRITE_TABLE=1 $(BIN)/python -m pytest -q -s --timeout=3600 tests/load/test_fleet.py -k killed_at

load-hosts: $(VENV)/.dev ## load workers on hosts of their own (network namespaces), one killed, one cut off (root)
	LOAD_HOSTS=1 $(BIN)/python -m pytest -q -s tests/load/test_hosts.py

bench: $(VENV)/.bench ## measure speed as ratios against peers in the same run
	@for bench in tests/bench/[a-z]*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

bench-memory: $(VENV)/.dev ## the memory verdict against hundreds of runs and real kills (hours; goes on where it stopped)
	@for part in collect kills lines cost runtimes results; do $(BIN)/python -m tests.bench.memory.$$part || exit 1; done

images: $(VENV)/.sample ## build the sample's images, where their content is new
	@sh tests/with_engine.sh $(BIN)/rehearse images $(SAMPLE)

clean: ## remove what was made here: the environment, caches, reports
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find reports -mindepth 1 -maxdepth 1 ! -name sample ! -name README.md -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none was found on the PATH."; exit 5; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then \
	echo "python3-venv is missing: installing it"; apt-get update -qq && apt-get install -y -qq python3-venv && \
	$(PYTHON) -m venv $(VENV); \
	else echo "Python's venv module does not work: install python3-venv (Debian)."; exit 5; fi; }

$(VENV)/.sample: $(VENV)/bin/pip pyproject.toml constraints.txt
	@echo "installing into $(VENV) (a minute, once)"
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[sample,memory]'
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[sample,memory,load,queue,test,dev,bench]'
	@touch $@

# Once for each version of the list. Where they cannot be installed their tests are skipped; with CI set they fail.
$(VENV)/.servers: $(VENV)/.dev fixtures/servers/install.sh fixtures/servers/requirements.txt fixtures/servers/express/package.json
	@mkdir -p .cache
	@if [ "$$(id -u)" != 0 ] || [ ! -e /etc/debian_version ]; then \
	echo "servers: installing them needs root on Debian; those that are missing are not tested against"; \
	elif echo "servers: installing (two minutes, once)" && PIP=$(BIN)/pip sh fixtures/servers/install.sh >.cache/servers.log 2>&1; then \
	touch $@; \
	else echo "servers: not all could be installed, see .cache/servers.log:"; tail -n 3 .cache/servers.log; fi

$(VENV)/.dev: $(VENV)/.sample
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[sample,memory,load,queue,test,dev]'
	@touch $@

# The two commands that matter: `make chat` and `make test`. Each does all its set-up first, and only what is missing.
# pyproject.toml is the one place where versions are pinned; the stamp is written last, so a half-made install is redone.

VENV   := .venv
STAMP  := $(VENV)/.installed
BIN    := $(VENV)/bin
PIP    := 26.3
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)

.PHONY: chat test setup lint fix docs benchmarks clean
.DEFAULT_GOAL := chat

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found; on Debian: apt-get install python3 python3-venv"; exit 1; }
	@echo "Installing into $(VENV) with $(PYTHON) (some minutes, about 2 GB, only when pyproject.toml changed) ..."
	@test -x $(BIN)/python || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==$(PIP)
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --quiet -e '.[dev]'
	@touch $(STAMP)

setup: $(STAMP)                 ## environment, data, weights, trained models
	@$(BIN)/chatrec setup

chat: setup                     ## open the app in the browser
	@$(BIN)/chatrec serve

test: setup                     ## pass the tests
	@$(BIN)/python -m pytest

lint: $(STAMP)                  ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(STAMP)                   ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)                  ## write the generated tables of the documentation
	$(BIN)/python docs/generate.py
	$(BIN)/python -m benchmarks.pages

benchmarks: setup               ## the figures of docs/lab-log.md
	$(BIN)/python benchmarks/recommend.py
	$(BIN)/python benchmarks/turn.py

clean:                          ## remove the environment; data, weights and conversations stay
	rm -rf $(VENV)

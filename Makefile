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

setup: $(STAMP)                 ## environment, data, weights, trained models: all of it, in the foreground
	@$(BIN)/chatrec setup

chat: $(STAMP)                  ## open the app in the browser, as soon as it can answer; the rest is made beside it
	@$(BIN)/chatrec setup --first
	@$(BIN)/chatrec serve

test: $(STAMP)                  ## pass the tests; those on real data work on MovieLens 100K
	@CHATREC_DATASET=ml-100k $(BIN)/chatrec setup
	-@$(BIN)/chatrec data get movielens-2016
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

benchmarks: export CHATREC_DATASET := ml-100k
benchmarks: setup               ## the figures of docs/lab-log.md
	$(BIN)/python benchmarks/recommend.py
	$(BIN)/python benchmarks/turn.py

clean:                          ## remove the environment; data, weights and conversations stay
	rm -rf $(VENV)

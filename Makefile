PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test quick check format checkpoints compression benchmark clean

app: $(VENV)/installed
	$(BIN)/streamlit run app.py

# Those of a file share its server and its browser.
test: $(VENV)/installed-dev browser check
	$(BIN)/pytest -n auto --dist loadfile

quick: $(VENV)/installed-dev
	$(BIN)/pytest -n auto -m "not browser and not slow"

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

checkpoints: $(VENV)/installed
	$(BIN)/python checkpoints/train_all.py

compression: $(VENV)/installed
	$(BIN)/python -m checkpoints.compression

benchmark: $(VENV)/installed-dev browser
	$(BIN)/python -m benchmarks

# The stamps make a second run install nothing.
$(VENV)/installed: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

# A Chromium that is here already is used; Debian's is installed when root may; else the reader is told what to do.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || test -n "$$CHROMIUM" || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else \
	  echo "No Chromium found: install one, or set CHROMIUM to its path."; exit 1; \
	fi

.PHONY: browser
clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache

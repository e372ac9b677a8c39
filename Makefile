# make demo   a fresh machine: environment, install, the main job on examples/day5
# make test   the same for the checks: ruff, mypy, pytest (TESTS=tests/run for a part)
# make fast   the quick tests alone: under a minute, before every commit
# make fuzz   MINUTES=10 of hostile files by every door; what is found is kept in .fuzz
# make release  the wheel, the same bytes twice, and its bill of materials with licences, into dist/
# make lint   ruff and mypy alone; make format; make clean; make distclean (the environment too)

PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TESTS ?= tests
MINUTES ?= 10
SOURCES := $(shell find blastoseg weights -type f ! -name '*.pyc' 2>/dev/null)

RELEASE := .release
EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)

.PHONY: demo test fast fuzz release lint format clean distclean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	rm -rf .demo
	$(BIN)/blastoseg run examples/day5 --settings examples/day5.toml --embryos examples/embryos.csv --out .demo/day5
	@echo "Open .demo/day5/report.xlsx"

test: lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(TESTS)

fast: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow" $(TESTS)

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.hostile.fuzz --minutes $(MINUTES)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Built twice from two copies of what git holds: whatever else lies in this folder is in neither.
release: $(BIN)/python
	rm -rf $(RELEASE) dist
	mkdir -p $(RELEASE)/one $(RELEASE)/two dist
	for copy in one two; do \
		git archive HEAD | tar -x -C $(RELEASE)/$$copy && \
		SOURCE_DATE_EPOCH=$(EPOCH) $(PIP) wheel -q --no-deps -w $(RELEASE)/$$copy-wheel $(RELEASE)/$$copy || exit 1; \
	done
	cmp $(RELEASE)/one-wheel/*.whl $(RELEASE)/two-wheel/*.whl
	cp $(RELEASE)/one-wheel/*.whl dist/
	$(BIN)/python -m venv $(RELEASE)/installed
	$(RELEASE)/installed/bin/python -m pip install -q -c constraints.txt dist/*.whl
	$(BIN)/python -m venv $(RELEASE)/tools
	$(RELEASE)/tools/bin/python -m pip install -q cyclonedx-bom==7.5.0
	$(RELEASE)/tools/bin/cyclonedx-py environment --output-reproducible \
		--output-file dist/blastoseg.cdx.json $(RELEASE)/installed/bin/python
	$(BIN)/python docs/check_licences.py dist/blastoseg.cdx.json

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A build without libGL needs OpenCV's headless wheel. Both wheels own the same files: only one may be there.
define make_opencv_load
	@$(BIN)/python -c 'import cv2' 2>$(VENV)/opencv-error.txt || { \
		version=$$($(PIP) show opencv-python | sed -n 's/^Version: //p') && \
		tail -n 1 $(VENV)/opencv-error.txt && \
		echo "OpenCV cannot be loaded here: replacing opencv-python $$version by opencv-python-headless $$version" && \
		$(PIP) uninstall -q -y opencv-python opencv-python-headless && \
		$(PIP) install -q --no-deps opencv-python-headless==$$version && \
		$(BIN)/python -c 'import cv2'; }
endef

# Where the checkout itself is installed for development, the demo runs that.
$(VENV)/.runtime: pyproject.toml setup.py constraints.txt $(SOURCES) | $(BIN)/python
	test -e $(VENV)/.dev || { rm -rf build && $(PIP) install -q -c constraints.txt .; }
	$(make_opencv_load)
	@touch $@

$(VENV)/.dev: pyproject.toml setup.py constraints.txt | $(BIN)/python
	$(PIP) install -q -c constraints.txt -e '.[dev,train]'
	$(make_opencv_load)
	@touch $@

clean:
	rm -rf .demo .fuzz $(RELEASE) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find blastoseg tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# Clientele. `make` lists the targets.
# Parameters are read from the environment by Python; none is ever spliced into a command.
DATASET ?= data/demo
PERIOD ?=
SEGMENT ?=
SEGMENTS ?=
FROM ?=
TO ?=
REPORT ?=
NAME ?=
export DATASET PERIOD SEGMENT SEGMENTS FROM TO REPORT NAME
# One BLAS thread: sums in the same order give the same bytes.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
# Kernels would compile all that they import anew each time.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH

UV_VERSION := 0.13.9
PYTHON := .venv/bin/python
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help report reports pdf publish compare verify check-data new-dataset \
	test check calibrate bench lab notebooks demo-data dictionary lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  with DATASET=folder PERIOD=2026Q2 SEGMENT=column=value for what concerns a report"

report: $(READY) ## build the report of DATASET, PERIOD, SEGMENT (default: the example company, last quarter)
	@$(PYTHON) -m analysis.reporting.build

reports: $(READY) ## build a report for each value of a column: SEGMENTS=region
	@$(PYTHON) -m analysis.reporting.segments

pdf: $(READY) ## print the report with the Chromium of this machine
	@$(PYTHON) -m analysis.reporting.pdf

publish: $(READY) ## keep the report as it is presented, under published/
	@$(PYTHON) -m analysis.reporting.archive

compare: $(READY) ## what moved, what was restated and why: FROM=2026Q1 TO=2026Q2
	@$(PYTHON) -m analysis.reporting.compare

verify: $(READY) ## build a report anew; identical, or what differs and why: REPORT=reports/company/2026Q2
	@$(PYTHON) -m analysis.reporting.verify

check-data: $(READY) ## check the exports alone: what is in them, what can be answered, what is wrong
	@$(PYTHON) -m analysis.reporting.check_data

new-dataset: $(READY) ## write a first dataset.yml by looking at files: NAME=acme FROM=folder
	@$(PYTHON) -m analysis.reporting.new_dataset

test: check .axe/ready ## run all checks and tests, the notebooks among them
	@$(PYTHON) -m pytest -n 2 --dist loadgroup -q
	@$(PYTHON) -m pytest -n 2 --dist loadfile -q --nbval --nbval-cell-timeout 300 notebooks

check: $(READY) ## style, types and the order of the floors
	@$(PYTHON) -m ruff check -q .
	@$(PYTHON) -m ruff format -q --check .
	@$(PYTHON) -m mypy --no-error-summary

calibrate: $(READY) ## check coverage and error rates with 2,000 simulated runs each
	@CALIBRATION_RUNS=2000 $(PYTHON) -m pytest -n 2 -q --timeout 7200 tests/calibration

bench: $(READY) ## measure against other tools, side by side in one run
	@$(PYTHON) -m benchmarks

lab: .lab/ready ## open JupyterLab on the notebooks
	@.lab/bin/jupyter lab --notebook-dir=. notebooks

notebooks: $(READY) ## execute the notebooks in place, as nbval compares them
	@$(PYTHON) -m analysis.reporting.refresh

demo-data: $(READY) ## make the example company anew
	@$(PYTHON) -m analysis.simulation --to data/demo

dictionary: $(READY) ## write data/README.md from the schema
	@$(PYTHON) -m analysis.intake.dictionary

lock: $(READY) ## pin all versions anew
	@.venv/bin/uv pip compile -q --universal --fork-strategy fewest --no-emit-index-url --no-header \
		--generate-hashes --python-version 3.11 --extra dev pyproject.toml -o requirements.lock
	@.venv/bin/uv pip compile -q --universal --fork-strategy fewest --no-emit-index-url --no-header \
		--generate-hashes --python-version 3.11 lab.in -o requirements-lab.lock
	@.venv/bin/uv pip compile -q --universal --no-deps --no-emit-index-url --no-header \
		--generate-hashes --python-version 3.11 axe.in -o requirements-axe.lock

clean: ## remove reports and intermediate results
	@rm -rf build reports/*/

$(READY): requirements.lock pyproject.toml
	@echo "making the environment in .venv"
	@python3 -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@.venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements.lock
	@.venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

# Only the checker's script is wanted of this package, not the browser driver that it depends on.
.axe/ready: requirements-axe.lock $(READY)
	@.venv/bin/uv pip install -q --python .venv/bin/python --target .axe --no-deps --require-hashes \
		-r requirements-axe.lock
	@touch $@

.lab/ready: requirements-lab.lock $(READY)
	@echo "making JupyterLab in .lab"
	@test -x .lab/bin/python || python3 -m venv .lab
	@.venv/bin/uv pip install -q --python .lab/bin/python --require-hashes -r requirements-lab.lock
	@.venv/bin/python -m ipykernel install --prefix .lab --name python3 --display-name "Python 3 (ipykernel)" > /dev/null
	@touch $@

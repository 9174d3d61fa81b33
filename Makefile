# Everything happens in .venv, which the first command makes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BUILT := .venv/built
CORE := setup.py birdfast/_kernels.pyx birdfast/_kernels.pxd $(wildcard csrc/*)

.PHONY: demo test bench lint format clean

demo: $(BUILT)
	$(BIN)/python -m birdfast demo demo
	$(BIN)/python -m birdfast infer demo/soundscape.flac -o demo/results
	$(BIN)/python -m birdfast demo demo --compare demo/results/detections.csv
	$(BIN)/python -m birdfast plot demo/soundscape.flac demo/results/detections.csv -o demo/soundscape.png --length 120

test: $(BUILT)
	$(BIN)/python -m pytest

# Peers that are not installed are left out: pip install '.[bench]' brings them.
bench: $(BUILT)
	OMP_NUM_THREADS=1 taskset -c 0 $(BIN)/python bench/bench_spectrogram.py
	$(BIN)/python bench/bench_end_to_end.py

lint: $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint birdfast
	$(BIN)/clang-format --dry-run --Werror csrc/*

format: $(BUILT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i csrc/*

clean:
	rm -rf .venv build dist demo *.egg-info birdfast/_kernels.c birdfast/*.so

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[birdnet,report,dev]'
	touch $(INSTALLED)

$(BUILT): $(INSTALLED) $(CORE)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $(BUILT)

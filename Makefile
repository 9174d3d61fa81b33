# Everything happens in .venv, which the first command makes.
PYTHON ?= python3
BIN := .venv/bin
BUILT := .venv/built

.PHONY: demo test bench lint format clean

demo: $(BUILT)
	$(BIN)/python -m birdfast demo demo
	$(BIN)/python -m birdfast infer demo/soundscape.flac -o demo/results
	$(BIN)/python -m birdfast demo demo --compare demo/results/detections.csv

test: $(BUILT)
	$(BIN)/python -m pytest

bench: $(BUILT)
	$(BIN)/python bench/bench_end_to_end.py

lint: $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(BUILT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist demo *.egg-info

$(BUILT): pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[birdnet,dev]'
	touch $(BUILT)

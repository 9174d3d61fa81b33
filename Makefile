# Everything happens in .venv, which the first command makes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BUILT := .venv/built
DOCUMENTING := .venv/documenting
CORE := setup.py birdfast/_kernels.pyx birdfast/_kernels.pxd $(wildcard csrc/*)

.PHONY: demo test long lowest convert bench bench-table docs switching lint format debug asan lib wheel wheelhouse clean

demo: $(BUILT)
	$(BIN)/python -m birdfast demo demo --force
	$(BIN)/python -m birdfast infer demo/soundscape.flac -o demo/results --force
	$(BIN)/python -m birdfast demo demo --compare demo/results/detections.csv
	$(BIN)/python -m birdfast plot demo/soundscape.flac demo/results/detections.csv -o demo/soundscape.png --length 120
	$(BIN)/python -m birdfast report demo/results -o demo/report.html --force

test: $(BUILT)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not long"

# The tests that take long: what is killed, mutated or closed in every way that we thought of; every odd
# recording; the kernels as CPUs of other architectures get them.
long: $(BUILT)
	$(BIN)/python -m pytest -n auto --dist loadfile -m long

# All tests, with the lowest version of everything that pyproject.toml allows.
LOWEST := build/lowest/bin
lowest:
	$(PYTHON) -m venv build/lowest
	$(LOWEST)/python -m pip install --quiet uv
	$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python --resolution lowest-direct \
		--extra birdnet --extra onnx --extra openvino --extra report --extra train --extra dev --requirements pyproject.toml
	$(LOWEST)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(LOWEST)/python -m pytest -n auto --dist loadfile

# Checkpoints of torch become models, equal to torch: in a place of its own, as nothing else needs torch.
CONVERT := build/convert/bin
convert:
	$(PYTHON) -m venv build/convert
	$(CONVERT)/python -m pip install --quiet --editable '.[convert,dev]'
	OMP_NUM_THREADS=1 $(CONVERT)/python -m pytest tests/test_convert_torch.py

# The suite on one core (less than 10 minutes). Peers that are not installed are skipped with a word:
# .venv/bin/python -m pip install --editable '.[bench]' brings them. What runs for minutes are scripts: bench/README.md.
BENCH_CORE ?= 0
bench: $(BUILT)
	mkdir -p build
	OMP_NUM_THREADS=1 taskset -c $(BENCH_CORE) $(BIN)/python -m pytest bench --benchmark-only --benchmark-json build/bench.json

# The same, and its figures into bench/README.md.
bench-table: bench
	$(BIN)/python bench/readme_table.py build/bench.json

# The pages of docs/ as HTML, in build/docs; a warning is an error, and nothing is fetched. What builds them is
# brought by the first call alone: no test needs it.
docs: $(DOCUMENTING)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env docs build/docs
	@echo "written: build/docs/index.html"

# What other tools' flags become, for people.
switching: $(BUILT)
	$(BIN)/python docs/make_switching.py > docs/switching.md.new
	mv docs/switching.md.new docs/switching.md

lint: $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml birdfast
	PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint birdfast
	$(BIN)/clang-format --dry-run --Werror csrc/*

format: $(BUILT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i csrc/*

# The core alone, for other programs: build/lib/libbirdfast.a and csrc/birdfast.h; link with -lm.
lib:
	mkdir -p build/lib
	cd build/lib && $(CC) -std=c11 -O3 -ffp-contract=off -fno-math-errno -fvisibility=hidden -Wno-psabi -fPIC -c ../../csrc/*.c
	ar rcs build/lib/libbirdfast.a build/lib/*.o

# Kernels that a debugger can follow; `make clean` goes back to fast ones.
debug: $(INSTALLED)
	BIRDFAST_CFLAGS="-O0 -g" $(BIN)/python setup.py --quiet build_ext --inplace --force

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan: $(INSTALLED)
	BIRDFAST_CFLAGS="$(SANITIZE)" $(BIN)/python setup.py --quiet build_ext --inplace --force
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
	$(BIN)/python -m pytest --capture=sys tests/test_kernels.py tests/test_exact.py tests/test_spectrogram.py tests/test_tokens.py tests/test_resampling.py; \
	status=$$?; rm -rf build birdfast/*.so $(BUILT); exit $$status

wheel: $(INSTALLED)
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

# All that a notebook without network needs, for the Python and the processor that make it:
#     pip install --no-index --find-links wheelhouse 'birdfast[birdnet,onnx]'
EXTRAS ?= birdnet,onnx
WHEELHOUSE ?= wheelhouse
wheelhouse: $(INSTALLED)
	$(BIN)/python -m pip wheel --quiet --wheel-dir '$(WHEELHOUSE)' '.[$(EXTRAS)]'
	du -sh '$(WHEELHOUSE)'

clean:
	rm -rf .venv build dist wheelhouse demo *.egg-info birdfast/_kernels.c birdfast/*.so

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[birdnet,onnx,openvino,readers,report,train,dev]'
	touch $(INSTALLED)

$(DOCUMENTING): pyproject.toml $(BUILT)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[docs]'
	touch $(DOCUMENTING)

$(BUILT): $(INSTALLED) $(CORE)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $(BUILT)

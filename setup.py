"""Build the compiled core: one list of C sources, one list of flags."""

import os
import shlex

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCES = [
    "csrc/dispatch.c",
    "csrc/status.c",
    "csrc/memory.c",
    "csrc/precise.c",
    "csrc/fft_tables.c",
    "csrc/cosine_tables.c",
    "csrc/mel_tables.c",
    "csrc/spectrogram_tables.c",
    "csrc/framing.c",
    "csrc/logmel_tables.c",
    "csrc/codebook_tables.c",
    "csrc/codebook_filters.c",
    "csrc/codebook_tree.c",
    "csrc/codebook_choice.c",
    "csrc/resampler_tables.c",
    "csrc/scalar.c",
    "csrc/isa_baseline.c",
    "csrc/isa_avx2.c",
    "csrc/isa_avx512.c",
    "csrc/exact_scalar.c",
    "csrc/exact_baseline.c",
    "csrc/exact_avx2.c",
    "csrc/exact_avx512.c",
]
HEADERS = [
    "csrc/birdfast.h",
    "csrc/tables.h",
    "csrc/memory.h",
    "csrc/precise.h",
    "csrc/fft_tables.h",
    "csrc/spectrogram_tables.h",
    "csrc/codebook_tables.h",
    "birdfast/_tables.pxi",
    "birdfast/_plans.pxi",
    "csrc/kernels.inc.h",
    "csrc/vec.inc.h",
    "csrc/math.inc.h",
    "csrc/butterflies.inc.h",
    "csrc/fft.inc.h",
    "csrc/cosine.inc.h",
    "csrc/rows.inc.h",
    "csrc/spectrogram.inc.h",
    "csrc/project.inc.h",
    "csrc/statistics.inc.h",
    "csrc/tokens.inc.h",
    "csrc/ranking.inc.h",
    "csrc/boxes.inc.h",
    "csrc/filters.inc.h",
    "csrc/candidates.inc.h",
    "csrc/resample.inc.h",
]
# No contraction: a fused multiply-add would give other bits than CPUs without it.
FLAGS = [
    "-std=c11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fvisibility=hidden",
    "-Wno-psabi",
    "-g0",
]

# The last word on the flags: for debuggers and sanitizers.
EXTRA_FLAGS = shlex.split(os.environ.get("BIRDFAST_CFLAGS", ""))

kernels = Extension(
    "birdfast._kernels",
    sources=["birdfast/_kernels.pyx", *SOURCES],
    depends=HEADERS,
    include_dirs=["csrc"],
    extra_compile_args=[*FLAGS, *EXTRA_FLAGS],
    extra_link_args=EXTRA_FLAGS,
    libraries=["m"],
)

setup(
    ext_modules=cythonize(
        kernels,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
        },
    ),
    # By a path, not by a finder behind all paths: else the folder of a clone, named birdfast, wins.
    options={"editable_wheel": {"mode": "compat"}},
)

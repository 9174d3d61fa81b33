"""Build the compiled core, once: in the extension, and as libraries with their header for other programs."""

import os
import re
import shlex
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

SOURCES = sorted(map(str, Path("csrc").glob("*.c")))
HEADERS = sorted(map(str, Path("csrc").glob("*.h")))
# The Makefile's too. No contraction: a fused multiply-add would give other bits than CPUs without it.
FLAGS = shlex.split(Path("csrc/flags").read_text())
ABI = re.search(r"#define BF_ABI (\d+)", Path("csrc/birdfast.h").read_text())[1]

# The last word on the flags: for debuggers and sanitizers.
EXTRA_FLAGS = shlex.split(os.environ.get("BIRDFAST_CFLAGS", ""))

kernels = Extension(
    "birdfast._kernels",
    sources=["birdfast/_kernels.pyx", *SOURCES],
    depends=[*HEADERS, "csrc/flags"],
    include_dirs=["csrc"],
    extra_compile_args=[*FLAGS, *EXTRA_FLAGS],
    extra_link_args=EXTRA_FLAGS,
    libraries=["m"],
)


class BuildWithLibraries(build_ext):
    """Build the extension, and from its objects what `birdfast.get_include` and `get_library` lead to."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.editable_mode:  # where `--inplace` builds: in a temporary folder all is compiled anew
            usual = build(self.distribution)
            usual.ensure_finalized()
            self.build_lib, self.build_temp = usual.build_lib, usual.build_temp

    def run(self) -> None:
        super().run()
        package = "birdfast" if self.inplace else f"{self.build_lib}/birdfast"
        objects = self.compiler.object_filenames(SOURCES, output_dir=self.build_temp)
        shared = f"libbirdfast.so.{ABI}"
        self.mkpath(f"{package}/include")
        self.copy_file("csrc/birdfast.h", f"{package}/include")
        for old in Path(package, "lib").glob("*"):
            old.unlink()
        self.compiler.create_static_lib(objects, "birdfast", f"{package}/lib")
        self.compiler.link_shared_object(
            objects,
            shared,
            f"{package}/lib",
            libraries=["m"],
            extra_postargs=[f"-Wl,-soname,{shared}", *EXTRA_FLAGS],
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
    cmdclass={"build_ext": BuildWithLibraries},
    # By a path, not by a finder behind all paths: else the folder of a clone, named birdfast, wins.
    options={"editable_wheel": {"mode": "compat"}},
)

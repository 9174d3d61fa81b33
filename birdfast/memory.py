"""Memory is asked for first, where who does not get it would ask or wait for ever."""

from __future__ import annotations

import mmap
import sys
from importlib import import_module

ALGEBRA = "scipy.linalg"
# Of address space, for SciPy's libraries for matrices and what they take as they are loaded: OpenBLAS 0.3.30,
# which its wheels bring, asks again and again for what it does not get (OpenMathLib/OpenBLAS#5289).
ALGEBRA_BYTES = 128 << 20
COMPILER = "numba"
# Its LLVM ends the program where it gets none; Python 3.11 may go round for ever as it loads so many modules.
COMPILER_BYTES = 192 << 20
COMPILING_BYTES = 80 << 20


def ask(n_bytes: int) -> None:
    """Raise MemoryError where so much address space cannot be had."""
    try:
        mmap.mmap(-1, n_bytes).close()
    except OSError as error:
        raise MemoryError(f"{n_bytes:,} bytes") from error


def load_algebra() -> None:
    """Load SciPy's libraries for matrices, before others of SciPy, numba or scikit-learn do.

    Raises
    ------
    MemoryError
        There is too little room for them.
    """
    if ALGEBRA not in sys.modules:
        ask(ALGEBRA_BYTES)
        import_module(ALGEBRA)


def load_compiler() -> None:
    """Load what compiles kernels as they are first called.

    Raises
    ------
    MemoryError
        There is too little room for it and what it will compile.
    """
    load_algebra()
    if COMPILER not in sys.modules:
        ask(COMPILER_BYTES + COMPILING_BYTES)
        import_module(COMPILER)

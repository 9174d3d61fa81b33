"""Where other programs' compilers find the core: its header, and the libraries beside it.

A Cython module that cimports `birdfast._kernels` needs both::

    Extension(
        "owls",
        ["owls.pyx"],
        include_dirs=[birdfast.get_include()],
        library_dirs=[birdfast.get_library()],
        libraries=["birdfast", "m"],
    )
"""

from __future__ import annotations

from pathlib import Path

from .errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def get_include() -> str:
    """Return the folder of birdfast.h, the compiled core's C interface.

    Returns
    -------
    str
        An absolute path, for a compiler's `-I`.

    Raises
    ------
    ConfigError
        This is a clone whose core has not been built.
    """
    return _built("include")


def get_library() -> str:
    """Return the folder of the compiled core's libraries.

    Returns
    -------
    str
        An absolute path, for a compiler's `-L`. With `-lbirdfast -lm` a program gets a copy of its own
        (libbirdfast.a), and needs no birdfast when it runs. libbirdfast.so.N is for programs that load
        libraries themselves; N is `BF_ABI` of birdfast.h.

    Raises
    ------
    ConfigError
        This is a clone whose core has not been built.
    """
    return _built("lib")


def _built(folder: str) -> str:
    path = _PACKAGE / folder
    if not path.is_dir():
        raise ConfigError(f"{path}: not built yet; `python setup.py build_ext --inplace` builds it")
    return str(path)

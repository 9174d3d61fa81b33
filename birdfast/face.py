"""A package's face: public names that are brought from their modules when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def of(
    package: str, names: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the `__getattr__` and `__dir__` (PEP 562) and the `__all__` of a package.

    Parameters
    ----------
    package : str
        Its name.
    names : dict of str to sequence of str
        The public names in each of its modules.
    """
    homes = {name: module for module, its in names.items() for name in its}

    def bring(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    def known() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return bring, known, sorted(homes)

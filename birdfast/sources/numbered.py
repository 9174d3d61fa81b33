"""Names by number, as JSON has them: a list of them, or an object that numbers them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ModelError

SHOWN = 5  # columns and keys in a message


def parsed(path: Path, text: str, what: str = "JSON") -> Any:
    """Return what JSON says; ModelError where it is no `what`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no {what} ({error})") from error


def lists(told: Any) -> list[str]:
    """Return the keys of an object that have a list or an object, which may name classes."""
    return [key for key in told if isinstance(told[key], list | dict)] if isinstance(told, dict) else []


def some(names: Sequence[str]) -> str:
    """Return a few names for a message, and how many there are besides."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def listed(path: Path, told: Any, key: str = "") -> list[str]:
    """Return names in the order of their numbers.

    Parameters
    ----------
    path : path
        For messages.
    told : list or dict
        Names, or an object of names by number or of numbers by name, from 0 or 1 on.
    key : str
        Of an object that has such a one under it; "" is the whole.

    Raises
    ------
    ModelError
        It is none, or one with a number left out or told twice.
    """
    try:
        found = told[key] if key else told
        if isinstance(found, dict):
            found = _by_number(found)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise TypeError("no list of names")
    except (KeyError, TypeError, ValueError) as error:
        keys = some(lists(told))
        other = keys and f'; labels_format = "json:KEY", or --column of models add, takes one of {keys}'
        raise ModelError(
            f"{path}: no {key or 'classes'} that name its classes by number ({error}){other}"
        ) from error
    return found


def _by_number(told: Mapping[str, Any]) -> list[Any]:
    """Return names that are numbered from 0 or 1, on either side; KeyError where they are not."""
    if all(type(n) is int or (type(n) is float and n.is_integer()) for n in told.values()):
        if len({*told.values()}) < len(told):
            raise ValueError("two have one number")
        told = {str(int(number)): name for name, number in told.items()}
    first = 0 if "0" in told else 1
    return [told[str(number)] for number in range(first, first + len(told))]

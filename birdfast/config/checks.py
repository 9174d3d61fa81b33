"""Checks at the door: a value is of the right kind and in its range, or a ConfigError says what fits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable
from numbers import Real
from typing import Any

from ..errors import ConfigError

LARGEST = 2**53  # of any number that is chosen: a float64 holds no odd integers above it


class Checked:
    """A frozen dataclass that keeps its values as their checks make of them."""

    def _own(self, name: str, checked: Callable[..., object], *range_: Any) -> None:
        """Keep a value as what its check makes of it; None stays where it is the default."""
        value = getattr(self, name)
        if value is not None or getattr(type(self), name) is not None:
            object.__setattr__(self, name, checked(name, value, *range_))


def check(fits: bool, name: str, value: object, what_fits: str) -> None:
    """Raise ConfigError, with an option's name, its value and what would fit, unless it fits."""
    if not fits:
        raise ConfigError(f"{name}: {value!r} does not fit; it takes {what_fits}")


def whole(name: str, value: object, least: int = 0, most: int = LARGEST) -> int:
    """Return a whole number from `least` to `most`, both included: 3.0 is one, True and "3" are none."""
    fitting = f"{least:,} or more" if most == LARGEST else f"{least:,} to {most:,}"
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    check(is_number, name, value, f"a whole number, {fitting}")
    check(least <= value <= most, name, value, fitting)  # type: ignore[operator]
    check(float(value).is_integer(), name, value, f"a whole number, {fitting}")  # type: ignore[arg-type]
    return int(value)  # type: ignore[call-overload,no-any-return]


def number(
    name: str, value: object, least: float = -LARGEST, most: float = LARGEST, fitting: str = ""
) -> float:
    """Return a finite number from `least` to `most`, both included: True and "0.5" are none."""
    bounds = f"{least:,g} or more" if most == LARGEST else f"{least:,g} to {most:,g}"
    fitting = fitting or ("a finite number" if (least, most) == (-LARGEST, LARGEST) else bounds)
    fits = isinstance(value, Real) and not isinstance(value, bool) and bool(least <= value <= most)  # type: ignore[operator]
    check(fits, name, value, fitting)
    return float(value)  # type: ignore[arg-type]


def real(name: str, value: object) -> None:
    """Refuse what is no number at all, for those that say themselves what range it takes."""
    check(isinstance(value, Real) and not isinstance(value, bool), name, value, "a number")


def above_zero(name: str, value: object, most: float = LARGEST, unit: str = "") -> float:
    """Return a finite number above 0, of at most `most`."""
    bounds = "more than 0" if most == LARGEST else f"more than 0 and at most {most:,g}"
    return number(name, value, math.nextafter(0, 1), most, f"{bounds} {unit}".rstrip())


def flag(name: str, value: object) -> bool:
    """Return True or False; "no", 0 and None are neither."""
    check(isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"), name, value, "True or False")
    return bool(value)


def choice(name: str, value: object, choices: Collection[str | None]) -> None:
    """Refuse what is none of the choices."""
    known = ", ".join(str(one) for one in choices)
    check((value is None or isinstance(value, str)) and value in choices, name, value, known)


def floats(name: str, values: Any) -> Any:
    """Return real numbers, in an array or in lists of one length, as a contiguous float32 array."""
    import numpy as np

    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    if array.size and array.dtype.kind not in "fiu":
        raise ConfigError(f"{name} are {array.dtype} of shape {array.shape}; real numbers are wanted")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def output(shape: tuple[int, ...], dtype: Any, out: object, *sources: Any) -> None:
    """Refuse what is no array of a shape and a type to write into, or shares memory with what is read."""
    import numpy as np  # options are checked where there is nothing to compute

    fitting = f"{np.dtype(dtype)} {list(shape)}"
    if not isinstance(out, np.ndarray):
        raise ConfigError(f"out is a {type(out).__name__}: must be a NumPy array, {fitting}")
    flaw = "" if out.flags.behaved else ", read-only or not aligned"
    if out.shape != shape or out.dtype != dtype or flaw:
        raise ConfigError(f"out is {out.dtype} {list(out.shape)}{flaw}: must be {fitting}")
    if any(_overlap(out, source) for source in sources):
        raise ConfigError(
            "out shares memory with what is read, or with another out: must be memory of its own"
        )


def several(name: str, value: object, what_fits: str) -> tuple[Any, ...]:
    """Return what can be gone through, as a tuple; text is one thing, not its letters."""
    check(isinstance(value, Iterable) and not isinstance(value, str | bytes), name, value, what_fits)
    return tuple(value)  # type: ignore[arg-type]


def path(name: str, value: object) -> str:
    """Return a file's name, which is text or a path: bytes would be in some encoding, "" names nothing."""
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    fits = isinstance(found, str) and found != "" and "\0" not in found
    check(fits, name, value, "a path, as text or as pathlib has it")
    return str(found)


def _overlap(one: Any, other: Any) -> bool:
    import numpy as np

    try:
        return bool(np.shares_memory(one, other, max_work=1000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True  # strides too odd to tell in time

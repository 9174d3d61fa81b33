"""What whoever adds a network says of it, read as its flags have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ..config import Activation, choice, number, whole
from ..errors import ConfigError
from ..models.manifest import RATES_HZ
from ..windows import LENGTHS_S


@dataclass(frozen=True, kw_only=True)
class Told:
    """What whoever adds a network says of it; "", 0 and None are left to its file and to questions.

    Attributes
    ----------
    name, title, licence, output, activation, column, on : str
        `column` is that of a CSV of labels; `on` is what a head is on, a listed name or a place.
    labels, front_end : path or None
        A file of labels, and one with the recipe of its pictures.
    rate_hz, window_samples, window_s : int, int, float
    """

    name: str = ""
    title: str = ""
    licence: str = ""
    labels: Path | None = None
    column: str = ""
    rate_hz: int = 0
    window_samples: int = 0
    window_s: float = 0.0
    activation: str = ""
    output: str = ""
    on: str = ""
    front_end: Path | None = None


def activation(text: str) -> str:
    """Read what --activation takes."""
    choice("activation", text, get_args(Activation))
    return text


def rate(text: str) -> int:
    """Read what --rate takes."""
    return whole("rate", _number("rate", text), *RATES_HZ)


def seconds(text: str) -> float:
    """Read what --window takes."""
    return number("window", _number("window", text), *LENGTHS_S)


def _number(name: str, text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError as error:
        raise ConfigError(f"{name}: {text!r} is not a number") from error

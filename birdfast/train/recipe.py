"""Recipe: every choice of a training, from a preset and from what the user's TOML file says otherwise."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import config, sources
from ..config import above_zero, check, choice, whole
from ..errors import ConfigError
from ..stsg.pooling import Pooling
from ..stsg.tokenizer import TokenFrontEnd
from ..windows import LENGTHS_S
from . import skipgram

FOLDER = Path(__file__).with_name("presets")
PRESETS = ("best", "soundscapes", "paper")
BACKGROUNDS = ("clips", "quiet", "none")


@dataclass(frozen=True, kw_only=True)
class CodebookChoice:
    """How the codebook is found; the recipe's table `codebook`."""

    n_centroids: int = 2048
    n_iterations: int = 25
    n_components: int = 0
    recordings_share: float = 1.0
    max_frames: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("n_centroids", "n_iterations", "max_frames"):
            whole(name, getattr(self, name), 1)
        whole("n_components", self.n_components)
        above_zero("recordings_share", self.recordings_share, 1)


@dataclass(frozen=True, kw_only=True)
class MixChoice:
    """Mixes of clips to learn from, beside the clips; the recipe's table `mixes`."""

    copies: int = 0
    others: int = 2

    def __post_init__(self) -> None:
        for name in ("copies", "others"):
            whole(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class Head:
    """How the classifier is trained; the recipe's table `head`.

    Attributes
    ----------
    hidden, learning_rate, strength : int, float, float
        See `head.fit`.
    folds : int, 0 or from 2
        Inner ones by which it is calibrated; 0: confidences stay as they are, without thresholds.
    precision : float, above 0, at most 1
        Wanted of held-out windows above a class's threshold.
    background : "clips", "quiet" or "none"
        What a class for all else is learnt from; see `train.background`.
    """

    hidden: int = 0
    learning_rate: float = 1e-3
    strength: float = 1.0
    folds: int = 5
    precision: float = 0.9
    background: str = "clips"

    def __post_init__(self) -> None:
        whole("hidden", self.hidden)
        whole("folds", self.folds)
        check(self.folds != 1, "folds", self.folds, "0, or 2 or more")
        above_zero("precision", self.precision, 1)
        choice("background", self.background, BACKGROUNDS)
        above_zero("learning_rate", self.learning_rate)
        above_zero("strength", self.strength)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice of a training; train/presets/*.toml are some of them.

    Attributes
    ----------
    window_s : float
        Length of the windows that are classified.
    mixes, frontend, codebook, skipgram, pooling, head
        The tables of the same names.
    """

    window_s: float
    mixes: MixChoice
    frontend: TokenFrontEnd
    codebook: CodebookChoice
    skipgram: skipgram.SkipgramOptions
    pooling: Pooling
    head: Head

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as its TOML file has it."""
        return dataclasses.asdict(self)


TABLES = {
    "mixes": MixChoice,
    "frontend": TokenFrontEnd,
    "codebook": CodebookChoice,
    "skipgram": skipgram.SkipgramOptions,
    "pooling": Pooling,
    "head": Head,
}


def load(preset: str = "best", overrides: str | Path | None = None) -> Recipe:
    """Return a preset, with the values of a user's TOML file in the place of its own.

    Parameters
    ----------
    preset : str, one of PRESETS
    overrides : path, optional
        A file with some of the keys of train/presets/*.toml.

    Raises
    ------
    ConfigError
        The preset or the file does not exist, or a key or value does not fit; the message names it.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset: {preset!r} is none of {', '.join(PRESETS)}")
    tables = tomllib.loads((FOLDER / f"{preset}.toml").read_text(encoding="utf-8"))
    if overrides is None:
        return of(tables)
    for key, value in sources.toml(overrides, ConfigError).items():
        if key in TABLES and isinstance(value, dict):
            tables[key] |= value
        else:
            tables[key] = value
    try:
        return of(tables)
    except ConfigError as error:
        raise ConfigError(f"{overrides}: {error}") from error


def of(tables: dict[str, Any]) -> Recipe:
    """Return the recipe of a TOML file's values, checked."""
    for key in tables:
        if key != "window_s" and key not in TABLES:
            raise ConfigError(f"{key}: unknown; there are window_s, {', '.join(TABLES)}")
    window_s = tables["window_s"]
    least_s, most_s = LENGTHS_S
    fits = type(window_s) in (int, float) and least_s <= window_s <= most_s
    check(fits, "window_s", window_s, f"{least_s} to {most_s} seconds")
    made: dict[str, Any] = {name: config.made(kind, name, tables.get(name)) for name, kind in TABLES.items()}
    token_s = made["frontend"].token_samples / made["frontend"].rate_hz
    check(window_s >= token_s, "window_s", window_s, f"one token at least, {token_s:g} seconds")
    return Recipe(window_s=float(window_s), **made)

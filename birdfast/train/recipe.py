"""Recipe: every choice of a training, from a preset and from what the user's TOML file says otherwise."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import config, sources
from ..config import above_zero, check, choice, number, whole
from ..errors import ConfigError
from ..stsg import streams, variants
from ..stsg.pooling import Pooling
from ..stsg.tokenizer import TokenFrontEnd
from ..stsg.variants import Variant
from ..windows import LENGTHS_S
from . import skipgram

FOLDER = Path(__file__).with_name("presets")
PRESETS = ("best", "max", "soundscapes", "species", "paper")
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
    """Mixes of clips to learn from, beside the clips; the recipe's table `mixes`.

    Parameters
    ----------
    copies : int
        Mixes of each clip with others and with noise.
    others : int
        Clips at the most beside it.
    noise : float
        Windows of noise alone, for each clip.
    """

    copies: int = 0
    others: int = 2
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("copies", "others"):
            whole(name, getattr(self, name))
        number("noise", self.noise, 0)

    @property
    def wanted(self) -> bool:
        """Whether there are any."""
        return self.copies > 0 or self.noise > 0


@dataclass(frozen=True, kw_only=True)
class Head:
    """How the classifier is trained; the recipe's table `head`.

    Attributes
    ----------
    hidden, learning_rate, strength : int, float, float
        See `head.fit`.
    epochs : int
        Of a hidden layer; 0: until windows that are held back no longer get better.
    decay : float
        What the squares of a hidden layer's weights cost.
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
    epochs: int = 0
    decay: float = 0.0
    folds: int = 5
    precision: float = 0.9
    background: str = "clips"

    def __post_init__(self) -> None:
        whole("hidden", self.hidden)
        whole("epochs", self.epochs)
        number("decay", self.decay, 0)
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
    streams : tuple of dict
        Where streams of tokens differ from `frontend`; none is one stream.
    variants : tuple of Variant
        Variants of each window that the head learns from, too.
    """

    window_s: float
    mixes: MixChoice
    frontend: TokenFrontEnd
    codebook: CodebookChoice
    skipgram: skipgram.SkipgramOptions
    pooling: Pooling
    head: Head
    streams: tuple[dict[str, Any], ...] = ()
    variants: tuple[Variant, ...] = ()

    @cached_property
    def front_ends(self) -> tuple[TokenFrontEnd, ...]:
        """The front end of each stream."""
        return streams.front_ends(dataclasses.asdict(self.frontend), self.streams)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as its TOML file has it."""
        return dataclasses.asdict(self)


OTHERS = ("window_s", "streams", "variants")  # keys of a recipe that are no tables
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
        if key not in (*OTHERS, *TABLES):
            raise ConfigError(f"{key}: unknown; there are {', '.join((*OTHERS, *TABLES))}")
    window_s = tables["window_s"]
    least_s, most_s = LENGTHS_S
    fits = type(window_s) in (int, float) and least_s <= window_s <= most_s
    check(fits, "window_s", window_s, f"{least_s} to {most_s} seconds")
    made: dict[str, Any] = {name: config.made(kind, name, tables.get(name)) for name, kind in TABLES.items()}
    some = _listed(tables.get("streams", []), "streams")
    varied = variants.variants(_listed(tables.get("variants", []), "variants"), made["frontend"])
    recipe = Recipe(window_s=float(window_s), **made, streams=some, variants=varied)
    token_s = max(front_end.token_samples / front_end.rate_hz for front_end in recipe.front_ends)
    check(window_s >= token_s, "window_s", window_s, f"one token at least, {token_s:g} seconds")
    if recipe.mixes.wanted and recipe.frontend.n_mfcc:
        raise ConfigError("mixes: they are of mel bands; frontend.n_mfcc must be 0")
    if recipe.head.background == "quiet" and recipe.frontend.n_mfcc:
        raise ConfigError("head.background: quiet parts are of mel bands; frontend.n_mfcc must be 0")
    return recipe


def _listed(value: object, name: str) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ConfigError(f"{name}: a list of tables is wanted ([[{name}]]), not {value!r}")
    return tuple(value)

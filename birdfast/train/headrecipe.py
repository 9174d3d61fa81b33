"""The recipe of a head on a network: every choice of its training."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from .. import config, sources
from ..config import choice, flag
from ..errors import ConfigError
from .recipe import Head, MixChoice

# Strengths are of embeddings whose values have the deviation 1 / sqrt(n_values): rows of about length 1, for
# which the same few do, be they of 1,024 values or of 128. Of several one is chosen by inner folds; the first
# is the one where nothing can be held out, and did well on ESC-10, by YAMNet's and BirdNET's.
KINDS: dict[str, dict[str, Any]] = {
    "linear": {"strength": [10.0, 1.0, 100.0]},
    "mlp": {"hidden": 512, "epochs": 60, "decay": [0.01, 0.001, 0.1]},
    "ridge": {"strength": [1.0, 0.1, 10.0]},
}
CHOSEN = ("strength", "decay", "epochs")  # which may have several values
MOST_CANDIDATES = 16
BACKGROUNDS = ("clips", "none")


@dataclass(frozen=True, kw_only=True)
class NetworkHead(Head):
    """How a head on a network is trained; the recipe's table `head`.

    Attributes
    ----------
    kind : "linear", "mlp" or "ridge"
        Logistic regression; a layer of `hidden` neurons before it; least squares.
    background : "clips" or "none"
        A network hears sound: there are no quiet parts of bands to learn from.
    balanced : bool
        Each class counts as much as any other, however many windows it has.
    """

    kind: str = "linear"
    balanced: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("kind", self.kind, KINDS)
        flag("balanced", self.balanced)
        choice("background", self.background, BACKGROUNDS)
        if (self.hidden > 0) != (self.kind == "mlp"):
            raise ConfigError(
                f"hidden: {self.hidden} does not fit the kind {self.kind}; mlp alone has neurons"
            )


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """Every choice of a head's training; clips are not mixed, as a network hears sound, not bands.

    Attributes
    ----------
    candidates : tuple of NetworkHead
        What the head may be, alike but for what `CHOSEN` names; see `choosing`.
    """

    candidates: tuple[NetworkHead, ...]
    mixes: MixChoice = field(default_factory=MixChoice)

    @property
    def head(self) -> NetworkHead:
        """The first candidate: what they have in common, and the one without inner folds to choose by."""
        return self.candidates[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values: a table for each candidate."""
        return {"head": [dataclasses.asdict(one) for one in self.candidates]}


def load(kind: str = "linear", overrides: str | Path | None = None) -> HeadRecipe:
    """Return the usual recipe of a kind of head, with the values of a user's TOML file in place of its own.

    Parameters
    ----------
    kind : str, one of KINDS
    overrides : path, optional
        A file with a table `head`, in which what `CHOSEN` names may be a list: all that goes together is
        tried.

    Raises
    ------
    ConfigError
        There is no such kind or file, or a key or value does not fit; the message names it.
    """
    choice("head", kind, KINDS)
    told = {"kind": kind, **KINDS[kind]}
    if overrides is None:
        return _of(told)
    try:
        tables = dict(sources.toml(overrides, ConfigError))
        table = tables.pop("head", {})
        if tables:
            raise ConfigError(f"{next(iter(tables))}: unknown; a head on a network has the table head alone")
        return _of(told | table if isinstance(table, dict) else table)
    except ConfigError as error:
        prefix = "" if str(error).startswith(str(overrides)) else f"{overrides}: "
        raise ConfigError(f"{prefix}{error}") from error


def _of(table: Any) -> HeadRecipe:
    """Return a table's recipe: a candidate for all that goes together, that of the first values first."""
    several = [key for key in CHOSEN if isinstance(table, dict) and isinstance(table.get(key), list)]
    n_candidates = math.prod(len(table[key]) for key in several)
    if not 0 < n_candidates <= MOST_CANDIDATES:
        raise ConfigError(f"head: {n_candidates} candidates; it takes 1 to {MOST_CANDIDATES}")
    tables = [table]
    if several:
        each = product(*(table[key] for key in several))
        tables = [table | dict(zip(several, values, strict=True)) for values in each]
    return HeadRecipe(candidates=tuple(config.made(NetworkHead, "head", one) for one in tables))

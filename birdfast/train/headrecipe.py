"""The recipe of a head on a network: every choice of its training."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import config, sources
from ..config import choice, flag
from ..errors import ConfigError
from .recipe import Head, MixChoice

# Strengths are of embeddings whose values have the deviation 1 / sqrt(n_values): rows of about length 1, for
# which the same one does, be they of 1,024 values or of 128. Chosen on ESC-10, by YAMNet's and BirdNET's.
KINDS: dict[str, dict[str, Any]] = {
    "linear": {"strength": 10.0},
    "mlp": {"hidden": 512, "epochs": 60, "decay": 0.01},
    "ridge": {"strength": 1.0},
}
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
    """Every choice of a head's training; clips are not mixed, as a network hears sound, not bands."""

    head: NetworkHead
    mixes: MixChoice = field(default_factory=MixChoice)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as its TOML file has it."""
        return {"head": dataclasses.asdict(self.head)}


def load(kind: str = "linear", overrides: str | Path | None = None) -> HeadRecipe:
    """Return the usual recipe of a kind of head, with the values of a user's TOML file in place of its own.

    Parameters
    ----------
    kind : str, one of KINDS
    overrides : path, optional
        A file with a table `head`.

    Raises
    ------
    ConfigError
        There is no such kind or file, or a key or value does not fit; the message names it.
    """
    choice("head", kind, KINDS)
    told = {"kind": kind, **KINDS[kind]}
    if overrides is None:
        return HeadRecipe(head=config.made(NetworkHead, "head", told))
    try:
        tables = dict(sources.toml(overrides, ConfigError))
        table = tables.pop("head", {})
        if tables:
            raise ConfigError(f"{next(iter(tables))}: unknown; a head on a network has the table head alone")
        told = told | table if isinstance(table, dict) else table
        return HeadRecipe(head=config.made(NetworkHead, "head", told))
    except ConfigError as error:
        prefix = "" if str(error).startswith(str(overrides)) else f"{overrides}: "
        raise ConfigError(f"{prefix}{error}") from error

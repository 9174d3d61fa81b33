"""The recipe of a head on a network: every choice of its training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import config, sources
from ..config import check, choice, flag, whole
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
CHOSEN = ("leading", "strength", "decay", "epochs")  # which may have several values, chosen in this order
MOST_VALUES = 16
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
    leading : int
        Of several networks that are joined the one, from 1, whose embedding counts most; 0: they count alike.
    """

    kind: str = "linear"
    balanced: bool = True
    leading: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("kind", self.kind, KINDS)
        flag("balanced", self.balanced)
        whole("leading", self.leading)
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
    head : NetworkHead
        With the first value of what is to be chosen: it is the one where there is nothing to choose by.
    choices : dict of str to tuple
        Of what `CHOSEN` names, all values that there are to choose from, if several; see `choosing`.
    """

    head: NetworkHead
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    mixes: MixChoice = field(default_factory=MixChoice)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values, as its TOML file has it."""
        return {
            "head": dataclasses.asdict(self.head) | {key: list(some) for key, some in self.choices.items()}
        }


def load(kind: str = "linear", overrides: str | Path | None = None, n_networks: int = 1) -> HeadRecipe:
    """Return the usual recipe of a kind of head, with the values of a user's TOML file in place of its own.

    Parameters
    ----------
    kind : str, one of KINDS
    overrides : path, optional
        A file with a table `head`, in which what `CHOSEN` names may be a list.
    n_networks : int
        That are joined; which of several leads is chosen, too.

    Raises
    ------
    ConfigError
        There is no such kind or file, or a key or value does not fit; the message names it.
    """
    choice("head", kind, KINDS)
    told = {"kind": kind, **KINDS[kind]}
    if n_networks > 1:
        told["leading"] = [*range(n_networks + 1)]
    if overrides is None:
        return _of(told, n_networks)
    try:
        tables = dict(sources.toml(overrides, ConfigError))
        table = tables.pop("head", {})
        if tables:
            raise ConfigError(f"{next(iter(tables))}: unknown; a head on a network has the table head alone")
        return _of(told | table if isinstance(table, dict) else table, n_networks)
    except ConfigError as error:
        prefix = "" if str(error).startswith(str(overrides)) else f"{overrides}: "
        raise ConfigError(f"{prefix}{error}") from error


def _of(table: Any, n_networks: int) -> HeadRecipe:
    """Return the recipe of a table; every value that there is to choose from is checked."""
    listed = [key for key in CHOSEN if isinstance(table, dict) and isinstance(table.get(key), list)]
    choices = {key: tuple(table[key]) for key in listed}
    for key, values in choices.items():
        check(0 < len(values) <= MOST_VALUES, f"head.{key}", list(values), f"1 to {MOST_VALUES} of them")
    if choices:
        table = table | {key: values[0] for key, values in choices.items()}
    head = config.made(NetworkHead, "head", table)
    for key, values in choices.items():
        for value in values[1:]:
            config.made(NetworkHead, "head", table | {key: value})
    most = n_networks if n_networks > 1 else 0
    for leading in choices.get("leading", (head.leading,)):
        whole("head.leading", leading, 0, most)
    return HeadRecipe(head=head, choices={key: some for key, some in choices.items() if len(some) > 1})

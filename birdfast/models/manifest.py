"""A manifest as text: the model.toml of a network of the user's own, each fact with what it means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from .. import labels, postprocessing
from ..config import Activation, Normalization
from ..errors import ConfigError, ModelError
from ..windows import LENGTHS_S
from .names import is_name
from .window import check_window

if TYPE_CHECKING:
    from ..frontends.recipe import Recipe

HEAD = "# A network for birdfast, as `birdfast models add` found it; change what is wrong.\n"
OF_A_CHECKPOINT = "# A network for birdfast, as `birdfast convert` made it; change what is wrong.\n"
HEADS = (HEAD, OF_A_CHECKPOINT)
# Each key with what stands above it, and what a line that is not told yet could say.
MEANINGS: Mapping[str, tuple[str, Any]] = {
    "name": ("What tables call it: part of a file's name, and no other model's.", ""),
    "title": ("What people call it.", ""),
    "licence": ("What its author lets you do; birdfast prints it with every run.", "CC BY 4.0"),
    "licence_url": ("", "https://..."),
    "source": ("Where it comes from.", "https://..."),
    "model": ("The network's file, and that of its labels, in this folder.", ""),
    "labels": ("", ""),
    "labels_format": (
        '"lines" of names or of Genus species_Common; "csv:COLUMN" or "csv:SCIENTIFIC+COMMON" of a table;'
        ' "json", "json:KEY".',
        "",
    ),
    "on": (
        "Of a head: the network whose embedding it takes, by its name or place; `rate_hz` is then that of the"
        " sound that it is fed.",
        "birdnet-2.4",
    ),
    "on_sha256": ("The SHA-256 of that network: another of its name is refused.", "64 hexadecimal digits"),
    "rate_hz": ("The sound that it takes: samples a second, and samples a window.", 48_000),
    "window_samples": ("", 144_000),
    "step_samples": ("From window to window, if not a whole window.", 72_000),
    "normalization": ('Of a window\'s level: "none"; as "hoplite" or "zoo" have it.', "none"),
    "activation": (
        'From its scores to confidences: "sigmoid", "softmax", or "none" where its graph has done it.',
        "sigmoid",
    ),
    "output": ("Which output has the scores, where there are several.", "scores"),
    "embedding": ("Which output has the embedding, if not the one that it shows by itself.", "embedding"),
    "post": (
        "What its rows of a submission go through, in this order; see `birdfast infer --help`.",
        ["smooth:0.15", "top2"],
    ),
    "embedding_samples": ("How long its embedding is, and how many classes it scores.", 1_024),
    "n_classes": ("", 500),
}

RATES_HZ = (100, 1_000_000)  # of sound that is recorded, from whales' to bats'
MOST_SAMPLES = RATES_HZ[1] * LENGTHS_S[1]
MOST_VALUES = 10_000_000  # of an embedding or of scores, which are held for each window of a batch

Fitting = tuple[Callable[[Any], bool], str]


def _from(least: int, most: int) -> Fitting:
    def fits(value: Any) -> bool:
        return type(value) is int and least <= value <= most

    return fits, f"a whole number, {least:,} to {most:,}"


def _one_of(*choices: str) -> Fitting:
    return lambda value: value in choices, " or ".join(choices)


def _text(fits: Callable[[str], object], takes: str) -> Fitting:
    return lambda value: isinstance(value, str) and bool(fits(value)), takes


def _are_steps(value: Any) -> bool:
    try:
        return len(postprocessing.parsed(value)) > 0
    except ConfigError:
        return False


TEXT = _text(lambda value: True, "text")
WORD = _text(str.strip, "text that is not blank")
# Each key that a user's manifest can have, with what fits; tables are read where they are made.
FITTING: Mapping[str, Fitting] = {
    "name": _text(is_name, "what may be part of a file's name"),
    "title": WORD,
    **dict.fromkeys(("licence", "licence_url", "source", "advice"), TEXT),
    **dict.fromkeys(("package", "package_folder", "extra"), TEXT),
    "model": _text(lambda value: value and {"/", "\0"}.isdisjoint(value), "the name of a file in its folder"),
    "labels": WORD,
    "labels_format": _text(labels.is_format, labels.FORMATS),
    "on": WORD,
    "on_sha256": _text(re.compile("[0-9a-fA-F]{64}").fullmatch, "64 hexadecimal digits"),
    "rate_hz": _from(*RATES_HZ),
    "window_samples": _from(2, MOST_SAMPLES),
    "step_samples": _from(1, MOST_SAMPLES),
    "normalization": _one_of(*get_args(Normalization)),
    "activation": _one_of(*get_args(Activation)),
    **dict.fromkeys(("output", "embedding", "spatial_embedding"), WORD),
    "post": (_are_steps, f"a list of {postprocessing.FITTING}"),
    **dict.fromkeys(("embedding_samples", "n_classes"), _from(1, MOST_VALUES)),
}


def check(place: Path, facts: Mapping[str, Any]) -> None:
    """Refuse facts that no network has.

    Parameters
    ----------
    place : path
        The file that tells them.
    facts : dict
        By the keys of `FITTING`.

    Raises
    ------
    ModelError
        A key that there is not, or a value that does not fit; or windows of a length that does not.
    """
    for key, value in facts.items():
        if key not in FITTING:
            raise ModelError(f"{place}: unknown key {key}")
        fits, takes = FITTING[key]
        if not fits(value):
            raise ModelError(f"{place}: {key} = {value!r} does not fit; it takes {takes}")
    check_window(place, facts.get("window_samples", 0), facts.get("rate_hz", 0))


def read_recipe(place: Path, told: object) -> Recipe:
    """Read the recipe of a front end that a file tells in a table; ModelError where it is none."""
    from ..frontends.recipe import Recipe

    if not isinstance(told, dict):
        raise ModelError(f"{place}: front_end = {told!r} does not fit; it takes a table")
    try:
        return Recipe.of(told)
    except ConfigError as error:
        raise ModelError(f"{place}: front_end: {error}") from error


def text(facts: Mapping[str, Any], front_end: Recipe | None = None, head: str = HEAD) -> str:
    """Return a manifest.

    Parameters
    ----------
    facts : dict
        Values by the keys of `MEANINGS`; of those that are left out a comment says what could stand there.
    front_end : Recipe or None
    head : str
        Its first line, one of `HEADS`: who made it.
    """
    from ..frontends import recipe  # not for who only runs a network

    lines = [head]
    for key, (meaning, example) in MEANINGS.items():
        if meaning:
            lines.append(f"\n# {meaning}\n")
        if key in facts:
            lines.append(f"{key} = {_told(facts[key])}\n")
        elif example:
            lines.append(f"# {key} = {_told(example)}\n")
    if front_end is not None:
        lines.append("\n# The picture of a window that it was trained on.\n[front_end]\n")
        lines += [f"{key} = {_told(value)}\n" for key, value in recipe.plain(front_end).items()]
    return "".join(lines)


def _told(value: Any) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_told, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)

"""A manifest as text: the model.toml of a network of the user's own, each fact with what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..frontends import recipe
from ..frontends.recipe import Recipe

HEAD = "# A network for birdfast, as `birdfast models add` found it; change what is wrong.\n"
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
        '"lines" of names or of Scientific_Common; "csv:COLUMN" of a table; "json", "json:KEY".',
        "",
    ),
    "on": (
        "Of a head: the network whose embedding it takes, by its name or place; `rate_hz` is then that of the"
        " sound that it is fed.",
        "birdnet-2.4",
    ),
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
    "embedding_samples": ("How long its embedding is, and how many classes it scores.", 1_024),
    "n_classes": ("", 500),
}


def text(facts: Mapping[str, Any], front_end: Recipe | None = None) -> str:
    """Return a manifest.

    Parameters
    ----------
    facts : dict
        Values by the keys of `MEANINGS`; of those that are left out a comment says what could stand there.
    front_end : Recipe or None
    """
    lines = [HEAD]
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
    return str(value).lower() if isinstance(value, bool) else repr(value)

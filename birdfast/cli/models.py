"""List the networks that birdfast knows: what sound each wants, its licence, and where its files lie.

`tried` says whether its authors' file ran here: yes, no, or the same architecture with random weights. A
network whose files are missing says how to get them. Any other .tflite or .onnx network that takes sound
works too: `birdfast infer --model FILE.tflite --labels LABELS.txt`.
"""

from __future__ import annotations

import argparse

from .. import voice
from . import exits

HELP = "list the networks, what they want and where they are"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(chosen: argparse.Namespace) -> int:
    """Print a paragraph for each network."""
    from .. import models

    for model in models.catalogue().values():
        window_s = model.window_samples / model.rate_hz
        classes = f"{model.n_classes} classes" if model.n_classes else "as many classes as its labels"
        voice.answer(
            f"{model.name}: {model.title}, licence {model.licence} ({model.licence_url})",
            f"    {model.rate_hz:,} Hz, windows of {window_s:g} s, {classes}",
            f"    tried: {model.tried}",
            f"    {model.path if model.found else 'not found: ' + model.how_to_get()}",
        )
    folders = ", ".join(map(str, models.folders()))
    voice.answer(f"searched: {folders} (set {models.FOLDERS_VARIABLE} to add folders)")
    return exits.FINE

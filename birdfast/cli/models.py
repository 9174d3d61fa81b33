"""List the networks that birdfast knows: what sound each wants, its licence, and where its files lie.

A network whose files are missing says how to get them. Any other .tflite network that takes sound
works too: `birdfast infer --model FILE.tflite --labels LABELS.txt`.
"""

from __future__ import annotations

import argparse

from . import exits

HELP = "list the networks, what they want and where they are"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: nothing."""


def run(chosen: argparse.Namespace) -> int:
    """Print a paragraph for each network."""
    from .. import models

    for model in models.catalogue().values():
        print(f"{model.name}: {model.title}, licence {model.licence} ({model.licence_url})")
        print(f"    {model.rate_hz:,} Hz, windows of {model.window_samples / model.rate_hz:g} s, ", end="")
        print(f"{model.n_classes or 'as many'} classes{'' if model.n_classes else ' as its labels'}")
        print(f"    {model.path if model.found else 'not found: ' + model.how_to_get()}")
    print(f"searched: {', '.join(map(str, models.folders()))} (set {models.FOLDERS_VARIABLE} to add folders)")
    return exits.FINE

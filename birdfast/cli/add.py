"""Make a model's folder of a network's file, so that --model takes its name.

FILE is a .tflite or .onnx network that takes a window of sound, a picture of one whose recipe
--front-end gives, or, as a head, the embedding of the network that --on names. What neither the file nor an
option says is asked, with a good guess in brackets: an empty answer takes it. Where there is no terminal
nothing is asked; --yes takes the guesses there and elsewhere.
The network is run once before its folder is there.

  NAME/model.toml     what is known of it, a line and a comment a fact; to be changed by hand, too
  NAME/...            the network, with files of weights that lie beside it, and its labels

A head on BirdNET's embedding, as you trained it, is known by its folder's name from then on:

  birdfast models add bats.onnx --labels bats.txt --on birdnet-2.4
  birdfast infer night.flac --model birdnet-2.4 --model bats

A recipe is a TOML file of what lies between sound and picture; birdfast/frontends/recipe.py has all its keys,
and the [front_end] of a model.toml is one. A network that takes the decibels of 128 mel bands, and the file
mel.toml that says so:

  birdfast models add birds.onnx --labels birds.txt --front-end mel.toml --rate 32000 --window 5

  n_fft = 1024
  hop_samples = 320
  n_mels = 128
  fmin_hz = 50.0
  level = "db"
  top_db = 80.0
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .. import voice
from ..commandline import proposed
from . import exits, values
from .questions import Likely, Nobody, Terminal

if TYPE_CHECKING:
    from ..runs.adding import Added
    from ..runs.asking import Asking

HELP = "make a model's folder of a network's file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the action takes."""
    parser.add_argument("file", metavar="FILE", help="a .tflite or .onnx network")
    parser.add_argument(
        "--name",
        help="what tables call it, and --model if its folder lies among the models; of another, --model takes"
        " the folder (default: as its folder, or the file)",
    )
    parser.add_argument("--labels", metavar="FILE", help="its labels: one a line, a CSV, or JSON")
    parser.add_argument(
        "--column",
        help="the column of a CSV of labels that has the names, or SCIENTIFIC+COMMON, two of them; the key of"
        " a JSON file",
    )
    parser.add_argument("--rate", metavar="HZ", help="the sound that it takes, samples a second")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--window", metavar="S", help="seconds of sound that it takes at a time")
    window.add_argument("--window-samples", metavar="N", help="the same in samples")
    parser.add_argument(
        "--activation", metavar="KIND", help="from its scores to confidences: sigmoid, softmax or none"
    )
    parser.add_argument("--output", help="the output with the scores, where there are several")
    parser.add_argument(
        "--on",
        metavar="NAME",
        help="of a head: the network whose embedding it takes, by its name, file or folder (default: what the"
        " length of its input tells, unless a window of sound is told)",
    )
    parser.add_argument("--front-end", metavar="TOML", help="the recipe of the picture that it takes")
    parser.add_argument(
        "-o",
        "--folder",
        type=values.folder,
        metavar="FOLDER",
        help="its folder (default: one of its name in the first of $BIRDFAST_MODELS, or where your data lie)",
    )
    parser.add_argument("--yes", action="store_true", help="take the guesses, and ask nothing")
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace the model that is in the folder, if birdfast wrote it and nobody changed it",
    )


def run(chosen: argparse.Namespace) -> int:
    """Add the model, and print what was found."""
    from ..runs import adding
    from ..runs import told as reading

    told = reading.Told(
        name=chosen.name or "",
        labels=chosen.labels and Path(chosen.labels),
        column=chosen.column or "",
        rate_hz=reading.rate(chosen.rate) if chosen.rate else 0,
        window_samples=_samples(chosen.window_samples) if chosen.window_samples else 0,
        window_s=reading.seconds(chosen.window) if chosen.window else 0.0,
        activation=reading.activation(chosen.activation) if chosen.activation else "",
        output=chosen.output or "",
        on=chosen.on or "",
        front_end=chosen.front_end and Path(chosen.front_end),
    )
    folder = chosen.folder
    added = adding.add(Path(chosen.file), told, _asking(yes=chosen.yes), folder, force=chosen.force)
    voice.report(*_found(added), f"written: {added.folder}", _how_to_use(added))
    return exits.FINE


def _asking(*, yes: bool) -> Asking:
    if yes:
        return Likely()
    return Terminal() if sys.stdin is not None and sys.stdin.isatty() else Nobody()


def _found(added: Added) -> list[str]:
    """Return in words what the network takes and gives."""
    model, listener = added.listener.model, added.listener
    picture = "pictures of " if model.front_end else ""
    if model.on:
        picture = f"the embedding of {model.stands_on}, of "
    window_s = model.window_samples / model.rate_hz
    size = listener.embedding_size
    return [
        f"takes {added.inspected.inputs[0]}: {picture}windows of {window_s:g} s at {model.rate_hz:,} Hz",
        f"gives {', '.join(map(str, added.inspected.outputs))}: {listener.sizes['scores']:,} classes, and"
        f" {_left(model.activation)}",
        f"its embedding has {size:,} values" if size else "it has no embedding to show",
        f"it runs ({model.runtime})",
    ]


def _left(activation: str) -> str:
    if activation == "none":
        return "its scores are confidences"
    return f"its scores go through a {activation}"


def _how_to_use(added: Added) -> str:
    from ..models import own_names

    name = added.folder.name if added.folder.name in own_names() else str(added.folder)
    return f"{proposed('infer', '--model', name)} ..."


def _samples(text: str) -> int:
    from ..config import whole
    from ..errors import ConfigError

    try:
        return whole("window-samples", int(text), 2)
    except ValueError as error:
        raise ConfigError(f"window-samples: {text!r} is not a whole number") from error

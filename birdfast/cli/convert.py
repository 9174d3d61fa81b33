"""Make a model's folder of a checkpoint of torch, so that --model takes it and nobody needs torch any more.

CHECKPOINT is a folder as Hugging Face has them (config.json, model.safetensors or pytorch_model.bin), or a
file of weights (.safetensors, .pt, .pth), whose --architecture has to be told: a name such as efficientnet-b1
or convnext-tiny, or a config.json. EfficientNet and ConvNeXt are converted, as BirdSet has them.

Weights are read as tensors alone, in a process of its own; nothing is fetched, and no code of a checkpoint
runs: whole networks in a pickle, as OpenSoundscape's .model files, are refused. A tensor that is missing,
left over or of another shape is an error. The network is written only if it says, from sound on, what torch
says: on noise, tones and birds that are made, and on recordings of yours with --check.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import voice
from ..commandline import proposed
from . import exits, values
from .questions import Nobody

if TYPE_CHECKING:
    from ..models import Model
    from ..runs.converting import Converted

HELP = "make a model's folder of a checkpoint of torch (EfficientNet, ConvNeXt)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", type=values.file, help="a folder, or a file of weights"
    )
    parser.add_argument(
        "-o", "--folder", type=values.folder, metavar="MODEL", required=True, help="its folder"
    )
    parser.add_argument("--name", help="what --model and tables call it (default: as its folder)")
    parser.add_argument(
        "--architecture",
        metavar="NAME",
        help="of weights alone: efficientnet-b0 to -b7, convnext-tiny, -small, -base or -large; or a config"
        ".json",
    )
    parser.add_argument(
        "--key", help="of a file with several networks' weights, what leads to those, such as state_dict"
    )
    parser.add_argument(
        "--labels",
        type=values.file,
        metavar="FILE",
        help="its labels, one a line or a CSV (default: its id2label)",
    )
    parser.add_argument("--column", help="the column of a CSV of labels that has the names")
    parser.add_argument("--licence", help="what its author lets you do (default: as its README.md says)")
    picture = parser.add_argument_group("its pictures (default: as BirdSet's networks of its kind have them)")
    picture.add_argument(
        "--front-end", type=values.file, metavar="TOML", help="the recipe of the picture that it takes"
    )
    picture.add_argument("--rate", metavar="HZ", help="the sound that it takes, samples a second")
    picture.add_argument("--window", metavar="S", help="seconds of sound that it takes at a time")
    picture.add_argument(
        "--activation",
        metavar="KIND",
        help="from its scores to confidences: sigmoid, softmax or none (default: by its problem_type)",
    )
    parser.add_argument(
        "--check",
        type=values.file,
        action="append",
        metavar="RECORDING",
        help="a recording to compare with torch on, too; may be given again",
    )
    parser.add_argument("--force", action="store_true", help="replace the model that is in the folder")


def run(chosen: argparse.Namespace) -> int:
    """Convert the checkpoint, and print what was found."""
    from ..runs import converting
    from ..runs import told as reading

    told = reading.Told(
        name=chosen.name or "",
        licence=chosen.licence or "",
        labels=chosen.labels,
        column=chosen.column or "",
        rate_hz=reading.rate(chosen.rate) if chosen.rate else 0,
        window_s=reading.seconds(chosen.window) if chosen.window else 0.0,
        activation=reading.activation(chosen.activation) if chosen.activation else "",
        front_end=chosen.front_end,
    )
    converted = converting.convert(
        chosen.checkpoint,
        chosen.folder,
        told,
        Nobody(),
        chosen.architecture or "",
        chosen.check or (),
        key=chosen.key or "",
        force=chosen.force,
    )
    voice.report(*_said(converted))
    return exits.FINE


def _said(converted: Converted) -> list[str]:
    """Return in words what was read, and how near the network is to torch."""
    from ..converting.checkpoint import UNKNOWN

    found, listener = converted.checkpoint, converted.added.listener
    model, folder = listener.model, converted.added.folder
    key = f" ({converted.key})" if converted.key else ""
    return [
        f"read {found.weights.name}{key}: {found.architecture.kind}, {listener.sizes['scores']:,} classes,"
        f" licence {model.licence}{' (--licence tells it)' if model.licence == UNKNOWN else ''}",
        f"takes pictures of windows of {model.window_samples / model.rate_hz:g} s at {model.rate_hz:,} Hz"
        f"{_whose(converted.row, model)}",
        f"activation {model.activation}, as {converted.said} has it",
        f"says what torch says: on {converted.n_windows} windows a logit differs by"
        f" {converted.difference:.2g} at most (of the largest, where that is above 1)",
        f"its embedding has {listener.embedding_size:,} values",
        f"written: {folder}",
        f"{proposed('infer', '--model', folder)} ...",
    ]


def _whose(row: str, model: Model) -> str:
    """Return in words which listed network's pictures they are, and whether its sound, too."""
    if not row:
        return ""
    from ..models.model import listed

    same = (model.rate_hz, model.window_samples) == (listed()[row].rate_hz, listed()[row].window_samples)
    return f", {f'as {row} does' if same else f'drawn as for {row}'} (--front-end tells others)"

"""Write a trained model as one file: a head and its network for other programs, tokens for the C library.

MODEL is a folder that `birdfast train --on NETWORK` wrote. On a TFLite network (birdnet-2.4, yamnet) the file
is a .tflite, on an ONNX one an .onnx. Beside it go <stem>_Labels.txt, as BirdNET has them, and
<stem>_README.txt: what it is, how it is run, and whose weights are in it. The file is written only if it says
what the head says.

On birdnet-2.4 the file is what birdnet's load_custom and BirdNET-Analyzer's -c take:

  birdfast export MODEL/ -o mine.tflite
  birdnet.load_custom("acoustic", "2.4", "tf", "mine.tflite", "mine_Labels.txt", library="litert")

Those put a sigmoid behind a network, so this one ends without, and other files with theirs: they give
confidences. An ONNX file tells `birdfast infer` all that is to be known, the thresholds of its classes, too.
A TFLite file tells nothing, so that these are in its README alone. BirdNET's weights are under
CC BY-NC-SA 4.0, and so is the file that has them in it.

Of a model of spectrogram tokens, a folder that `birdfast train` wrote without --on, the file is a .bft:
tables, classes and thresholds with a checksum, which libbirdfast reads (bf_stsg_read of birdfast.h) where
there is no Python:

  birdfast export MODEL/ -o model.bft
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import voice
from ..commandline import proposed
from . import exits, values

if TYPE_CHECKING:
    from ..runs.exporting import Exported
    from ..runs.tokenfile import Written

HELP = "write a trained model as one file, for other programs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("model", metavar="MODEL", help="the folder of a trained model, or its name")
    parser.add_argument(
        "-o",
        "--output",
        type=values.file,
        metavar="FILE",
        required=True,
        help="the file to write: .tflite or .onnx as the network is, .bft of tokens",
    )
    parser.add_argument("--force", action="store_true", help="replace the file, its labels and its README")


def run(chosen: argparse.Namespace) -> int:
    """Export the model, and say what was written."""
    from .. import models
    from ..runs import exporting, tokenfile

    if tokenfile.is_meant(models.find(chosen.model)):
        voice.report(*of_tokens(tokenfile.export(chosen.model, chosen.output, force=chosen.force)))
        return exits.FINE
    voice.report(*said(exporting.export(chosen.model, chosen.output, force=chosen.force)))
    return exits.FINE


def of_tokens(written: Written) -> list[str]:
    """Return in words what was written of a model of tokens."""
    n = len(written.classes)
    return [
        f"{written.path}: {written.path.stat().st_size:,} bytes; gives logits of {n:,}"
        f" class{'es' * (n > 1)} for windows of {written.window_s:g} s at {written.rate_hz:,} Hz",
        "read again, it says what the model says, to the bit",
    ]


def said(exported: Exported) -> list[str]:
    """Return in words what was written."""
    whole, path = exported.whole, exported.network
    n_classes, n_layers = len(whole.classes), len(whole.classifier.layers)
    classes = f"{n_classes:,} class{'es' * (n_classes > 1)}"
    ends = f"scores of {classes}, for programs that put a sigmoid behind them"
    return [
        f"{path}: {path.stat().st_size:,} bytes, {whole.on.title} and a head of {n_layers}"
        f" layer{'s' * (n_layers > 1)}; gives {ends if whole.logits else f'confidences of {classes}'}",
        f"says what the head says: on {exported.n_windows} windows a logit differs by"
        f" {exported.difference:.2g} at most",
        f"licence {whole.licence}",
        f"written beside it: {exported.labels.name}, {exported.readme.name}",
        f"{proposed('infer', '--model', path)} ...",
    ]

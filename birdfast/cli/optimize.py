"""Rewrite a TFLite network so that it runs faster, and prove that it says the same.

The rewrite is compared with the original on noise, silence, tones, clicks, clipped and bird-like sound; if a
logit differs by more than the tolerance, it is refused.

Without --portable the result goes into birdfast's cache, where `infer` finds it. (infer does this by itself
when it first sees a network: this is for preparing machines, and for seeing the report.)

With --portable a plain TFLite file is written for other programs: the spectrogram becomes convolutions,
tensors keep their numbers, and the embedding becomes the second output.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from ..errors import ConfigError, ModelError

HELP = "rewrite a TFLite network so that it runs faster, for birdfast or for other programs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("model", type=Path, metavar="MODEL.tflite")
    parser.add_argument("-o", "--output", type=Path, metavar="FAST.tflite", help="file to write (--portable)")
    parser.add_argument("--portable", action="store_true", help="write a plain TFLite file for other tools")
    parser.add_argument(
        "--batch",
        metavar="N|dynamic",
        help="windows at a time (default: those that infer uses; portable: dynamic)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-3,
        metavar="LOGITS",
        help="largest difference of a logit that is accepted (default: 0.001)",
    )


def run(args: argparse.Namespace) -> int:
    """Rewrite, compare, write, and say what was done."""
    batch = _batch(args.batch, args.portable)
    if not args.tolerance >= 0:
        raise ConfigError(f"--tolerance {args.tolerance:g}: not below 0")
    if args.portable:
        _portable(args.model, args.output, batch, args.tolerance)
    else:
        _cache(args.model, args.output, batch, args.tolerance)
    return 0


def _batch(text: str | None, portable: bool) -> int | None:
    """Windows at a time, None for any number."""
    if text is None:
        return None
    if text == "dynamic":
        if not portable:
            raise ConfigError(
                "--batch dynamic: only with --portable, birdfast's own rewrites are for one batch"
            )
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise ConfigError(f"--batch {text}: 1 to 1024, or dynamic")
    return int(text)


def _portable(model: Path, output: Path | None, batch: int | None, tolerance: float) -> None:
    from ..sessions import graft, portable

    if output is None:
        raise ConfigError("--portable needs -o FAST.tflite")
    if output.resolve() == model.resolve():
        raise ConfigError(f"-o {output}: is the model itself")
    data, report = portable.verified(graft.content(model), batch=batch, tolerance=tolerance)
    _write(output, data)
    print(f"{output}: {len(data)} bytes, batch {batch or 'dynamic'}\n{report}")


def _cache(model: Path, output: Path | None, batch: int | None, tolerance: float) -> None:
    from .. import models
    from ..sessions import batched, cache

    if output is not None:
        raise ConfigError("-o is for --portable; without it the rewrite goes into birdfast's own cache")
    for size in batched.BATCHES if batch is None else (batch,):
        grafted = cache.cached(model, models.cache_folder(), batch=size, tolerance=tolerance)
        if grafted is None:
            raise ModelError(
                f"no rewrite agrees with the original within {tolerance:g}: birdfast runs the original"
            )
        print(f"{model}: rewritten for batch {size}, kept in birdfast's cache\n{grafted.report}")


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise ConfigError(f"-o {path}: {error.strerror}") from error

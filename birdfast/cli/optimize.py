"""Rewrite a network so that it runs faster, and prove that it says the same.

The rewrite is compared with the original on noise, silence, tones, clicks, clipped and bird-like sound, and
on your own with --audio; if a logit differs by more than the tolerance, it is refused.

MODEL is a name from `birdfast models`, a .tflite or .onnx file, or a folder with one. Without --portable the
result goes into birdfast's cache, where `infer` finds it; if that takes nothing, the exit code is 74. (infer
does this by itself when it first sees a network: this is for preparing machines, and for seeing the report.)

With --portable a TFLite network is written as a plain TFLite file for other programs: the spectrogram becomes
convolutions, tensors keep their numbers, and the embedding becomes the second output. It is judged on tones
as a recorder gives them, with the noise of the last bit, as is an ONNX network; what it makes of pure ones is
reported.

With --report recordings of yours are heard in two ways, and it is counted how many detections stay, come and
go, and how many windows a second each way hears: with --runtime or --precision this way beside the usual one,
without them the rewritten network beside the original. Nothing is written, but into the cache.
"""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import atomicfile, voice
from ..config import MAX_HOURS
from ..errors import ConfigError, ModelError, OutputError
from . import exits, report, values

if TYPE_CHECKING:
    from ..grafting.roles import Wanted
    from ..models import Model

HELP = "rewrite a network so that it runs faster, for birdfast or for other programs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "model", metavar="MODEL", help="a name, a .tflite or .onnx file, or a folder with one"
    )
    parser.add_argument("--portable", action="store_true", help="write a plain TFLite file for other tools")
    portable = parser.add_argument_group("with --portable")  # all of these: None, where they are not given
    portable.add_argument("-o", "--output", type=values.file, metavar="FAST.tflite", help="file to write")
    portable.add_argument(
        "--batch",
        metavar="N|dynamic",
        help="windows at a time of a portable file (default: dynamic, where the network can)",
    )
    portable.add_argument(
        "--tolerance",
        type=float,
        metavar="LOGITS",
        help="largest difference of a logit that a portable file may have (default: 0.001)",
    )
    portable.add_argument(
        "--audio",
        type=values.file,
        action="append",
        metavar="FILE",
        help="a recording to compare on too; may be given again",
    )
    values.max_hours(portable, "is refused, or with --report compared up to there", default=None)
    names = {action.dest: action.option_strings[0] for action in portable._group_actions}
    parser.set_defaults(of_portable=names)
    report.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Rewrite, compare, write, and say what was done."""
    given = [name for dest, name in args.of_portable.items() if getattr(args, dest) is not None]
    if args.report:
        others = {*given, *(["--portable"] if args.portable else [])} - {"--max-hours"}
        return report.run(args, others)
    report.check(args)
    if args.portable:
        _portable(args)
    elif given:
        raise ConfigError(f"{', '.join(given)} can only go with --portable")
    else:
        _cache(args.model)
    return exits.FINE


def _portable(args: argparse.Namespace) -> None:
    from ..grafting import portable
    from ..runs.output import AGAIN, telling
    from ..sessions import named

    batch, tolerance = _batch(args.batch), 1e-3 if args.tolerance is None else args.tolerance
    if not tolerance >= 0:
        raise ConfigError(f"--tolerance {tolerance:g}: not below 0")
    if args.output is None:
        raise ConfigError("--portable needs -o FAST.tflite")
    model = _network(args.model)
    path = model.path
    if model.kind != "tflite":
        raise ConfigError(
            f"{path}: --portable rewrites TFLite networks alone, and this is of kind {model.kind}"
        )
    if args.output.resolve() == path.resolve():
        raise ConfigError(f"-o {args.output}: is the model itself")
    atomicfile.check(args.output)
    max_hours = MAX_HOURS if args.max_hours is None else args.max_hours
    windows = _recorded(model, args.audio or (), max_hours)
    with named(path):
        made, proof = portable.verified(path, batch=batch, tolerance=tolerance, windows=windows)
    with telling(args.output, AGAIN), atomicfile.AtomicFile(args.output, mode="wb") as file:
        file.stream.write(made)
    batches = batch or "dynamic, where the network can"
    voice.report(f"{args.output}: {len(made)} bytes, batch {batches}", *str(proof).splitlines())


def _batch(text: str | None) -> int | None:
    """Return windows at a time, None for any number."""
    if text is None or text == "dynamic":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise ConfigError(f"--batch {text}: 1 to 1024, or dynamic")
    return int(text)


def _network(name: str) -> Model:
    """Return what is known of a network; one that is named by its file needs no labels, unless they tell."""
    from .. import models
    from ..models import kinds, onnxfacts

    path = Path(name)
    try:
        return models.find(name)
    except ModelError:
        if not path.is_file():
            raise
    kind = kinds.found(path)
    facts = onnxfacts.read(path) if kind == "onnx" else {}
    return models.Model(name=path.stem, title=path.stem, path=path, kind=kind, **facts)


def _recorded(model: Model, names: Sequence[Path], max_hours: float) -> dict[str, Any]:
    """Return the windows of the user's recordings, by what they are called in the proof."""
    from .. import audio, windows
    from ..grafting import fold, original
    from ..sessions import named

    if not names:
        return {}
    with named(model.path):
        window_samples = max(fold.input_shape(original.read(model.path), 1))
    rate_hz = model.for_input(window_samples).rate_hz
    grid = windows.Grid(rate_hz, window_samples, window_samples)
    found: dict[str, Any] = {}
    for name in names:
        with audio.Recording(name, max_hours=max_hours) as recording:
            cut = windows.cut(recording.blocks(rate_hz), grid, None, 1)
            found |= {f"{name.name} {i}": window[0].copy() for i, window in enumerate(cut)}
    return found


def _cache(name: str) -> None:
    """Rewrite a network for birdfast, and say what came of it, and whether it is kept."""
    from .. import models
    from ..grafting import places
    from ..sessions.wanted import wanted

    model = dataclasses.replace(_network(name), spatial_embedding="")  # as a run opens it
    n_classes, *more = map(len, model.class_names()) if model.found else [0]
    shown = wanted(model, n_classes, more)
    folder = models.cache_folder()
    if reason := places.distrust(folder):
        raise ConfigError(f"the cache of rewritten networks is not used: {reason}")
    if model.kind == "onnx":
        kept = [_rewrite_onnx(model, folder, shown)]
    else:
        kept = [_rewrite(model.path, folder, batch, shown) for batch in places.BATCHES]
    if not all(kept):
        raise OutputError(
            f"{_flaw(folder)}; so it is made again next time, unless BIRDFAST_CACHE names another"
        )


def _rewrite(path: Path, folder: Path, batch: int, shown: Wanted) -> bool:
    """Rewrite a network for so many windows at a time; return whether there is nothing that is not kept."""
    from ..grafting import cache, places
    from ..sessions import named

    with warnings.catch_warnings(record=True) as told, named(path):
        warnings.simplefilter("always", RuntimeWarning)
        grafted = cache.cached(path, folder, batch=batch, wanted=shown)
    if grafted is None:
        why = "; ".join(str(one.message) for one in told) or "no rewrite agrees with it"
        if batch == places.BATCHES[0]:
            raise ModelError(f"{path}: {why}")
        voice.report(f"{path}: takes no batch of {batch} ({why})")
        return True
    is_kept = _is_kept(path, folder, batch, shown)
    where = "kept in birdfast's cache" if is_kept else "not kept"
    voice.report(f"{path}: rewritten for batch {batch}, {where}", *str(grafted.proof).splitlines())
    return is_kept


def _rewrite_onnx(model: Model, folder: Path, shown: Wanted) -> bool:
    """Rewrite an ONNX network, for any number of windows; return whether what came of it is kept."""
    from ..sessions import named
    from ..sessions.onnx import OnnxSession

    with warnings.catch_warnings(record=True) as told, named(model.path):
        warnings.simplefilter("always", RuntimeWarning)
        grafted = OnnxSession(model, shown, folder).grafted
    where = "kept in birdfast's cache" if grafted.is_kept else "not kept"
    if grafted.front_end is not None:
        voice.report(f"{model.path}: rewritten, {where}", *str(grafted.proof).splitlines())
    elif told and not grafted.unfit:  # what is refused, or for want of memory, is an error here
        why = grafted.refused or "; ".join(str(one.message) for one in told)
        raise ModelError(f"{model.path}: {why}")
    else:
        why = grafted.unfit or "no front end recognised"
        voice.report(f"{model.path}: runs as it is ({why}), {where}")
    return grafted.is_kept or bool(grafted.unfit)


def _is_kept(path: Path, folder: Path, batch: int, shown: Wanted) -> bool:
    """Whether the next to ask for a rewritten network finds it."""
    from .. import sources
    from ..grafting import cache, kept, places

    sha256 = sources.sha256(path, ModelError)
    for place in places.of(sha256, folder, batch, places.TOLERANCE, shown):
        with suppress(*kept.UNREADABLE):
            return cache.read(place) is not None
    return False


def _flaw(folder: Path) -> str:
    """Return in words why a cache keeps nothing, as far as that can be told."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomicfile.check(folder / "any.graft")
    except OSError as error:
        return f"{folder}: cannot be the cache of rewritten networks ({error.strerror})"
    except ConfigError as error:
        return str(error)
    return f"{folder}: takes no rewritten network"

"""Converting: a checkpoint of torch becomes a model's folder, whose network says what torch says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import audio, labels
from ..arrays import Float32
from ..converting import checkpoint as checkpoints
from ..converting import export
from ..converting.checkpoint import Checkpoint
from ..errors import ConfigError, ModelError
from ..frontends.pictures import Pictures
from ..frontends.recipe import Recipe
from ..grafting import verification
from ..models import manifest, onnxfacts, own
from ..models.model import listed
from ..sessions import open_session
from ..sessions.batches import apart
from ..sessions.session import LOGITS
from . import adding, facts_of_file
from .adding import Added
from .asking import Asking
from .output import AGAIN, output_folder, telling
from .told import Told
from .unfinished import unfinished

TOLERANCE = 1e-3  # of a logit; of its window's largest, where that is above 1
CONSTANT = 1e-5  # as `TOLERANCE`: a logit that changes no more between sounds is rounded, not heard
MOST_WINDOWS = 60  # of each recording: torch and the network hear them all


class Converted(NamedTuple):
    """A checkpoint that was converted.

    Attributes
    ----------
    added : Added
    checkpoint : Checkpoint
    row : str
        The listed network whose pictures it takes; "": they were told.
    said : str
        What says its activation: the command, its configuration, or the listed network of its kind.
    key : str
        What leads to the weights in their file; "": nothing does.
    n_windows : int
        How many windows were compared.
    difference : float
        The largest of a logit from torch's, as `TOLERANCE` has it.
    """

    added: Added
    checkpoint: Checkpoint
    row: str
    said: str
    key: str
    n_windows: int
    difference: float


class _Sound(NamedTuple):
    """What a network takes: the picture of a window of sound."""

    rate_hz: int
    window_samples: int
    recipe: Recipe


def convert(
    path: Path,
    folder: Path,
    told: Told,
    asking: Asking,
    architecture: str = "",
    recordings: Sequence[Path] = (),
    *,
    key: str = "",
    force: bool = False,
) -> Converted:
    """Make a model's folder of a checkpoint.

    Parameters
    ----------
    path : path
        A folder of Hugging Face's kind, or a file of weights.
    folder : path
        The model's.
    told : Told
        What the checkpoint does not say, or says wrongly. Rate, window and activation are, where nobody
        tells them, those of the listed network of its kind; so is the picture.
    asking : Asking
    architecture : str
        As `converting.checkpoint.read`.
    recordings : sequence of path
        What is compared beside noise, tones and the like.
    key : str
        What leads to the weights, where a file holds those of several networks.
    force : bool
        Replace the model that is in the folder.

    Raises
    ------
    ModelError
        The checkpoint cannot be converted, or the network says something else than torch.
    ConfigError
        What is needed is not told; or the folder is there, or cannot be made.
    OutputError
        Its disk takes no more.
    """
    folder = adding.plain(folder)
    name = told.name or folder.name
    adding.check_name(name, path, folder)
    adding.check_place(folder, force=force)
    found = checkpoints.read(path, architecture)
    row = "" if told.front_end else found.architecture.family.row
    output_folder(folder.parent)
    with telling(folder.parent, AGAIN), unfinished(folder, path) as home:
        said, told = _said(told, found), _completed(dataclasses.replace(told, name=name), found, home)
        sound = _sound(told)
        classes = _classes(found, told, asking)
        asking.done()
        windows = np.stack([*_windows(sound, recordings)])
        made = export.export(found, len(classes), _drawn(path, found, sound, windows), home, key)
        _check_hears(path, made.logits)
        network = made.network.rename(home / f"{name}.onnx")
        onnxfacts.write(network, sound.rate_hz, sound.window_samples, classes)
        difference = _compared(path, network, sound, windows, made.logits)
        added = adding.add(network, told, asking, folder, force=force, converted=True)
    return Converted(added, found, row, said, made.key, len(windows), difference)


def _said(told: Told, found: Checkpoint) -> str:
    """Return what says the activation."""
    if told.activation:
        return "--activation"
    return "its problem_type" if found.activation else found.architecture.family.row


def _completed(told: Told, found: Checkpoint, home: Path) -> Told:
    """Return what is told, and for the rest what the listed network of its kind has."""
    row, place = listed()[found.architecture.family.row], found.path.resolve()
    told = dataclasses.replace(
        told,
        title=told.title or (place.name if place.is_dir() else place.stem),
        licence=told.licence or found.licence,
        activation=told.activation or found.activation or row.activation,
    )
    if told.front_end:
        return told
    assert row.front_end is not None
    (home / "recipe.toml").write_text(manifest.text({}, row.front_end), encoding="utf-8")
    rate_hz, length = told.rate_hz or row.rate_hz, told.window_samples
    if not (told.window_s or length):
        length = round(row.window_samples / row.rate_hz * rate_hz)
    return dataclasses.replace(told, front_end=home / "recipe.toml", rate_hz=rate_hz, window_samples=length)


def _sound(told: Told) -> _Sound:
    assert told.front_end is not None
    window_samples = told.window_samples or round(told.window_s * told.rate_hz)
    if not (told.rate_hz and window_samples):
        raise ConfigError(
            "front-end: a recipe of one's own needs the sound that it is for; give --rate and --window"
        )
    return _Sound(told.rate_hz, window_samples, facts_of_file.recipe(told.front_end))


def _classes(found: Checkpoint, told: Told, asking: Asking) -> Sequence[str]:
    """Return what its classes are called: as its configuration says, or a file of labels."""
    if told.labels is None:
        if not found.classes:
            raise ConfigError(f"{found.path}: nothing names its classes; give --labels")
        return found.classes
    return checkpoints.names(labels.load(told.labels, facts_of_file.labels_format(told.labels, told, asking)))


def _windows(sound: _Sound, recordings: Sequence[Path]) -> Iterator[Float32]:
    """Yield what both are asked about: windows of noise, tones and the like, and of recordings."""
    yield from verification.signals(sound.window_samples, recorded=True).values()
    for path in recordings:
        samples, _ = audio.read(path, sound.rate_hz)
        n = min(MOST_WINDOWS, len(samples) // sound.window_samples)
        if not n:
            raise ConfigError(f"check: {path} is shorter than a window")
        yield from samples[: n * sound.window_samples].reshape(n, -1)


def _drawn(path: Path, found: Checkpoint, sound: _Sound, windows: Float32) -> Float32:
    """Return the pictures of windows, as many channels as the checkpoint takes."""
    if sound.recipe.layout != "NCHW":
        raise ConfigError('front-end: layout: "NHWC" does not fit; torch takes "NCHW"')
    channels = found.architecture.told.get("num_channels", sound.recipe.channels)
    if channels != sound.recipe.channels:
        raise ModelError(
            f"{path}: takes pictures of {channels} channels, and its front end makes {sound.recipe.channels};"
            " tell the one that it was trained on with --front-end"
        )
    return Pictures(sound.recipe, sound.rate_hz, sound.window_samples)(windows)


def _check_hears(path: Path, logits: Float32) -> None:
    """Refuse a network that says the same of silence, noise, tones and birds, but for rounding."""
    span, size = float(np.ptp(logits, axis=0).max()), max(1.0, float(np.abs(logits).max()))
    if span <= CONSTANT * size < np.inf:
        raise ModelError(
            f"{path}: says the same whatever it hears: on {len(logits)} windows of silence, noise, tones and"
            f" birds no logit changes by more than {span:.1g}; its weights are empty, or not those of a"
            " trained network"
        )


def _compared(path: Path, network: Path, sound: _Sound, windows: Float32, logits: Float32) -> float:
    """Return the largest difference of a logit, from sound on; refuse a network that says something else."""
    facts = {"rate_hz": sound.rate_hz, "window_samples": sound.window_samples, "front_end": sound.recipe}
    session = open_session(own.of_file(network, network, labels_format="onnx", **facts), logits.shape[1])
    said = [
        session.run(windows[low : low + session.batch])[LOGITS]
        for low in range(0, len(windows), session.batch)
    ]
    difference = max(map(apart, np.concatenate(said), logits))
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{path}: the network that torch exports says something else than torch: a logit differs by"
            f" {difference:.3g}, and {TOLERANCE:g} is allowed"
        )
    return difference

"""Keep: what the stages of a training found, to be found again for the same recipe and recordings."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import atomicfile, modelfolder
from ..errors import ConfigError, ModelError
from ..modelfolder import Arrays
from . import checkpoint, evaluation, heldout, vectorfile
from .recordings import Clip

Run = dict[str, Any]

# The names of what a training writes, as regular expressions: its stages', and a finished model's.
STAGES = (
    r"(codebook|embedding|head|skipgram-[0-9a-f]{32})\.npz"
    rf"|embeddings\.sqlite({'|'.join(vectorfile.SUFFIXES)})"
)
ARRAYS = (
    r"(mean|projection|centroids|embeddings|idf|embedding_mean)(_[0-9]+)?",
    *("statistics_mean", "statistics_deviation", "layer[0-9]+_weight", "layer[0-9]+_bias"),
)
WHOLE = "whole"  # the stem of a head and its network as one file, which `--export` writes
EXPORTED = (f"{WHOLE}.tflite", f"{WHOLE}.onnx", f"{WHOLE}_Labels.txt", f"{WHOLE}_README.txt")
OF_MODEL = (modelfolder.MANIFEST, *evaluation.NAMES, *heldout.NAMES, *EXPORTED)
MODEL = rf"{'|'.join(map(re.escape, OF_MODEL))}|({'|'.join(ARRAYS)})\.npy"
WITHIN, FOLDS = "stages", "folds"  # in a model's folder: what its stages found, and models of folds
TOLD = "told.json"  # in a stage's file: what was left out and remarked is told again when it is found


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Keep:
    """A folder with a file for each stage.

    Parameters
    ----------
    folder : Path
    failures : dict of str to str
        Clips that were left out, and why; they are kept with what was found.
    remarks : dict of str to None
        What is to be known of others, likewise.
    say : callable
        Gets a line where a file does not fit.
    healed : callable
        Returns the first, of names of clips that were left out, that can be read now; see `healed.finder`.
    """

    folder: Path
    failures: dict[str, str]
    remarks: dict[str, None]
    say: Callable[[str], None]
    healed: Callable[[Collection[str]], str | None]

    def found(self, name: str, run: Run, work: Callable[[], Arrays], again: bool) -> Arrays:
        """Return what a stage found before in the same run, or let it work.

        Parameters
        ----------
        name : str
            The stage's.
        run : dict
            What its result depends on; see `run_of`.
        work : callable
            Finds what is not there.
        again : bool
            Work, whatever is there.
        """
        path = self.folder / f"{name}.npz"
        if path.exists() and not again:
            try:
                found = checkpoint.read(path, run)
                failures, remarks = json.loads(found.pop(TOLD).tobytes())
                if (healed := self.healed(failures)) is None:
                    self.failures.update(failures)
                    self.remarks.update(dict.fromkeys(remarks))
                    return found
                self.say(f"{name}: learnt anew, as {healed} can be read now")
            except ConfigError:
                self.say(f"{name}: the recipe, the recordings or the classes are not those of before")
            except ModelError as error:
                self.say(f"{name}: learnt anew, as {error}")
        atomicfile.make_folder(self.folder)
        found = work()
        told = np.frombuffer(json.dumps([self.failures, [*self.remarks]]).encode(), np.uint8)
        checkpoint.write(path, run, {**found, TOLD: told})
        return found

    def interrupted(self, name: str, run: Run) -> Path:
        """Return where a stage that takes long keeps what it has so far."""
        return self.folder / f"{name}-{_digest(json.dumps(run).encode())}.npz"


def check(folder: Path, stages: Path, *, finished: bool) -> None:
    """Refuse a model's folder, or its stages', where something that is no file has a name of theirs.

    Parameters
    ----------
    folder, stages : Path
    finished : bool
        Take a folder with a finished model, too.

    Raises
    ------
    ConfigError
        There is one, or see `atomicfile.check_replaceable`.
    """
    if not finished and modelfolder.is_one(folder):
        raise ConfigError(f"{folder}: holds a finished model; take another folder, or --force")
    for place, names in ((folder, MODEL), (stages, STAGES)):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if re.fullmatch(names, path.name):
                atomicfile.check_replaceable(path)


def tidy(folder: Path, stages: Path) -> None:
    """Remove what a training that was killed while it wrote has left in a model's folder and its stages'.

    The folders must be ours: what a training that is at work has begun has the same names.
    """
    for place, names in ((folder, MODEL), (stages, STAGES)):
        if place.is_dir():
            atomicfile.tidy(place, names)


def forget_model(folder: Path) -> None:
    """Remove what makes a folder a finished model, as arrays are none without it, and what is told of that.

    A training that was killed leaves an evaluation alone, or what was exported: the next model can be of
    other recordings.
    """
    for name in OF_MODEL:
        (folder / name).unlink(missing_ok=True)


def prepare_folds(folder: Path, names: Collection[str]) -> None:
    """Make way for the models of folds: those of before go, of others than `names` with all that we wrote.

    Parameters
    ----------
    folder : Path
        With a folder for each fold's model.
    names : collection of str
        The folds whose models are kept now; what their stages found is found again.

    Raises
    ------
    ConfigError
        Something is in the way; nothing has gone then.
    """
    places = [place for place in sorted(folder.iterdir()) if place.is_dir()] if folder.is_dir() else []
    for place in places:
        if place.name in names:
            check(place, place / WITHIN, finished=True)
    for place in places:
        if place.name in names:
            tidy(place, place / WITHIN)
            forget_model(place)
        else:
            _remove(place / WITHIN, STAGES)
            _remove(place, MODEL)
    _remove(folder, "")


def _remove(folder: Path, names: str) -> None:
    """Remove files whose names match, whole or begun, and the folder if nothing else is in it."""
    if folder.is_dir():
        atomicfile.tidy(folder, names)
        for path in folder.iterdir():
            if re.fullmatch(names, path.name) and path.is_file():
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def forget(path: Path | None) -> None:
    """Delete what a stage had so far, if there is any."""
    if path is not None:
        path.unlink(missing_ok=True)


def run_of(
    name: str,
    seed: int,
    clips: Iterable[Clip],
    given: Iterable[NDArray[np.float32] | None],
    tables: Mapping[str, Any],
) -> Run:
    """Return what a stage's result depends on, for JSON.

    Parameters
    ----------
    name : str
        The stage's.
    seed : int
    clips : iterable of Clip
        What there is to read; a file that has changed makes another run.
    given : iterable of arrays
        What comes from elsewhere, None where nothing does.
    tables : dict
        The recipe's, as far as they matter, and what else does.
    """
    told = [(*asdict(clip).values(), *_state(clip.path)) for clip in clips]
    return {
        "what": name,
        "seed": seed,
        "recordings": _digest(json.dumps(told).encode()),
        "given": [array is not None and _digest(array.tobytes()) for array in given],
        **{table: json.dumps(values, sort_keys=True) for table, values in tables.items()},
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _state(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns

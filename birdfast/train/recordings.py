"""What there is to learn from: clips with their labels, from a folder of class folders or a CSV."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from .. import audio, bars, inputs, modelfolder, sources
from ..arrays import Float32
from ..config import MAX_HOURS
from ..errors import AudioError, ConfigError
from ..labels import composed
from ..tables import escaped
from . import contents

Result = TypeVar("Result")
Source = TypeVar("Source", bound="Readable")
Tell = Callable[[str], object]
AHEAD = 8  # recordings a worker that are read before they are wanted
LONGEST_S = 1e9  # longer than any recording, and samples are still exact integers
# Sound is in -1..1; whole numbers that were written as floats are below 2^31. What is larger is a fault, and
# float32 does not hold the squares of its power, of which distances are made.
LOUDEST = 2.0**32


@dataclass(frozen=True)
class Clip:
    """A recording or a part of one, in seconds; end_s None is its end, channel "mix" or a number from 1.

    Of a recording that is longer than `max_hours` what lies behind cannot be read.
    """

    path: str
    labels: tuple[str, ...] = ()
    start_s: float = 0.0
    end_s: float | None = None
    fold: str = ""
    channel: str = "mix"
    max_hours: float = MAX_HOURS

    @cached_property
    def file(self) -> str:
        """The file, by the one name that all of its names lead to."""
        return os.path.realpath(self.path)

    def opened(self, tell: Tell) -> audio.Recording:
        """Open the recording; `tell` gets each remark on it, with its path, when it is left."""

        def remark(text: str) -> None:
            tell(f"{self.path}: {text}")

        return audio.Recording(self.path, self.channel, max_hours=self.max_hours, tell=remark)

    def blocks(self, rate_hz: int, tell: Tell) -> Iterator[Float32]:
        """Yield the sound, mono, in blocks at `rate_hz`; `tell` as `opened`.

        Raises
        ------
        AudioError
            It cannot be read, or is louder than sound can be.
        """
        with self.opened(tell) as recording:
            stop = None if self.end_s is None else round(self.end_s * rate_hz)
            for block in recording.blocks(rate_hz, round(self.start_s * rate_hz), stop):
                yield not_too_loud(block, self.path)


def find(data: str, beside: Iterable[Path] = (), *, n_workers: int = 1, bar: bool = False) -> list[Clip]:
    """Return the clips in a folder of class folders, or those that a CSV lists.

    Parameters
    ----------
    data : path
        A folder: each folder in it is a class, its name the label, and the audio files below it are its
        recordings. A CSV with a header: `file` (seen from the CSV's folder) and `label` (several joined
        by ";", none for background), and if wanted `start_s`, `end_s`, `fold`. A clip that is there several
        times, be it as a copy, is one, with all of its labels.
    beside : paths
        Folders that are no classes even if they are in `data`, as trained models are not.
    n_workers : int
        Threads that look for copies.
    bar : bool
        Show how far they are, on a terminal.

    Raises
    ------
    ConfigError
        There is nothing to learn from, or a row does not fit; the message names it.
    """
    path = Path(data)
    if path.is_dir():
        found = _in_folders(path, {folder.resolve() for folder in beside})
    elif path.is_file():
        found = _in_csv(path)
    else:
        raise ConfigError(f"{data}: no such folder or CSV")
    clips = _joined(found, n_workers, bar)
    if len({label for clip in clips for label in clip.labels}) < 2:
        raise ConfigError(f"{data}: a classifier needs recordings of two classes or more")
    return clips


def unlabelled(folders: Iterable[str]) -> list[Clip]:
    """Return the recordings in folders, without labels."""
    folders = list(folders)
    return [Clip(path) for path in inputs.find(folders)] if folders else []


def _in_folders(folder: Path, beside: Collection[Path]) -> Iterator[Clip]:
    for below in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not (below.name.startswith(".") or below.resolve() in beside or modelfolder.kind_of(below)):
            if escaped(below.name) != below.name:
                raise ConfigError(f"{escaped(str(below))}: a class's name, but not UTF-8; rename the folder")
            for path in inputs.find([str(below)]):
                yield Clip(path, (composed(below.name),))


def _in_csv(path: Path) -> Iterator[Clip]:
    for line, row in sources.table(path, ("file", "label"), ConfigError):
        yield _clip(path, line, row)


def _clip(path: Path, line: int, row: dict[str, str]) -> Clip:
    told = composed(row["label"]).split(";")
    labels = dict.fromkeys(label.strip() for label in told if label.strip())
    if not row["file"] or "\0" in row["file"]:
        raise ConfigError(f"{path}: line {line}: no file: {row['file']!r}")
    try:
        start_s = float(row.get("start_s") or 0)
        end_s = float(row["end_s"]) if row.get("end_s") else None
    except ValueError as error:
        raise ConfigError(f"{path}: line {line}: start_s and end_s are seconds ({error})") from error
    if not 0 <= start_s < (LONGEST_S if end_s is None else end_s) <= LONGEST_S:
        raise ConfigError(f"{path}: line {line}: {start_s} to {end_s} s is no part of a recording")
    return Clip(
        str(path.parent / row["file"]), tuple(labels), start_s, end_s, composed(row.get("fold") or "")
    )


def _joined(clips: Iterable[Clip], n_workers: int, bar: bool) -> list[Clip]:
    """Return each clip of a fold once, with the labels that it has anywhere."""
    clips = list(clips)
    name = contents.named((clip.path for clip in clips), n_workers=n_workers, bar=bar)
    found: dict[tuple[str, float, float | None, str], Clip] = {}
    for clip in clips:
        place = (name[clip.path], clip.start_s, clip.end_s, clip.fold)
        known = found.setdefault(place, clip)
        found[place] = replace(known, labels=tuple(dict.fromkeys((*known.labels, *clip.labels))))
    return list(found.values())


def not_too_loud(sound: Float32, path: str) -> Float32:
    """Return sound as it is.

    Raises
    ------
    AudioError
        A sample is beyond `LOUDEST`; the message names the recording.
    """
    peak = float(np.abs(sound).max(initial=0))
    if peak > LOUDEST:
        raise AudioError(
            f"{path}: samples up to {peak:.2g} are no sound, which lies in -1..1; not learnt from"
        )
    return sound


class Readable(Protocol):
    """What has a path to be named by."""

    @property
    def path(self) -> str:
        """The recording's, for messages."""


def each(
    clips: Sequence[Source],
    work: Callable[[Source], Result],
    failures: dict[str, str],
    *,
    n_workers: int = 1,
    bar: bool = False,
) -> Iterator[tuple[int, Result]]:
    """Do the work for clip after clip on threads, in their order, not far ahead of who takes the results.

    Parameters
    ----------
    clips : sequence of Clip, or of what else can be read
    work : callable
    failures : dict of str to str
        Gets the path of each recording that cannot be read, and why; it is left out.
    n_workers : int
    bar : bool
        Show how far it is, on a terminal.

    Yields
    ------
    number, result : int, and what the work returned
    """

    def attempt(clip: Source) -> Result | AudioError:
        try:
            return work(clip)
        except AudioError as error:
            return error

    with bars.of_recordings(len(clips), shown=bar) as shown, ThreadPoolExecutor(n_workers) as threads:
        some = n_workers * AHEAD
        for begin in range(0, len(clips), some):
            for number, result in enumerate(threads.map(attempt, clips[begin : begin + some]), begin):
                shown.update()
                if isinstance(result, AudioError):
                    failures[clips[number].path] = str(result)
                else:
                    yield number, result

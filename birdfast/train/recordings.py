"""What there is to learn from: clips with their labels, from a folder of class folders or a CSV."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from .. import audio, inputs, modelfolder, sources
from ..arrays import Float32
from ..audio.refusal import too_long
from ..config import MAX_HOURS
from ..errors import AudioError, ConfigError
from ..sources import composed
from ..tables import escaped
from ..words import lasting
from . import contents

Tell = Callable[[str], object]
FEW = 10  # clips of a class
BACKGROUNDS = ("background", "_background")  # what a folder or a label of no class is called, in any case
LONGEST_S = 1e9  # longer than any recording, and samples are still exact integers
# Sound is in -1..1; whole numbers that were written as floats are below 2^31. What is larger is a fault, and
# float32 does not hold the squares of its power, of which distances are made.
LOUDEST = 2.0**32


@dataclass(frozen=True)
class Clip:
    """A recording or a part of one, in seconds; end_s None is its end, channel "mix" or a number from 1.

    Of a recording that is longer than `max_hours` what lies behind cannot be read. Clips that have one of
    `groups` in common are of one source, see `groups.named`.
    """

    path: str
    labels: tuple[str, ...] = ()
    start_s: float = 0.0
    end_s: float | None = None
    fold: str = ""
    channel: str = "mix"
    max_hours: float = MAX_HOURS
    groups: tuple[str, ...] = ()

    @cached_property
    def file(self) -> str:
        """The file, by the one name that all of its names lead to."""
        return os.path.realpath(self.path)

    @property
    def name(self) -> str:
        """The path, and which part of it: a part can fail where others do not."""
        return f"{self.path} {self.start_s:.10g}-{self.end_s}" if self.start_s or self.end_s else self.path

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
            It cannot be read, or is louder than sound can be, or this part of it is not there.
        """
        n_samples = 0
        with self.opened(tell) as recording:
            stop = None if self.end_s is None else round(self.end_s * rate_hz)
            for block in recording.blocks(rate_hz, round(self.start_s * rate_hz), stop):
                n_samples += len(block)
                yield not_too_loud(block, self.path)
            if n_samples == 0:
                raise self.missing(recording)

    def missing(self, recording: audio.Recording) -> AudioError:
        """Return what is said where not one sample of the clip is in its recording, or before its limit."""
        n_frames, length_s = recording.n_frames, recording.duration_s
        if n_frames is not None and n_frames / recording.rate_hz <= self.start_s < length_s:
            return too_long(Path(self.path), self.max_hours, length_s)
        end = "its end" if self.end_s is None else f"{self.end_s:.10g} s"
        why = f", as it lasts {lasting(length_s)}" if length_s else ""
        return AudioError(f"{self.path}: no sound from {self.start_s:.10g} s to {end}{why}")


def find(data: str, beside: Iterable[Path] = (), *, n_workers: int = 1, bar: bool = False) -> list[Clip]:
    """Return the clips in a folder of class folders, or those that a CSV lists.

    Parameters
    ----------
    data : path
        A folder: each folder in it is a class, its name the label, and the audio files below it are its
        recordings; `_background` has those of none. A CSV with a header: `file` (seen from the CSV's folder)
        and `label` (several joined by ";"; none, or `background`, for background), and if wanted `start_s`,
        `end_s`, `fold` and `group` (several joined by ";"). A clip that is there several times, be it as a
        copy, is one, with all of its labels.
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
    classes = {label for clip in clips for label in clip.labels}
    if len(classes) < (2 if all(clip.labels for clip in clips) else 1):
        raise ConfigError(f"{data}: a classifier needs recordings of two classes or more, or of background")
    return clips


def check_different(clips: Sequence[Clip]) -> None:
    """Refuse clips of which nothing can be learnt.

    Raises
    ------
    ConfigError
        All have the same labels, or there are none: there is nothing to tell apart.
    """
    if not clips:
        raise ConfigError("no recordings with labels are left to learn from")
    if len({frozenset(clip.labels) for clip in clips}) == 1:
        alike = f"all recordings to learn from have {', '.join(clips[0].labels) or 'no label'}"
        raise ConfigError(f"a classifier needs two classes to tell apart: {alike}")


def doubts(clips: Sequence[Clip], *, knows_background: bool = False) -> list[str]:
    """Return what makes one doubt that a good model comes of clips: classes with few, or no background.

    With `knows_background` the recipe makes some: from noise, or from the clips' quiet parts.
    """
    numbers = Counter(label for clip in clips for label in clip.labels)
    few = sorted(label for label, number in numbers.items() if number < FEW)
    found = []
    if few:
        some = ", ".join(f"{label} ({numbers[label]})" for label in few[:3])
        more = f" and {len(few) - 3:,} more" if len(few) > 3 else ""
        found.append(f"fewer than {FEW} clips of {some}{more}: such a class is learnt badly")
    if all(clip.labels for clip in clips) and not knows_background:
        found.append(
            "no background among the clips (in a CSV those without a label, else in a folder _background):"
            " all else is taken for a class"
        )
    return found


def unlabelled(folders: Iterable[str]) -> list[Clip]:
    """Return the recordings in folders, without labels."""
    folders = list(folders)
    return [Clip(path) for path in inputs.find(folders)] if folders else []


def _in_folders(folder: Path, beside: Collection[Path]) -> Iterator[Clip]:
    for below in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not (below.name.startswith(".") or below.resolve() in beside or modelfolder.kind_of(below)):
            if escaped(below.name) != below.name:
                raise ConfigError(f"{escaped(str(below))}: a class's name, but not UTF-8; rename the folder")
            if ";" in below.name:
                why = "a class's name, but ; parts labels in tables"
                raise ConfigError(f"{escaped(str(below))}: {why}; rename the folder")
            labels = _classes([composed(below.name)])
            for path in inputs.find([str(below)]):
                yield Clip(path, labels)


def _in_csv(path: Path) -> Iterator[Clip]:
    for line, row in sources.table(path, ("file", "label"), ConfigError):
        yield _clip(path, line, row)


def _clip(path: Path, line: int, row: dict[str, str]) -> Clip:
    labels = _classes(label.strip() for label in composed(row["label"]).split(";"))
    if not row["file"] or "\0" in row["file"]:
        raise ConfigError(f"{path}: line {line}: no file: {row['file']!r}")
    try:
        start_s = float(row.get("start_s") or 0)
        end_s = float(row["end_s"]) if row.get("end_s") else None
    except ValueError as error:
        raise ConfigError(f"{path}: line {line}: start_s and end_s are seconds ({error})") from error
    if not 0 <= start_s < (LONGEST_S if end_s is None else end_s) <= LONGEST_S:
        raise ConfigError(f"{path}: line {line}: {start_s} to {end_s} s is no part of a recording")
    fold, groups = (composed(row.get(name) or "") for name in ("fold", "group"))
    its = tuple(dict.fromkeys(group.strip() for group in groups.split(";") if group.strip()))
    return Clip(str(path.parent / row["file"]), labels, start_s, end_s, fold, groups=its)


def _classes(told: Iterable[str]) -> tuple[str, ...]:
    """Return the classes among labels, each once: what is called background is none."""
    return tuple(dict.fromkeys(label for label in told if label and label.lower() not in BACKGROUNDS))


def _joined(clips: Iterable[Clip], n_workers: int, bar: bool) -> list[Clip]:
    """Return each clip of a fold once, with the labels that it has anywhere."""
    clips = list(clips)
    name = contents.named((clip.path for clip in clips), n_workers=n_workers, bar=bar)
    found: dict[tuple[str, float, float | None, str], Clip] = {}
    for clip in clips:
        place = (name[clip.path], clip.start_s, clip.end_s, clip.fold)
        known = found.setdefault(place, clip)
        labels, groups = (
            tuple(dict.fromkeys(both))
            for both in ((*known.labels, *clip.labels), (*known.groups, *clip.groups))
        )
        found[place] = replace(known, labels=labels, groups=groups)
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

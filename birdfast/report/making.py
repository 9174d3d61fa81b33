"""Making a page: what is gathered, and the best clips of each species that there is room for."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from .. import atomicfile, canvas
from ..atomicfile import AtomicFile
from ..config import number, whole
from ..errors import AudioError, ConfigError
from . import alike, clips, columns, page
from .clips import Clip, Sound
from .gathered import Gathered
from .sizes import BEST, CLIPS_MB

MB = 1_000_000
OF_CLIP = re.compile(r"\d{7}\.(ogg|png)")


class Written(NamedTuple):
    """What became of a page.

    Attributes
    ----------
    n_clips : int
    unheard : dict of str to str
        Why recordings gave none, by what was said.
    doubtful : dict of str to str
        Why recordings that gave some may not be as they were heard.
    """

    n_clips: int
    unheard: dict[str, str]
    doubtful: dict[str, str]


def check(to: Path, *, force: bool = False) -> None:
    """Refuse a page that could not be written, or would replace what is none, before anything is computed.

    Raises
    ------
    ConfigError
        `to` is a file that is no page of ours and `force` is not given, or its folder takes none.
    """
    head = ""
    with suppress(OSError), to.open(encoding="utf-8", errors="replace") as file:
        head = file.read(2000)
    if head and page.SIGN not in head and not force:
        raise ConfigError(f"{to}: is there already, and no page of ours; take another name, or --force")
    atomicfile.check(to)


def write(
    gathered: Gathered,
    to: Path,
    sound: Sound | None = None,
    *,
    clips_mb: float = CLIPS_MB,
    best: int = BEST,
    beside: bool = False,
) -> Written:
    """Write a page.

    Parameters
    ----------
    gathered : Gathered
    to : path
        A page that was there is replaced.
    sound : Sound or None
        Where clips come from; None: there are none.
    clips_mb : float
        How many MB of clips the page holds at most.
    best : int
        Clips a species, the most confident first.
    beside : bool
        Write them into a folder beside it instead, whatever they take; clips of an earlier page are removed.

    Of a run that kept embeddings the page has what sounds like the detections that it has, or might have,
    clips of.

    Raises
    ------
    ConfigError
        A number does not fit, or a library is missing.
    OSError
        The disk is full.
    """
    number("clips_mb", clips_mb, 0)
    whole("best", best)
    canvas.available()
    written = Written(0, {}, {})
    rows = np.concatenate([np.zeros(0, np.int64), *clips.best(gathered, best)])
    told: list[dict[str, Any]] = []
    if sound is not None and beside:
        found = _heard(gathered, sound.clips(rows), written)
        told += _lay(found, to.with_name(f"{to.stem}-clips"))
    elif sound is not None:
        room = _Room(rows.tolist(), clips_mb * MB)
        for clip in _heard(gathered, sound.clips(rows, room.takes), written):
            room.add(clip)
        told += map(columns.clip, room.clips())
    way: page.Way = "none" if not told else "beside" if beside else "within"
    near = alike.of_each(gathered, rows[: alike.MOST_QUERIES].tolist())
    text = page.html(columns.told(gathered), way, told, near)
    with AtomicFile(to, mode="w", encoding="utf-8", newline="\n") as file:
        file.stream.write(text)
    return written._replace(n_clips=len(told))


def _heard(
    gathered: Gathered, found: Iterator[tuple[int, Clip | AudioError]], written: Written
) -> Iterator[Clip]:
    """Yield clips, and lay down why others cannot be had, and which are doubtful."""
    for row, clip in found:
        path = gathered.files[gathered.rows[row]["file"]].path
        if isinstance(clip, AudioError):
            written.unheard[path] = str(clip)
            continue
        if clip.doubt:
            written.doubtful[path] = f"{path}: {clip.doubt}"
        yield clip


class _Room:
    """The first clips that there is room for, in whatever order they come; no more are ever held.

    Parameters
    ----------
    order : list of int
        Their rows, those first that are wanted most.
    n_bytes : float
    """

    def __init__(self, order: list[int], n_bytes: float) -> None:
        self._rank = {row: rank for rank, row in enumerate(order)}
        self._border = len(order) if n_bytes > 0 else 0  # none of this rank or behind it fits
        self._left, self._held = n_bytes, list[tuple[int, Clip]]()

    def takes(self, row: int) -> bool:
        """Whether there may be room for a row's clip."""
        return self._rank[row] < self._border

    def add(self, clip: Clip) -> None:
        heapq.heappush(self._held, (-self._rank[clip.row], clip))
        self._left -= clip.n_bytes
        while self._left < 0:
            rank, last = heapq.heappop(self._held)
            self._border, self._left = -rank, self._left + last.n_bytes

    def clips(self) -> list[Clip]:
        """Return them, those first that are wanted most."""
        return [clip for _, clip in sorted(self._held, reverse=True)]


def _lay(found: Iterator[Clip], folder: Path) -> Iterator[dict[str, Any]]:
    """Write clips into a folder, which then holds no others, and yield what the page says of them."""
    folder.mkdir(exist_ok=True)
    written = set()
    for clip in found:
        stem = f"{clip.row:07d}"
        for suffix, content in ((".ogg", clip.sound), (".png", clip.picture)):
            with AtomicFile(folder / f"{stem}{suffix}", mode="wb") as file:
                file.stream.write(content)
            written.add(f"{stem}{suffix}")
        yield columns.clip(clip, f"{quote(folder.name)}/{stem}")
    for other in folder.iterdir():
        if OF_CLIP.fullmatch(other.name) and other.name not in written:
            other.unlink()

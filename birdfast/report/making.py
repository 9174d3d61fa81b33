"""Making a page: what is gathered, and the best clips of each species that there is room for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from .. import atomicfile, canvas
from ..atomicfile import AtomicFile
from ..config import number, whole
from ..errors import AudioError, ConfigError
from . import clips, columns, page
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
    """

    n_clips: int
    unheard: dict[str, str]


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
    unheard: dict[str, str] = {}
    found = iter(()) if sound is None else _clips(gathered, sound, best, unheard)
    told: list[dict[str, Any]] = []
    if beside:
        folder = to.with_name(f"{to.stem}-clips")
        told += _lay(found, folder)
    else:
        room = clips_mb * MB
        for clip in found:
            if clip.n_bytes > room:
                break
            room -= clip.n_bytes
            told.append(columns.clip(clip))
    way: page.Way = "none" if not told else "beside" if beside else "within"
    text = page.html(columns.told(gathered), way, told)
    with AtomicFile(to, mode="w", encoding="utf-8", newline="\n") as file:
        file.stream.write(text)
    return Written(len(told), unheard)


def _clips(gathered: Gathered, sound: Sound, best: int, unheard: dict[str, str]) -> Iterator[Clip]:
    """Yield clips, the best of each species first; a recording that gives none is not asked again."""
    for rows in clips.best(gathered, best):
        for row in rows.tolist():
            path = gathered.files[gathered.rows[row]["file"]].path
            if path in unheard:
                continue
            try:
                yield sound.clip(row)
            except AudioError as error:
                unheard[path] = str(error)


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

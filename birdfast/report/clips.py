"""Clips: the sound of a detection, and its picture."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from .. import audio, canvas
from ..arrays import Float32, Int64
from ..audio import cutting
from ..config import number
from ..errors import AudioError
from ..journal import stamp
from ..sources import stores
from ..spectrogram import LogMel
from .alike import Near
from .gathered import File, Gathered
from .sizes import CONTEXT_S

PLAYED_HZ = 32_000  # up to what ears hear; at 48 kHz clips are a fifth larger
LONGEST_S = 60.0  # of a clip, be its detection as long as it may
N_MELS, N_FRAMES = 80, 400  # of a picture
LEVELS = 32  # of its colours: more are not seen, and take twice the room
USUAL_HZ = 48_000  # at which a spectrum is of 1,024 samples
RANGE_DB = 70.0
SUFFIX, TYPE = ".ogg", "audio/ogg"
UNKNOWN = "nothing that is shown was heard in it, so its sound is not given away"


class Clip(NamedTuple):
    """A part of a recording, to be heard and seen.

    Attributes
    ----------
    row : int
        The detection's place among the rows.
    from_s, to_s : float
        Which part of its recording.
    top_hz : float
        The highest frequency of the picture; its rows are mels, Slaney's.
    sound, picture : bytes
        Ogg Vorbis and PNG.
    doubt : str
        Why its recording may not be as it was heard, as `stamp.doubt` says it; empty: nothing tells.
    """

    row: int
    from_s: float
    to_s: float
    top_hz: float
    sound: bytes
    picture: bytes
    doubt: str = ""

    @property
    def n_bytes(self) -> int:
        """How large it is in a page, as text."""
        return (len(self.sound) + len(self.picture)) * 4 // 3


Cut = tuple[int, Clip | AudioError]


class Sound:
    """The sound of a run's detections, from the recordings that were heard, and from nothing else.

    Parameters
    ----------
    gathered : Gathered
    context_s : float
        How much is heard before and behind a detection.

    Raises
    ------
    ConfigError
        That is no number of seconds, or too large.
    """

    def __init__(self, gathered: Gathered, context_s: float = CONTEXT_S) -> None:
        self._gathered, self._context_s = gathered, number("context", context_s, 0, LONGEST_S / 4)

    def clip(self, row: int) -> Clip:
        """Return the clip of a row.

        Raises
        ------
        AudioError
            The recording has gone, or is another than the run heard, or cannot be read.
        IndexError
            There is no such row.
        """
        ((_, found),) = self.clips(np.array([row]))
        if isinstance(found, AudioError):
            raise found
        return found

    def clips(self, rows: Int64, wanted: Callable[[int], bool] = lambda row: True) -> Iterator[Cut]:
        """Yield the clips of rows, recording by recording; each is opened once, and no more than a clip held.

        Parameters
        ----------
        rows : int64 [n]
        wanted : callable of int
            Says of a row, just before, whether its clip is still wanted; if not it is left out.

        Yields
        ------
        (int, Clip or AudioError)
            A row, and its clip, or why it has none: see `clip`.
        """
        rows = np.sort(rows)  # by file, as rows are in the order of the run
        for place, some in groupby(rows.tolist(), key=lambda row: int(self._gathered.rows[row]["file"])):
            if here := list(filter(wanted, some)):
                yield from self._of_file(self._gathered.files[place], here, wanted)

    def _of_file(self, file: File, rows: list[int], wanted: Callable[[int], bool]) -> Iterator[Cut]:
        left = dict.fromkeys(rows)
        try:
            _check(file)
            for place, what in cutting.of_file(file.path, [self._stretch(row) for row in rows]):
                row = rows[place]
                doubt = _check(file)  # once more: nobody is to put another in its place meanwhile
                del left[row]
                if isinstance(what, AudioError):
                    yield row, what
                elif wanted(row):
                    yield row, _clip(row, self._stretch(row).start_s, *what, doubt)
        except AudioError as error:
            yield from ((row, error) for row in left)

    def of_window(self, near: Near) -> Clip:
        """Return the clip of a window, of a file that has rows; its row is the window's, or -1.

        Raises
        ------
        AudioError
            As `clip`, or its file has no rows.
        """
        file = next((one for one in self._gathered.files if one.path == near.file), None)
        if file is None:
            raise AudioError(f"{near.file}: {UNKNOWN}")
        _check(file)
        stretch = self._around(near.start_s, near.end_s, near.channel)
        ((_, what),) = cutting.of_file(file.path, [stretch])
        doubt = _check(file)
        if isinstance(what, AudioError):
            raise what
        return _clip(near.row, stretch.start_s, *what, doubt)

    def _stretch(self, row: int) -> cutting.Stretch:
        one = self._gathered.rows[row]
        return self._around(float(one["start_s"]), float(one["end_s"]), int(one["channel"]))

    def _around(self, begin_s: float, end_s: float, channel: int) -> cutting.Stretch:
        from_s = max(0.0, begin_s - self._context_s)
        to_s = min(max(end_s, begin_s) + self._context_s, from_s + LONGEST_S)
        return cutting.Stretch(from_s, to_s, channel)


def _clip(row: int, from_s: float, samples: Float32, rate_hz: int, doubt: str) -> Clip:
    sound, picture = encoded(samples, rate_hz), pictured(samples, rate_hz)
    return Clip(row, from_s, from_s + len(samples) / rate_hz, rate_hz / 2, sound, picture, doubt)


def best(gathered: Gathered, most: int) -> Iterator[Int64]:
    """Yield the best row of each species, then the second best, ...: each time in the order of recordings.

    A recording may have moved since, or lie on a slow disk, so nobody opens any before it is taken.
    """
    rows = gathered.rows
    order = np.lexsort((-rows["confidence"], rows["species"]))
    starts = np.flatnonzero(np.diff(rows["species"][order], prepend=np.iinfo(np.uint32).max))
    sizes = np.diff(starts, append=len(order))
    for rank in range(min(most, int(sizes.max(initial=0)))):
        yield np.sort(order[starts[sizes > rank] + rank]).astype(np.int64)


def encoded(samples: Float32, rate_hz: int) -> bytes:
    """Return sound as Ogg Vorbis, at `PLAYED_HZ` at most."""
    if rate_hz > PLAYED_HZ:
        samples, rate_hz = audio.resample(samples, rate_hz, PLAYED_HZ), PLAYED_HZ
    return audio.encoded(samples, rate_hz, SUFFIX[1:])


def pictured(samples: Float32, rate_hz: int) -> bytes:
    """Return a log-mel spectrogram as a PNG, low bands below, without axes."""
    n_fft = 256
    while n_fft < 1024 * rate_hz / USUAL_HZ:
        n_fft *= 2
    hop_samples = max(n_fft // 8, len(samples) // N_FRAMES)
    logmel = LogMel(
        rate_hz,
        n_fft=n_fft,
        hop_samples=hop_samples,
        n_mels=N_MELS,
        log="db",
        ref="max",
        top_db=RANGE_DB,
        center=True,
    )
    decibels = logmel(samples)
    levels = np.clip(np.rint((decibels / RANGE_DB + 1) * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)
    return canvas.png(np.ascontiguousarray(levels.T[::-1]), LEVELS)


def uri(kind: str, content: bytes) -> str:
    """Return content as a part of a page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _check(file: File) -> str:
    """Refuse what lies at a recording's name by now, if that is not what the run heard: a link, say.

    Returns what is doubtful of it.
    """
    if stores.is_url(file.path):
        raise AudioError(f"{file.path}: lies in a store; a page has clips of this machine's recordings alone")
    path = file.path.encode("utf-8", "surrogateescape")
    doubt = stamp.doubt(path, file.stamp, file.head)
    if doubt == stamp.CHANGED:
        is_there = stamp.of(path).size is not None
        raise AudioError(f"{file.path}: {doubt}" if is_there else f"{file.path}: no such file")
    return doubt

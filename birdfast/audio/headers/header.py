"""What every container's header is judged by: how much sound it promises, and how much there is."""

from __future__ import annotations

from typing import IO, NamedTuple

from ..pieces import Piece
from .chunks import Chunks, only_zeros


class Header(NamedTuple):
    """What a file lacks of what its header promises, what was wrong, and what puts it right.

    Parameters
    ----------
    missing : str or None
        What of the sound is not there, to be said behind "ends at 60.00 s".
    notes : tuple of str
        What was wrong and no sound is missing for.
    repair : tuple of bytes and (int, int)
        The file as it has to be read (`pieces.Pieces`); empty if it can be read as it is.
    n_frames : int or None
        How many samples of a channel there are, where libsndfile counts wrong.
    """

    missing: str | None = None
    notes: tuple[str, ...] = ()
    repair: tuple[Piece, ...] = ()
    n_frames: int | None = None


class Sound(NamedTuple):
    """Where in a file the sound lies by its header, and the size of what cannot be divided there.

    Parameters
    ----------
    position, length : int
        In bytes.
    frame_bytes : int
        Of one sample of all channels, or of one block of a compressed format.
    bytes_per_s : float
        0 if nobody knows.
    """

    position: int
    length: int
    frame_bytes: int = 1
    bytes_per_s: float = 0


class Lengths(NamedTuple):
    """What a container's writers put where they do not know the length.

    Parameters
    ----------
    untold : int
        This and all above it tell nothing.
    placeholders : tuple of int
        Are one only if the file is shorter; writers may round them down to whole frames.
    wrap : int
        What a length cannot tell from nothing; 0 if there is no such file.
    counts_head : bool
        Some write the whole file's size, or that less eight bytes.
    """

    untold: int
    placeholders: tuple[int, ...] = ()
    wrap: int = 0
    counts_head: bool = False


class Extent(NamedTuple):
    """How many bytes of sound are there, what is missing, and what is to be noted."""

    n_bytes: int
    missing: str | None = None
    notes: tuple[str, ...] = ()


TO_END = "read to the file's end"


def judge(file: IO[bytes], held: int, sound: Sound, lengths: Lengths, chunks: Chunks | None) -> Extent:
    """Compare the length that a header tells with the file.

    A recorder that loses its power leaves a length of 0 or of ones; a program that writes into a
    pipe the same, or the longest it knows; some count the header, too. All these go to the file's
    end. So does a length that is too small, unless chunks follow there, or zeros, with which
    recorders fill up. What promises more than there is by any other number was cut.
    """
    position, length, frame_bytes, _ = sound
    most = max(0, held - position) // frame_bytes * frame_bytes
    if length >= lengths.untold:
        return _open(most, f"no data length in its header: {TO_END}")
    if lengths.wrap and held - position - length >= lengths.wrap:
        size = f"{lengths.wrap >> 20} MiB" if lengths.wrap < 1 << 30 else f"{lengths.wrap >> 30} GiB"
        note = f"a data length of {length} in its header, and more than {size} behind that: read on"
        return Extent(_unwrapped(held, sound, lengths.wrap, most, chunks), None, (note,))
    if most > length:
        return _behind(file, held, sound, most, chunks)
    if held >= position + length:
        return Extent(length)
    if any(0 <= value - length < frame_bytes for value in lengths.placeholders):
        return _open(most, f"a data length of {length} in its header, which stands for none: {TO_END}")
    if lengths.counts_head and length - held in (0, -8):
        return _open(most, f"a data length of {length} in its header, which counts the header: {TO_END}")
    return Extent(most, promise(sound, held))


def promise(sound: Sound, held: int) -> str:
    """Say what a file was to have, and has not."""
    end = sound.position + sound.length
    text = f"its header promises {end} bytes, it has {held}"
    return f"of {sound.length / sound.bytes_per_s:.2f} s ({text})" if sound.bytes_per_s else f"({text})"


def _open(most: int, note: str) -> Extent:
    return Extent(most, None, (note,) if most else ())


def _behind(file: IO[bytes], held: int, sound: Sound, most: int, chunks: Chunks | None) -> Extent:
    """Judge what lies behind the sound, by its header's length."""
    end = sound.position + sound.length
    if chunks and (name := chunks.another_file(end)):
        return Extent(sound.length, f"(another {name} file begins there, which is not read)")
    if chunks and chunks.follow(end):
        return Extent(sound.length)
    if sound.length and only_zeros(file, end):
        return Extent(sound.length)
    why = "" if sound.length == 0 else ", and sound behind that"
    return _open(most, f"a data length of {sound.length} in its header{why}: {TO_END}")


def _unwrapped(held: int, sound: Sound, wrap: int, most: int, chunks: Chunks | None) -> int:
    """Return the length of which a header tells the remainder; to the file's end if no chunk is behind it."""
    room = held - sound.position
    whole = room - (room - sound.length) % wrap
    if room - whole <= 1:  # a byte that ends the file, or makes its length even
        return whole
    return whole if chunks and chunks.follow(sound.position + whole) else most

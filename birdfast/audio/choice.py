"""Which decoder reads a file: decided from the file's own bytes, before the first sample."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from ..errors import AudioError
from . import headers
from .decoders import Decoder, Undecodable, libsndfile


class Choice(NamedTuple):
    """What a file's bytes say of how to read it.

    `header` is what its container's header promises, lacks, and is read as; `missing` what the file
    lacks at its end; `guessed` says that an MP3's decoder cannot know the length.
    """

    head: bytes = b""
    header: headers.Header = headers.Header()
    missing: str | None = None
    guessed: bool = False

    def open(self, path: Path) -> Decoder:
        """Open the decoder.

        Raises
        ------
        AudioError
            It cannot read the file. The message names the file and the reason.
        """
        try:
            repair = self.header.repair
            decoder = libsndfile.Sndfile(headers.Repaired(path, repair) if repair else path)
        except OSError as error:
            raise _unreadable(path, error) from error
        except Undecodable as error:
            raise AudioError(f"{path}: {_what_it_is(self.head) or error.reason}") from error
        decoder.n_frames = self.header.n_frames or decoder.n_frames
        if self.guessed and decoder.is_mp3 and decoder.n_frames:
            decoder.n_frames = None
        return decoder


def choose(path: Path) -> Choice:
    """Look at a file and say how to read it.

    Raises
    ------
    AudioError
        The file is missing, a directory, not readable or empty. The message names it.
    """
    _check(path)
    try:
        with path.open("rb") as file:
            head = file.read(12)
        header = headers.read(path)
        pages = headers.missing_from_ogg(path)
        missing = header.missing or (f"({pages})" if pages else None)
        guessed = not headers.has_xing_header(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return Choice(head, header, missing, guessed)


def _check(path: Path) -> None:
    """Say in words why a file is none that can be read."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a null character in the name
        raise AudioError(f"{path!r}: not a file name ({error})") from error
    if stat.S_ISDIR(status.st_mode):
        raise AudioError(f"{path}: {_what_folder(path)}")
    if not stat.S_ISREG(status.st_mode):
        raise AudioError(f"{path}: not a regular file")
    if status.st_size == 0:
        raise AudioError(f"{path}: empty file (0 bytes)")


def _unreadable(path: Path, error: OSError) -> AudioError:
    return AudioError(f"{path}: {(error.strerror or 'cannot be read').lower()}")


def _what_folder(path: Path) -> str:
    """Say why a folder came here: someone named it, or nobody could look into it (`inputs.find`)."""
    try:
        os.scandir(path).close()
    except OSError as error:
        return f"a folder that cannot be listed ({(error.strerror or 'no reason given').lower()})"
    return "a directory, not an audio file"


def _what_it_is(head: bytes) -> str | None:
    """Name a format that people record in and libsndfile does not read, or say that there is none."""
    if not any(head):
        return "no header: it begins with zeros"
    unread = {b"ftyp": "MP4/M4A (AAC)", b"wvpk": "WavPack", b"\x30\x26\xb2\x75": "Windows Media (WMA)"}
    for magic, name in unread.items():
        if magic in head[:8]:
            return f"{name} cannot be read; convert it first, for example: ffmpeg -i IN OUT.flac"
    return None

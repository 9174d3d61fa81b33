"""Why a file is none that can be read, in words."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import AudioError
from ..words import exact, lasting
from .decoders import Undecodable

HINTS: dict[bytes | str, str] = {  # by what begins the file, or its suffix
    bytes(8): "no header: it begins with zeros",
    b"WAac": "Wildlife Acoustics WAC: convert it to WAV with Kaleidoscope or wac2wav",
    ".wac": "Wildlife Acoustics WAC: convert it to WAV with Kaleidoscope or wac2wav",
    ".w4v": "Wildlife Acoustics W4V: convert it to WAV with Kaleidoscope",
}
DAMAGED: dict[bytes | str, str] = {  # what FFmpeg would have known, were it whole
    b"ftyp": "a damaged MP4 or M4A",
    b"wvpk": "a damaged WavPack",
    b"\x30\x26\xb2\x75": "a damaged Windows Media file (WMA)",
}


def path_of(path: object) -> Path:
    """Return a recording's path.

    Raises
    ------
    AudioError
        It is none: bytes, a number, an empty text.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str):
        raise AudioError(f"{path!r}: a recording's path is text, or as pathlib has it")
    if not name:
        raise AudioError("'': an empty name, which is no recording's")
    return Path(name)


def check(path: Path) -> None:
    """Let a file pass that may be a recording.

    Raises
    ------
    AudioError
        It is missing, a folder, no regular file, empty, or its name is none; the message says which.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a null character in the name
        raise AudioError(f"{path!r}: not a file name ({error})") from error
    if stat.S_ISDIR(status.st_mode):
        raise AudioError(f"{path}: {_what_folder(path)}")
    if not stat.S_ISREG(status.st_mode):
        raise AudioError(f"{path}: not a regular file")
    if status.st_size == 0:
        raise AudioError(f"{path}: empty file (0 bytes)")


def unreadable(path: Path, error: OSError) -> AudioError:
    """Return what is to be raised for a file that the system does not give: its own words, in lower case."""
    return AudioError(f"{path}: {(error.strerror or 'cannot be read').lower()}")


def empty(path: Path) -> AudioError:
    """Return what is to be raised for a file in which there is no sample."""
    try:
        return AudioError(f"{path}: no samples ({path.stat().st_size}-byte file)")
    except OSError as gone:
        return unreadable(path, gone)


def _what_folder(path: Path) -> str:
    """Say why a folder came here: someone named it, or nobody could look into it (`inputs.find`)."""
    try:
        os.scandir(path).close()
    except OSError as error:
        return f"a folder that cannot be listed ({(error.strerror or 'no reason given').lower()})"
    return "a directory, not an audio file"


def refused(path: Path, error: Undecodable) -> AudioError:
    """Return what is to be raised for a file that no decoder takes.

    Parameters
    ----------
    path : path
    error : Undecodable
        Why it was not taken.

    Returns
    -------
    AudioError
        With that reason, and what the file is or what to do, if its first bytes or its suffix tell.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as gone:
        return unreadable(path, gone)
    hints = HINTS | DAMAGED if error.reason.startswith("not an audio file") else HINTS
    known = [hint for sign, hint in hints.items() if sign == path.suffix.lower() or _begins(head, sign)]
    return AudioError(f"{path}: {error.reason}{f'; {known[0]}' if known else ''}")


def _begins(head: bytes, sign: bytes | str) -> bool:
    return isinstance(sign, bytes) and sign in head


def too_long(path: Path, max_hours: float, duration_s: float) -> AudioError:
    """Return what is said of a recording that goes on where no more is wanted; 0 s: it does not say."""
    promised = f" ({lasting(duration_s)})" if duration_s else ""
    longest = exact(max_hours * 3600)
    more = "--max-hours (max_hours) takes more, of infer in another folder or with --force"
    return AudioError(f"{path}: longer than {longest}{promised}; {more}")


def cut_short(path: Path, end_s: float, why: str) -> AudioError:
    """Return what is said of a recording whose sound ends before it should."""
    return AudioError(f"{path}: cut short: ends at {end_s:.2f} s {why}")


def failed(path: Path, error: OSError | Undecodable, rate_hz: int, duration_s: float) -> AudioError:
    """Return what is said of a recording whose decoder gave up; duration_s 0: it does not say."""
    if isinstance(error, OSError):
        return unreadable(path, error)
    place = "" if error.position is None else f" at {error.position / rate_hz:.2f} s"
    of = f" of {duration_s:.2f} s" if duration_s else ""
    return AudioError(f"{path}: decoding failed{place}{of} ({error.reason})")

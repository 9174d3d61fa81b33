"""Part files: what a share of a run came to, as the messages of a local pool, whole or not there.

A line of JSON says which run's share it is and names its files; messages follow as `wire` has them, each
with the number of its file; the last line has the SHA-256 of all before it. An order names what a share is
to hear: it lies beside its part, in FOLDER/parts, and who works at it ends when it is taken away.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from .. import atomicfile, sources
from ..atomicfile import AtomicFile
from ..errors import ConfigError
from ..outcomes import Outcome, Part
from . import wire

FORMAT = 1
FOLDER = "parts"
SEEN_S = 60.0  # until a network's file system shows here what was written elsewhere
ORDER, PART = ".order", ".part"
LAST_BYTES = len(json.dumps({"sha256": "0" * 64})) + 1
LINE_BYTES = 1 << 28  # the longest head: some millions of names
NAME = r"[0-9a-f]{16}"
# How our files begin, whatever their version is; those that a power cut emptied hold nothing of anybody's.
BEGINS = {
    ORDER: re.compile(rb'\{"format": \d+, "how": \{|\Z'),
    PART: re.compile(rb'\{"format": \d+, "of": "[0-9a-f]{64}", "files": \[|\Z'),
}
BEGIN_BYTES = 256


def of(order: Path) -> Path:
    """Return the name of an order's part."""
    return order.with_suffix(PART)


def make(folder: Path) -> None:
    """Make the folder of a run's parts, if it is not there.

    Raises
    ------
    ConfigError
        Something else has its name.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise ConfigError(f"{folder}: is no folder; move it away, or choose another output") from error


class Writer:
    """Writes a part; a context manager, at whose end it has its name, once it is finished.

    Parameters
    ----------
    path : path
    head : dict
        What tells it from others: as JSON has it.

    Attributes
    ----------
    sha256 : str
        Of all before its last line, once it is whole.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self._file, self._digest, self.sha256 = AtomicFile(path, mode="wb"), hashlib.sha256(), ""
        self._put(json.dumps({"format": FORMAT, **head}).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def add(self, number: int, what: Outcome | Part) -> None:
        """Write what came of a file, by its number in the order."""
        told, blob = wire.of_outcome(what) if isinstance(what, Outcome) else wire.of_part(what)
        self._put(wire.line({**told, "file": number}, len(blob)))
        self._put(blob)

    def finish(self) -> None:
        """Write the last line: the part is whole at the context's end."""
        self.sha256 = self._digest.hexdigest()
        self._put(json.dumps({"sha256": self.sha256}).encode() + b"\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def _put(self, data: bytes | bytearray) -> None:
        self._digest.update(data)
        self._file.stream.write(data)


def head(path: Path) -> dict[str, Any] | None:
    """Return what a part says of itself; None if it is not whole, or of another version."""
    try:
        with sources.opened(path, ConfigError) as file:
            end = os.fstat(file.fileno()).st_size - LAST_BYTES
            told: dict[str, Any] = json.loads(file.readline(LINE_BYTES))
            file.seek(0)
            digest, n_left = hashlib.sha256(), end
            while n_left and (data := file.read(min(sources.CHUNK_BYTES, n_left))):
                digest.update(data)
                n_left -= len(data)
            last = json.loads(file.read(sources.CHUNK_BYTES))
        return told if last == {"sha256": digest.hexdigest()} and told["format"] == FORMAT else None
    except (ConfigError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_whole(part: Path, of: str) -> bool:
    """Whether a part that was written elsewhere is whole, and of the run that `of` tells from others.

    Raises
    ------
    ConfigError
        It does not come.
    """
    until_s = monotonic() + SEEN_S
    while not part.exists():
        if monotonic() > until_s:
            raise ConfigError(f"{part}: was written, and is not seen here; what was done is kept")
        sleep(0.1)
        os.listdir(part.parent)  # noqa: PTH208 - which makes file systems of networks look
    found = head(part)
    return found is not None and found["of"] == of


def read(path: Path) -> Iterator[tuple[int, Outcome | Part]]:
    """Yield what came of each file, with its number in the order, of a part that is whole.

    Raises
    ------
    ConfigError
        It cannot be read.
    """
    with sources.opened(path, ConfigError) as file:
        end = os.fstat(file.fileno()).st_size - LAST_BYTES
        file.readline(LINE_BYTES)
        while file.tell() < end:
            told = json.loads(file.readline(LINE_BYTES))
            number, blob = told["file"], file.read(told["n_bytes"])
            if "part" in told:
                yield number, wire.part(told["part"], blob)
            else:
                yield number, wire.outcome(told["outcome"], blob)


def tidy(folder: Path) -> None:
    """Remove what is of no use any more below a run's folder: orders, parts, and what was begun of them.

    What is somebody else's stays, and with it the folder of parts.
    """
    own = folder / FOLDER
    if own.is_dir():
        for ending in (ORDER, PART):
            remove(own, ending)
        with suppress(OSError):  # somebody else's files are in it
            own.rmdir()


def remove(own: Path, ending: str) -> None:
    """Remove our files of an ending in the folder of parts, and what was begun of them and left."""
    for path in ours(own, ending):
        path.unlink(missing_ok=True)
    atomicfile.tidy(own, rf"{NAME}\{ending}")


def ours(own: Path, ending: str) -> list[Path]:
    """Return the files of an ending that are ours, by their names and how they begin, in the names' order."""
    named = (path for path in own.glob(f"*{ending}") if re.fullmatch(NAME, path.stem))
    return sorted(path for path in named if _begins(path, BEGINS[ending]))


def _begins(path: Path, how: re.Pattern[bytes]) -> bool:
    with suppress(ConfigError, OSError), sources.opened(path, ConfigError) as file:
        return how.match(file.read(BEGIN_BYTES)) is not None
    return False

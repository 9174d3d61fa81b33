"""Embeddings of clips: a network is asked once for all folds, heads and trainings of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from ..arrays import Float32
from ..errors import AudioError
from . import contents
from .keep import silent
from .network import Network
from .recordings import Clip, Tell
from .vectorfile import Found, VectorFile

NAME = "embeddings.sqlite"  # in the folder of a training's stages


class EmbeddingStore:
    """The embeddings of clips' windows, by what is in their files; threads share it.

    A clip is asked for by its file's SHA-256, its part, its channel and all that decides what the network
    says of it, so that a copy, another training or one that was killed need not ask again.

    Parameters
    ----------
    network : Network
    folder : path or None
        Where they are kept; None is a file without a name, which goes with this object.
    say : callable
        Gets a line where what was kept is damaged.
    """

    def __init__(
        self, network: Network, folder: Path | None = None, say: Callable[[str], object] = silent
    ) -> None:
        self.network, self._say = network, say
        self._file: VectorFile | None = None
        self._faults: dict[bytes, str] = {}
        self._place = folder
        self._identity = json.dumps(network.identity, sort_keys=True)

    def keep_in(self, folder: Path) -> None:
        """Choose where they are kept, before the first clip is asked for."""
        self._place = folder

    def open(self) -> None:
        """Open the file; errors as `VectorFile`. It has to be so before threads ask."""
        if self._file is None:
            self._file = VectorFile(None if self._place is None else self._place / NAME, self._say)

    def flush(self) -> None:
        """Bring all that is known to the disk."""
        if self._file is not None:
            self._file.flush()

    def of(self, clip: Clip, tell: Tell) -> Float32:
        """Return the embeddings of a clip's windows: float32 [n, size]; `tell` as `Clip.opened`.

        Raises
        ------
        AudioError
            See `Network.embedded`.
        OSError
            The disk takes no more.
        """
        self.open()
        before, key = contents.state(clip.file), self._key(clip)
        assert self._file is not None
        rows, remarks = self._file.find(key) or self._asked(clip, key, before)
        for remark in remarks:
            tell(f"{clip.path}: {remark}")
        return rows

    def _asked(self, clip: Clip, key: bytes, before: contents.State) -> Found:
        if key in self._faults:
            raise AudioError(f"{clip.path}: {self._faults[key]}")
        remarks = dict[str, None]()
        try:
            rows = self.network.embedded(clip, remarks.setdefault)
        except AudioError as error:
            self._faults[key] = str(error).removeprefix(f"{clip.path}: ")
            raise
        found = rows, tuple(remark.removeprefix(f"{clip.path}: ") for remark in remarks)
        if contents.state(clip.file) == before and self._file is not None:
            self._file.keep(key, *found)
        return found

    def _key(self, clip: Clip) -> bytes:
        part = (clip.start_s, clip.end_s, clip.channel, clip.max_hours)
        told = [contents.digest(clip.file), *part, self._identity]
        return hashlib.sha256(json.dumps(told).encode("utf-8", "surrogateescape")).digest()

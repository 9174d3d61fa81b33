"""Network: what a head stands on, and how it hears clips, as it will hear recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import modelfolder, models, windows
from ..arrays import Float32
from ..config import Options
from ..errors import AudioError, ModelError
from ..models import Model, heads, own
from ..models.places import is_file
from ..pipeline import plausibility
from ..pipeline.ear import Ear
from ..pipeline.lending import Backbones
from ..sessions.joined import JoinedSession
from ..sessions.session import EMBEDDING, LOGITS
from .recordings import Clip, Tell

VERSION = 1  # of how sound becomes what the network takes: it goes up when embeddings change


class Network:
    """A network that shows embeddings; threads share it, each with a session of its own.

    Parameters
    ----------
    on : str, or sequence of str
        A name of models.toml or of an added network, a file, or the folder of one. Several are joined: see
        `sessions.joined`.
    options : Options
        How clips become windows. The rest of a clip that is no second is left out, as in every training.

    Raises
    ------
    ModelError
        There is no such network, it cannot be used, shows no embedding, or is a head itself; or one is joined
        with itself.

    Attributes
    ----------
    model : Model
        With the facts of its sound; of several, the one that they are joined to.
    size, sizes : int, tuple of int
        How many values an embedding has, and how many of each network.
    window_s, step_s : float
        Of its windows.
    identity : dict
        What embeddings depend on beside the sound, for JSON.
    """

    def __init__(self, on: str | Sequence[str], options: Options | None = None) -> None:
        self._on = (on,) if isinstance(on, str) else tuple(on)
        options = options or Options(tail="min-1s")
        head = heads.completed(_head_on(self._on))
        assert head.backbone is not None
        self._below = Backbones(options.engine).below(head, models.cache_folder() if options.graft else None)
        session = self._below.session
        self._below.join(0, session)
        self.size = session.outputs.get(EMBEDDING, 0)
        self.sizes = session.sizes if isinstance(session, JoinedSession) else (self.size,)
        if not self.size:
            raise ModelError(f"{head.backbone.path}: has no embedding to show, of which a head could learn")
        self.model = head.backbone.for_input(session.window_samples, session.ends_in)
        models.check_window(self.model.path, self.model.window_samples, self.model.rate_hz)
        if LOGITS in session.outputs:
            plausibility.check(head.backbone, self.model, session)
        step_samples = self.model.step_samples or self.model.window_samples
        self._grid = windows.Grid(self.model.rate_hz, self.model.window_samples, step_samples, options.tail)
        self.window_s, self.step_s = (
            n / self.model.rate_hz for n in (self.model.window_samples, step_samples)
        )
        self.networks = self.model.parts or (self.model,)
        self.identity: dict[str, Any] = {
            "version": VERSION,
            "network": self.model.sha256(),
            "runtime": session.runtime,
            "grid": [self.model.rate_hz, self.model.window_samples, step_samples, options.tail],
            "normalization": self.model.normalization,
            "n_values": self.size,
            "grafted": options.graft,
        }
        facts = ("rate_hz", "window_samples", "normalization")
        if self.model.parts:
            self.identity["joined"] = [[getattr(part, name) for name in facts] for part in self.model.parts]

    def told_from(self, folder: Path) -> dict[str, str | list[str]]:
        """Return what the manifest of a head in a folder says of it: `on` and `on_sha256`.

        That is its name, or its place as seen from there; of several, lists.
        """
        named = [
            os.path.relpath(Path(one).resolve(), folder.resolve()) if own.is_place(one) else one
            for one in self._on
        ]
        digests = [network.sha256() for network in self.networks]
        if len(named) > 1:
            return {"on": named, "on_sha256": digests}
        return {"on": named[0], "on_sha256": digests[0]}

    @property
    def licence(self) -> str:
        """What its authors let one do, each of them, in words."""
        return "; ".join(f"it runs on {network.title}: {network.licence}" for network in self.networks)

    def embedded(self, clip: Clip, tell: Tell) -> Float32:
        """Return the embeddings of a clip's windows: float32 [n, size]; `tell` as `Clip.blocks`.

        Raises
        ------
        AudioError
            See `Clip.blocks`; or the network has no numbers for it.
        """
        try:
            return np.concatenate([np.zeros((0, self.size), np.float32), *self._heard(clip, tell)])
        except ModelError as error:
            raise AudioError(f"{clip.path}: {error}") from error

    def _heard(self, clip: Clip, tell: Tell) -> Iterator[Float32]:
        with self._below.lent() as sessions:
            ear = Ear(self._grid, self._grid, sessions[0], self._prepared, 0, None)
            for block in clip.blocks(self._grid.rate_hz, tell):
                for scored in ear.hear(block):
                    yield scored.outputs[EMBEDDING]
            for scored in ear.end():
                yield scored.outputs[EMBEDDING]

    def _prepared(self, batch: Float32, sound_samples: Sequence[int]) -> Float32:
        return windows.normalize(batch, self.model.normalization)


def _head_on(on: Sequence[str]) -> Model:
    """Return a head that is yet to be learnt, on networks that are named or have a place."""
    for one in on:
        if not is_file(one):  # whose labels nobody needs
            found = models.find(one)  # or says what there is
            if found.backbone is not None:
                raise ModelError(
                    f"{one}: is a head itself; a head takes a whole network, as {found.stands_on}"
                )
    named = tuple(str(Path(one).absolute()) if own.is_place(one) else one for one in on)
    folder = Path(on[0]).absolute().parent
    return Model(name="head", title="head", kind="head", on=named, path=folder / modelfolder.MANIFEST)

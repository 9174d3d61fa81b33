"""What a network shows only where somebody asks for it: the spatial embedding."""

from __future__ import annotations

from threading import Lock
from typing import get_args

from ..config import Options, choice
from ..sessions.session import SPATIAL_EMBEDDING
from .lending import Backbones
from .listener import Listener, Role


class Showing:
    """Listeners whose networks show the spatial embedding; each is opened once more when it is asked for.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options) -> None:
        self._options, self._lock = options, Lock()
        self._spatial: dict[int, Listener] = {}

    def __call__(self, role: Role, listener: Listener) -> Listener:
        """Return a listener to which the same network shows a role, where it has that at all.

        Raises
        ------
        ConfigError
            There is no such role.
        ModelError
            The file lacks what its model tells.
        """
        choice("role", role, get_args(Role))
        if role != SPATIAL_EMBEDDING or not listener.model.spatial_embedding:
            return listener
        with self._lock:
            number = listener.number
            if number not in self._spatial:
                shown = Backbones(self._options.engine, spatial=True)
                self._spatial[number] = Listener(listener.model, self._options, number, shown)
            return self._spatial[number]

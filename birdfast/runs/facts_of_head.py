"""Whether a network's file is a head, and what is to be known of it then: what it is on, and its rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..grafting.inspection import Inspected
from ..models import heads, onnxfacts, own, own_names
from ..models.model import listed
from ..models.places import is_file, is_folder
from .asking import Asking
from .told import Told, rate


def find(path: Path, network: Inspected, told: Told, asking: Asking) -> dict[str, Any]:
    """Return a head's facts: `on`, and the rate of the sound that it is fed if it is told; else none.

    It is one if that is told, or if its input is as long as the embedding of a listed network, unless
    somebody says what window of sound it takes. Where several networks fit, which it is on is asked.

    Raises
    ------
    ConfigError
        Nobody can tell what it is on; or what is told is no head's.
    """
    of_sound = bool(told.window_s or told.window_samples or told.front_end)
    if told.on and of_sound:
        raise ConfigError(
            "on: a head takes the sound of the network that it is on; leave out --window, --window-samples"
            " and --front-end"
        )
    fitting = [] if of_sound or onnxfacts.RATE in network.metadata else heads.by_input(path)
    if not (told.on or fitting):
        return {}
    found = told.on or (fitting[0] if len(fitting) == 1 else "")
    question = "the network whose embedding it takes"
    facts: dict[str, Any] = {"on": _place(found) if found else asking.ask("--on", question, fitting, _place)}
    named = heads.named_rate(path, facts["on"])
    rate_hz = told.rate_hz
    if named and not rate_hz:
        rate_hz = asking.ask("--rate", "the sound that it is fed, samples a second (Hz)", [str(named)], rate)
    return facts | ({"rate_hz": rate_hz} if rate_hz else {})


def _place(on: str) -> str:
    """Return what a manifest calls a network: its name if that finds it, or where it is, whoever looks."""
    if on in listed():
        return on
    names = own_names()
    if on in names and not own.is_place(on):
        return on
    if not (is_file(on) or is_folder(on)):
        known = ", ".join((*listed(), *names))
        raise ConfigError(f"on: {on!r} does not fit; it takes {known}, or a network's file or folder")
    return str(Path(on).resolve())

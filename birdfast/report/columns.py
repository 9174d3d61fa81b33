"""Columns: what is gathered, as the text that a page's programs read.

Numbers are typed arrays in base64, names stand once in lists: 100,000 rows take 3 MB.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..tables import escaped
from .alike import WANTED, Near
from .clips import TYPE, Clip, uri
from .gathered import Gathered
from .rows import ROW

# What would end a script, or begin another, and the two signs that JavaScript takes for the end of a line.
UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def told(gathered: Gathered) -> dict[str, Any]:
    """Return all but the sound, as plain values."""
    files, standing, effort = gathered.files, gathered.standing, gathered.effort
    sites, site_of = _listed(file.site for file in files)
    return {
        "key": gathered.key,
        "n_rows": len(gathered.rows),
        "n_detections": gathered.n_detections,
        "columns": {name: packed(gathered.rows[name]) for name in ROW.names or ()},
        "files": {
            "path": [escaped(file.path) for file in files],
            "begins_ms": [file.begins_ms for file in files],
            "site": site_of,
        },
        "sites": sites,
        "species": {
            "scientific": [scientific for scientific, _ in gathered.species],
            "common": [common for _, common in gathered.species],
            "n": gathered.counts.tolist(),
        },
        "models": gathered.models,
        "silent": WANTED,
        "embedding": [name in gathered.embedding for name in gathered.models],
        "run": {
            "done": standing.done,
            "failed": standing.failed,
            "waiting": standing.waiting,
            "audio_s": standing.audio_s,
            "settings": dict(gathered.settings),
        },
        "failures": [
            [escaped(one.path), one.stage, one.error, one.message, one.model] for one in gathered.failures
        ],
        "n_failures": dict(gathered.n_failures),
        "effort": {
            "by_hour_s": effort.by_hour,
            "by_site_and_day": [[*place, lasts_s] for place, lasts_s in effort.by_site_and_day.items()],
            "unknown_s": effort.unknown_s,
        },
    }


def clip(one: Clip, where: str | None = None) -> dict[str, Any]:
    """Return a clip as plain values: with its content, or with where that is (`where`, without suffix)."""
    sound, picture = uri(TYPE, one.sound), uri("image/png", one.picture)
    if where is not None:
        sound, picture = f"{where}.ogg", f"{where}.png"
    return {
        "row": one.row,
        "from_s": one.from_s,
        "to_s": one.to_s,
        "top_hz": one.top_hz,
        "sound": sound,
        "picture": picture,
        "doubt": one.doubt and f"Its recording {one.doubt}.",
    }


def near(one: Near) -> dict[str, Any]:
    """Return a window that sounds like a detection as plain values."""
    return {**one._asdict(), "file": escaped(one.file)}


def script(values: Mapping[str, Any]) -> str:
    """Return plain values as JSON that can stand in a page's script, whatever names are in it."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode().translate(UNSAFE)


def packed(values: Array) -> str:
    """Return numbers as they lie in memory, in base64: little-endian, as `ROW` has them."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _listed(names: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return names, each once, and the place of each among them."""
    places: dict[str, int] = {}
    which = [places.setdefault(name, len(places)) for name in names]
    return list(places), which

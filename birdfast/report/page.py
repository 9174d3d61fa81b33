"""The page: one file of HTML with its style, programs and data, which asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal

from .. import __version__
from ..errors import ConfigError
from ..words import extra_hint
from . import columns

Way = Literal["within", "beside", "asked", "none"]  # how a page comes by clips
SIGN = '<meta name="generator" content="birdfast report">'  # by which a page is known as ours
PARTS = "parts"
SCRIPTS = (
    *("data.js", "pieces.js", "answers.js", "shown.js", "clips.js", "table.js", "charts.js", "review.js"),
    *("precision.js", "alike.js", "main.js"),
)
# What of the world a page may ask, by the way of its clips: nothing, its own folder, or its own server.
FETCHED = {
    "within": "img-src data:; media-src data:",
    "beside": "img-src 'self' file:; media-src 'self' file:",
    "asked": "img-src data:; media-src data:; connect-src 'self'",
    "none": "",
}


def html(
    told: Mapping[str, Any],
    way: Way = "none",
    clips: Iterable[Mapping[str, Any]] = (),
    alike: Mapping[int, Sequence[tuple[int, float]]] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    told : dict
        See `columns.told`.
    way : str
    clips : iterable of dict
        See `columns.clip`.
    alike : dict or None
        See `alike.of_each`.

    Raises
    ------
    ConfigError
        jinja2 is missing.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ConfigError(f"a page needs jinja2: {extra_hint('report')}") from error
    near = {str(row): [(one, round(how, 3)) for one, how in found] for row, found in (alike or {}).items()}
    style, program = part("page.css"), _program(SCRIPTS)
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(part("page.html")).render(
        version=__version__,
        policy=_policy(style, program, way),
        sign=SIGN,
        style=style,
        program=program,
        data=columns.script({**told, "clips": way}),
        clips=columns.script({"clips": list(clips), "alike": near}),
    )


def part(name: str) -> str:
    """Return one of the files that a page is made of."""
    return files(__package__).joinpath(PARTS, name).read_text(encoding="utf-8")


def _program(names: Sequence[str]) -> str:
    """Return the programs as one, whose names nobody else sees."""
    return '(() => {\n"use strict";\n' + "\n".join(map(part, names)) + "})();\n"


def _policy(style: str, program: str, way: Way) -> str:
    """Return what the browser is to refuse: all that was not written here."""
    own = {"script-src": program, "style-src": style}
    allowed = [f"{kind} 'sha256-{_digest(text)}'" for kind, text in own.items()]
    parts = ["default-src 'none'", *allowed, FETCHED[way], "base-uri 'none'", "form-action 'none'"]
    return "; ".join(filter(None, parts))


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

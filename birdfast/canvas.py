"""What pictures are drawn on, and how they are written: the one place that knows matplotlib, and Pillow."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import atomicfile
from .arrays import Array
from .atomicfile import AtomicFile
from .errors import ConfigError
from .words import extra_hint

PNG = b"\x89PNG\r\n\x1a\n"  # what such a file begins with


def available() -> None:
    """Refuse at the start what needs matplotlib, where it is missing.

    Raises
    ------
    ConfigError
        It is missing.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(f"pictures need matplotlib: {extra_hint('report')}")


def check(to: Path) -> None:
    """Refuse a picture that could not be drawn, or would replace what is none, before anything is computed.

    An empty file holds nothing that could be lost.

    Raises
    ------
    ConfigError
        matplotlib is missing, `to` is a file that is no picture, or its folder takes none.
    """
    available()
    head = b""
    with suppress(OSError), to.open("rb") as file:  # not there, or whoever writes it says why it cannot be
        head = file.read(len(PNG))
    if head and head != PNG:
        raise ConfigError(f"{to}: is there already, and no PNG; move it away, or take another name")
    atomicfile.check(to)


def figure(width_in: float, height_in: float) -> Any:
    """Return an empty figure of so many inches, whose parts make room for each other.

    Raises
    ------
    ConfigError
        matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(f"pictures need matplotlib: {extra_hint('report')}") from error
    made = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(made)
    return made


def colour(number: int, of: int) -> Any:
    """Return one of so many colours that differ as much as they can; they come again after the last."""
    from matplotlib import colormaps

    if of <= 10:
        return colormaps["tab10"](number % 10)
    return colormaps["tab20"](number % 20) if of <= 20 else colormaps["turbo"](number % of / of)


def png(levels: Array, of: int) -> bytes:
    """Return levels in the colours of spectrograms, as a PNG.

    Parameters
    ----------
    levels : uint8 [height, width]
        From 0 on, below `of`.
    of : int, 2 to 256

    Raises
    ------
    ConfigError
        Pillow or matplotlib are missing.
    """
    try:
        from matplotlib import colormaps
        from PIL import Image
    except ImportError as error:
        raise ConfigError(f"pictures need matplotlib: {extra_hint('report')}") from error
    picture = Image.fromarray(levels)
    picture.putpalette(colormaps["magma"].resampled(of)(range(of), bytes=True)[:, :3].tobytes())
    picture.save(held := io.BytesIO(), "png", optimize=True)
    return held.getvalue()


def write(figure: Any, to: Path) -> None:
    """Write a figure as PNG, whole or not at all.

    matplotlib warns of signs that its font does not have, and of figures too small for their names: those who
    look see it.
    """
    with AtomicFile(to, mode="wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure.canvas.print_png(file.stream)


def ink(colour: Any) -> str:
    """Return what can be read on a colour: black or white, by its luminance (Rec. 709)."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else "white"

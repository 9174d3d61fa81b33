"""The option --channel, of every command that hears recordings."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..config import CHANNEL, Options

EACH = "each"


def argument(
    parser: argparse._ActionsContainer, *, each: str = "", default: str | None = Options.channel
) -> None:
    """Declare the option.

    Parameters
    ----------
    parser : ArgumentParser, or a group of one
    each : str
        What becomes of "each" channel, where the command takes that.
    default : str or None
        None says, in the help, that the command finds out.
    """
    more = f", or {EACH} by itself, {each}" if each else ""
    otherwise = "those of the table's rows" if default is None else "%(default)s"
    parser.add_argument(
        "--channel",
        type=_choice((EACH,) if each else ()),
        default=default,
        metavar="C",
        help=f"which channel to hear: mix (all together), 1, 2, ...{more} (default: {otherwise})",
    )


def _choice(more: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if CHANNEL.fullmatch(text) is None or (text == EACH and not more):
            fits = ", ".join(("mix", *more, "1 to 999"))
            raise argparse.ArgumentTypeError(f"{text!r} does not fit; it takes {fits}")
        return text

    return read

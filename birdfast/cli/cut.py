"""The options of windows: where they begin, and what becomes of the last one."""

from __future__ import annotations

import argparse

from ..config import Options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how recordings are cut into windows."""
    group = parser.add_argument_group("windows")
    step = group.add_mutually_exclusive_group()
    step.add_argument("--overlap", type=float, metavar="S", help="seconds that neighbouring windows share")
    step.add_argument(
        "--step", type=float, metavar="S", help="seconds from window to window: the other way to say it"
    )
    group.add_argument(
        "--shift",
        nargs="+",
        type=float,
        default=(),
        metavar="S",
        help="where grids of windows begin, in seconds: 0 2.5 hears all twice where windows have 5 s; they"
        " have to part the step evenly; give it before another option (default: one grid, from 0)",
    )
    group.add_argument(
        "--tail",
        choices=("pad", "drop", "min-1s"),
        default=Options.tail,
        help="a last, shorter window: pad it with silence, drop it, or drop it below 1 s"
        " (default: %(default)s)",
    )

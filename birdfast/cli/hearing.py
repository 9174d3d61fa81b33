"""Who hears what, and what is asked of the scores: of all commands that hear sound for that."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..config import Options
from . import asking, cut, sound, values

if TYPE_CHECKING:
    from ..models import Model


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare it."""
    model = parser.add_argument_group("model")
    values.models(model)
    model.add_argument(
        "--normalization",
        choices=("none", "hoplite", "zoo"),
        help="each window's level: none leaves it, zoo (as the model zoo) makes its peak 0.25, hoplite (as"
        " perch-hoplite) takes its mean away first (default: the model's own; hoplite for Perch)",
    )
    model.add_argument(
        "--no-graft",
        dest="graft",
        action="store_false",
        help="run the network's original graph, not the faster one that is proved to say the same (only"
        " TensorFlow's own operators, Flex, become TFLite's that say the same, as LiteRT has none of them)",
    )
    values.engine(model, "auto")
    sound.arguments(parser)
    cut.arguments(parser)
    asking.arguments(parser)


def titles(listening: Sequence[Model]) -> str:
    """Return who listens, with their licences."""
    return ", ".join(
        f"{one.title}{one.stands_on and f', a head on {one.stands_on}'} (licence: {one.licence})"
        for one in listening
    )


def options(chosen: argparse.Namespace, **more: Any) -> Options:
    """Return what `hearing` declares, and more options."""
    return Options(
        **asking.picking(chosen),
        **more,
        overlap_s=chosen.overlap,
        step_s=chosen.step,
        shifts_s=chosen.shift,
        tail=chosen.tail,
        normalization=chosen.normalization,
        graft=chosen.graft,
        runtime=chosen.runtime,
        precision=chosen.precision,
        channel=chosen.channel,
        resampler=chosen.resampler,
        fmin_hz=chosen.fmin,
        fmax_hz=chosen.fmax,
        speed=chosen.audio_speed,
    )

"""Measure how long a run would take here: on a sample, on one core and on two, stage by stage.

INPUT is recordings as `birdfast infer` takes them, of which a sample is heard; without any, minutes of Ogg of
32 kHz are made, as BirdCLEF's are. What is measured is all from the start of the workers to the table for a
competition (--rtype submission) of up to 206 classes; all but the start is scaled to --minutes. Four cores
are a projection: each doubling is taken to bring each stage what the measured one did. Where two cores were
not faster than one, there is none.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import voice
from . import exits, values

if TYPE_CHECKING:
    from ..runs.stages import Bench, Stages

HELP = "measure a sample of a run, and project its time"
ROWS = (
    ("start_s", "start: workers and models, once"),
    ("reading_s", "decoding and resampling"),
    ("network_s", "spectrograms and networks"),
    ("beside_s", "windows, journal, awaiting a core"),
    ("tables_s", "the table"),
    ("total_s", "all"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="audio files, folders, or .txt lists")
    model = parser.add_argument_group("model")
    values.models(model)
    values.engine(model, "auto")
    parser.add_argument(
        "--minutes",
        type=values.positive,
        default=700,
        metavar="N",
        help="minutes of sound to project to (default: %(default)s)",
    )
    parser.add_argument(
        "--budget",
        type=values.positive,
        default=90,
        metavar="MIN",
        help="minutes that they may take (default: %(default)s, BirdCLEF's)",
    )
    parser.add_argument(
        "--sample-minutes",
        type=values.positive,
        default=24,
        metavar="N",
        help="minutes of sound that are heard, once for each number of cores (default: %(default)s)",
    )
    parser.add_argument("--step", type=float, metavar="S", help="seconds from window to window")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(chosen: argparse.Namespace) -> int:
    """Measure and print."""
    import json

    from .. import inputs
    from ..config import Options
    from ..runs.bench import bench

    listening = values.listening(chosen)
    found = bench(
        listening,
        Options(step_s=chosen.step, runtime=chosen.runtime, precision=chosen.precision),
        inputs.find(chosen.inputs, voice.say) if chosen.inputs else (),
        minutes=chosen.minutes,
        budget_minutes=chosen.budget,
        sample_minutes=chosen.sample_minutes,
        tell=voice.say,
    )
    voice.answer(*([json.dumps(found.as_dict())] if chosen.json else lines(found)))
    return exits.of(found.n_failed, round(found.sample_minutes * 60))


def lines(found: Bench) -> list[str]:
    """Return a bench as a table."""
    from ..words import counted, lasting

    what = "made minutes of 32 kHz Ogg" if found.made else "minutes of the recordings"
    told = (
        f"{', '.join(found.models)}: {found.minutes:,} minutes of sound, by {found.sample_minutes:.3g} {what}"
    )
    shown = [told, *([f"{counted(found.n_failed, 'file')} of the sample failed"] if found.n_failed else [])]

    def row(title: str, *cells: str) -> str:
        return f"{title:<34}" + "".join(f"{cell:>16}" for cell in cells)

    shown.append(row("", *(f"{one.cores} core{'s' * (one.cores > 1)}" for one in found.stages)))
    shown.append(row("", *("measured" if one.is_measured else "projected" for one in found.stages)))
    shown += [row(title, *(lasting(getattr(one, name)) for one in found.stages)) for name, title in ROWS]
    shown.append(row("times real time", *(f"{_speed(found, one):,.0f}" for one in found.stages)))
    budget = [f"{one.total_s / 60 / found.budget_minutes:.1%}" for one in found.stages]
    shown.append(row(f"of a budget of {found.budget_minutes:g} minutes", *budget))
    if found.stages[-1].is_measured:
        shown.append("two cores were not faster than one, so nothing is projected")
    if found.is_busy:
        shown.append("other programs were at work on these cores: what is measured is too long")
    if found.preparing_s:
        shown.append(f"where networks are not prepared yet, once more {lasting(found.preparing_s)}")
    return shown


def _speed(found: Bench, stages: Stages) -> float:
    return found.minutes * 60 / stages.total_s

"""A bench: how long a run would take, measured on a sample of it, stage by stage."""

from __future__ import annotations

import csv
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from .. import audio, soundscape
from ..config import Options
from ..errors import AudioError, ConfigError
from ..models import Model
from ..outcomes import Outcome
from ..submission.sample import ROW_ID
from ..workers import usable_cores
from .follower import Follower
from .how import How
from .run import Run
from .stages import Bench, Stages, projected
from .submission import Submission

MEASURED = (1, 2)  # cores
MOST_CLASSES = 206  # of BirdCLEF+ 2025's submission
DIFFERENT, RATE_HZ, MINUTE_S = 4, 32_000, 60


class Clock(Follower):
    """Takes the time of a run."""

    def __init__(self) -> None:
        self.at_s = [(monotonic(), 0.0)]  # the clock, and the seconds of sound heard until then
        self.reading_s = self.network_s = 0.0
        self.n_failed, self.prepares = 0, False

    @property
    def sound_s(self) -> float:
        """Seconds of sound that were heard."""
        return self.at_s[-1][1]

    def a_second_s(self) -> float:
        """Return what a second of sound takes once all workers are warm: behind the first quarter."""
        now_s, sound_s = self.at_s[-1]
        before_s, heard_s = next(at for at in self.at_s if at[1] >= sound_s / 4)
        if heard_s == sound_s:
            before_s, heard_s = self.at_s[0]
        return (now_s - before_s) / max(1e-9, sound_s - heard_s)

    def say(self, text: str) -> None:
        """Hear whether networks are prepared."""
        self.prepares = self.prepares or text.startswith("preparing ")

    def add(self, path: str, outcome: Outcome) -> None:
        """Count a stretch."""
        self.at_s.append((monotonic(), self.sound_s + outcome.audio_s))
        self.reading_s += outcome.reading_s
        self.network_s += outcome.network_s
        self.n_failed += bool(outcome.failures)


def bench(
    models: Sequence[Model],
    options: Options,
    recordings: Sequence[str] = (),
    *,
    minutes: float = 700,
    budget_minutes: float = 90,
    sample_minutes: float = 24,
    tell: Callable[[str], object] = lambda said: None,
) -> Bench:
    """Measure a sample on one core and on two, and project.

    Parameters
    ----------
    models : sequence of Model
    options : Options
    recordings : sequence of str
        Of which a sample is heard; none: minutes of Ogg are made, of 32 kHz, as BirdCLEF's are.
    minutes, budget_minutes, sample_minutes : float
    tell : callable of str
        Hears what is being done.

    Raises
    ------
    ConfigError, ModelError, OutputError
        As `Run`; or nothing of the sample can be read.
    """
    with tempfile.TemporaryDirectory(prefix="birdfast-bench-") as place:
        folder = Path(place)
        paths = chosen(recordings, sample_minutes) if recordings else made(folder / "made", sample_minutes)
        sample = _sample(folder / "sample.csv", models)
        is_busy = hasattr(os, "getloadavg") and os.getloadavg()[0] > len(usable_cores()) / 2
        if is_busy:
            tell("other programs are at work on these cores: what is measured is too long")
        measured: list[tuple[Stages, Clock]] = []
        preparing_s = 0.0
        for cores in [n for n in MEASURED if n <= len(usable_cores())]:
            tell(f"measuring on {cores} of {len(usable_cores())} cores")
            found = _measured(paths, models, options, folder / str(cores), sample, cores)
            if found[1].prepares:
                cold, found = found, _measured(paths, models, options, folder / "again", sample, cores)
                preparing_s = max(0.0, cold[0].total_s - found[0].total_s)
            measured.append(found)
        clock = measured[-1][1]
        if not clock.sound_s:
            raise ConfigError(f"nothing of the sample can be read, as {paths[0]}")
        stages = [one.of_minutes(minutes * MINUTE_S / clock.sound_s) for one, _ in measured]
    return Bench(
        [model.name for model in models],
        minutes,
        budget_minutes,
        clock.sound_s / MINUTE_S,
        not recordings,
        clock.n_failed,
        preparing_s,
        [*stages, *projected(stages)],
        is_busy,
    )


def chosen(recordings: Sequence[str], minutes: float) -> list[str]:
    """Return recordings of so many minutes together, from all over the list."""
    found, sound_s = list[str](), 0.0
    for path in random.Random(0).sample(recordings, len(recordings)):
        found.append(path)
        with suppress(AudioError), audio.Recording(path) as recording:
            sound_s += recording.duration_s or 0.0
        if sound_s >= minutes * MINUTE_S:
            break
    return found


def made(folder: Path, minutes: float) -> list[str]:
    """Write minutes of made birds as Ogg of 32 kHz, a few different ones; return where they are."""
    folder.mkdir()
    samples, _ = soundscape.make(DIFFERENT * MINUTE_S)
    samples = audio.resample(samples, soundscape.RATE_HZ, RATE_HZ)
    paths = [folder / f"made_{number:04d}.ogg" for number in range(max(1, round(minutes)))]
    for number, path in enumerate(paths):
        if number < DIFFERENT:
            start = number * MINUTE_S * RATE_HZ
            audio.write(path, samples[start : start + MINUTE_S * RATE_HZ], RATE_HZ)
        else:
            path.write_bytes(paths[number % DIFFERENT].read_bytes())
    return list(map(str, paths))


def _measured(
    paths: Sequence[str], models: Sequence[Model], options: Options, folder: Path, sample: Path, cores: int
) -> tuple[Stages, Clock]:
    clock, asked = Clock(), Submission(sample=sample)
    how = How(kinds=("submission",), n_workers=cores, submission=asked)
    start_s = monotonic()
    with _on(usable_cores()[:cores]):
        Run(paths, models, options, folder, how).work(clock)
    end_s = monotonic()
    last_s, working_s = clock.at_s[-1][0], clock.a_second_s() * clock.sound_s
    reading_s, network_s = clock.reading_s / cores, clock.network_s / cores
    beside_s = max(0.0, working_s - reading_s - network_s)
    start_s = max(0.0, last_s - start_s - working_s)
    return Stages(cores, True, start_s, reading_s, network_s, beside_s, end_s - last_s), clock


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Keep this thread, and the processes that it starts, on some cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _sample(path: Path, models: Sequence[Model]) -> Path:
    """Write a sample submission of the models' own classes, as many as a competition has."""
    names = dict.fromkeys(name for model in models for name in model.class_names()[0].scientific)
    names.pop(ROW_ID, None)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow([ROW_ID, *[*names][:MOST_CLASSES]])
    return path

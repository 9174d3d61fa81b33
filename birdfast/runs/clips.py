"""Clips: what was heard, cut out of the recordings, a folder a species, to be listened to and learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, get_args

from .. import audio, bars, config, tables
from ..arrays import Float32
from ..atomicfile import AtomicFile
from ..audio import cutting
from ..audio.cutting import Stretch
from ..config import checks
from ..errors import AudioError, ConfigError
from ..outcomes import Detection, Failure
from ..tables import About, AboutModel, escaped
from ..tables.files import CsvFile, read_csv
from . import clipnames
from .choosing import Choice, chosen
from .output import AGAIN, alone, output_folder, telling
from .whereabouts import Whereabouts

Format = Literal["wav", "flac", "ogg"]
TABLE = "clips.csv"
HEADER = (
    *("file", "label", "start_s", "end_s", "confidence", "model", "group"),
    *("recording", "recording_start_s", "recording_end_s", "channel"),
)
MOST_S = 3600.0  # of a clip, which is held in memory
Tell = Callable[[str], object]


class Cut(NamedTuple):
    """How clips are cut.

    Attributes
    ----------
    context_s : float
        Sound before and behind a detection.
    length_s : float
        A clip is so long at least, with its detection in the middle.
    format : "wav", "flac" or "ogg"
    """

    context_s: float = 0.0
    length_s: float = 0.0
    format: Format = "wav"

    def check(self) -> None:
        """Refuse what does not fit.

        Raises
        ------
        ConfigError
        """
        for name, value in (("context", self.context_s), ("length", self.length_s)):
            checks.check(0 <= value <= MOST_S, name, value, f"0 to {MOST_S:,.0f} s")
        config.choice("format", self.format, get_args(Format))

    def stretch(self, row: Detection) -> Stretch:
        """Return what of its recording a detection's clip has."""
        more_s = max(self.context_s, (self.length_s - (row.end_s - row.start_s)) / 2)
        first_s = max(0.0, row.start_s - more_s)
        return Stretch(first_s, min(row.end_s + more_s, first_s + MOST_S), row.channel)


class Clips(NamedTuple):
    """What was written: the table of clips, how many there are, of how many recordings, and what failed.

    And of which recordings it is doubtful whether they are as they were heard, and why.
    """

    table: Path
    n_clips: int
    n_recordings: int
    failures: list[Failure]
    doubtful: list[str]


def write(
    detections: Iterable[Detection],
    folder: Path,
    choice: Choice | None = None,
    cut: Cut | None = None,
    *,
    where: Callable[[Sequence[Detection]], Whereabouts] = lambda rows: Whereabouts(),
    bar: bool = False,
    tell: Tell = lambda said: None,
) -> Clips:
    """Cut clips of detections out of their recordings, each of which is opened once.

    Parameters
    ----------
    detections : iterable of Detection
    folder : path
        A new one, or one that has clips of before: those go.
    choice : Choice or None
    cut : Cut or None
    where : callable
        Says where recordings are, of the detections that were chosen.
    bar : bool
        Show how far it is, on a terminal.
    tell : callable of str
        Hears what is to be known of recordings.

    Returns
    -------
    Clips

    Raises
    ------
    ConfigError
        Something does not fit, or the folder has what is none of ours.
    OutputError
        The folder takes no more.
    """
    cut = cut or Cut()
    cut.check()
    (choice or Choice()).check()
    before = _of_before(folder)
    rows = chosen(detections, choice or Choice())
    names = [*map(clipnames.Names(cut.format).of, rows)]
    order = sorted(range(len(rows)), key=lambda place: rows[place].file)
    failures, written = list[Failure](), dict[int, tuple[object, ...]]()
    with telling(output_folder(folder), AGAIN), alone(folder):
        places, n_recordings, doubtful = where(rows), 0, list[str]()
        files = [(file, list(some)) for file, some in groupby(order, key=lambda place: rows[place].file)]
        with bars.of_recordings(len(files), shown=bar, doing="clips") as progress:
            for file, numbers in files:
                n_before = len(written)
                for number, what in _cut(places, file, [cut.stretch(rows[one]) for one in numbers], tell):
                    row, name = rows[numbers[number]], names[numbers[number]]
                    try:
                        lasts_s = put(folder / name, what)
                    except AudioError as error:
                        failures.append(Failure(file, "audio", type(error).__name__, str(error)))
                    else:
                        written[numbers[number]] = told(row, name, cut.stretch(row), lasts_s)
                if len(written) > n_before:
                    n_recordings += 1
                    doubtful += _doubts(places, file)
                progress.update()
        with CsvFile(folder / TABLE, HEADER) as table:
            for number in sorted(written):
                table.write_row(written[number])
        tables.write_failures(folder, About({}, (AboutModel(""),)), failures)
        _remove(folder, before - {names[number] for number in written})
    return Clips(folder / TABLE, len(written), n_recordings, failures, doubtful)


def _cut(
    places: Whereabouts, file: str, stretches: Sequence[Stretch], tell: Tell
) -> Iterator[tuple[int, tuple[Float32, int] | AudioError]]:
    """Yield stretches of a recording with their rates; of one that cannot be opened, why, once."""
    try:
        path = places.of(file)
        yield from cutting.of_file(path, stretches, lambda said: tell(f"{escaped(path)}: {said}"))
    except AudioError as error:
        yield 0, error


def _doubts(places: Whereabouts, file: str) -> Iterator[str]:
    path = places.of(file)
    if doubt := places.doubt(file, path):
        yield f"{path}: {doubt}"


def put(path: Path, what: tuple[Float32, int] | AudioError) -> float:
    """Write a clip, and return how long it is in seconds; raise the AudioError that came in its place."""
    if isinstance(what, AudioError):
        raise what
    samples, rate_hz = what
    sound = audio.encoded(samples, rate_hz, path.suffix[1:])
    path.parent.mkdir(exist_ok=True)
    with AtomicFile(path, mode="wb") as file:
        file.is_synced = False  # there are many, and whoever lacks one makes them again
        file.stream.write(sound)
    return len(samples) / rate_hz


def told(row: Detection, name: str, stretch: Stretch, lasts_s: float) -> tuple[object, ...]:
    """Return a clip's row: where in it the detection lies, and where it is from."""
    start_s = row.start_s - stretch.start_s
    end_s = min(row.end_s - stretch.start_s, lasts_s)
    file, model = escaped(row.file), escaped(row.model)
    return (
        *(name, clipnames.label(row), f"{start_s:.10g}", f"{end_s:.10g}", f"{row.confidence:.4f}", model),
        *(file.replace(";", ","), file, f"{row.start_s:.10g}", f"{row.end_s:.10g}"),
        row.channel,
    )


def _of_before(folder: Path) -> set[str]:
    """Return the clips that are in a folder, by the table there.

    Raises
    ------
    ConfigError
        The folder has something else.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return set()
    table = folder / TABLE
    if table.is_file():
        header, *rows = read_csv(table, ConfigError) if table.stat().st_size else [[]]
        if tuple(header) == HEADER:
            return {row[0] for row in rows if len(row) == len(HEADER) and _is_ours(row[0])}
    raise ConfigError(f"{folder}: not empty, and without a {TABLE} of ours; take a new folder")


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[0] not in ("..", "/") and parts[1].endswith(get_args(Format))


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
        try:
            (folder / name).parent.rmdir()
        except OSError:
            continue  # there are others in it

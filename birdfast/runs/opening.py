"""Opening: who is to hear the files of a run, and what is known of that before the first is heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .. import inputs
from .. import models as known_models
from ..config import Options
from ..errors import ConfigError
from ..grafting import places
from ..journal import Journal, Record
from ..models import Digests, Model
from ..workers import Pool, usable_cores
from ..workers.remote import Remote
from ..workers.workforce import Workforce
from .how import How

STRETCH_BYTES = 1 << 24  # no file of usual sound has more in a minute,
LOSSY_BYTES = 1 << 21  # and of those that leave out what is not heard, few
LOSSY = (".aac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".webm", ".wma")


def workforce(
    models: Sequence[Model], options: Options, how: How, recordings: Sequence[str], folder: Path
) -> Workforce:
    """Return who is to hear a run's files; a context manager that starts them."""
    found: Remote | Pool
    if how.cluster is not None:
        found = Remote(models, options, how.cluster, folder, how.n_workers, how.file_timeout_s)
    else:
        found = Pool(models, options, how.n_workers, how.file_timeout_s, n_hired(recordings, how))
    found.scratch = how.scratch
    return found


def settling(workforce: Workforce, journal: Journal) -> None:
    """Let who hears elsewhere have the journal keep what came, before its parts go."""
    if isinstance(workforce, Remote):
        workforce.settle = journal.settle


def n_hired(recordings: Sequence[str], how: How) -> int:
    """Return how many workers a run begins with: one for each file, for long ones more."""
    if how.cluster is not None:
        n_machines: int = how.cluster.slots()
        return max(1, n_machines) * (how.n_workers or 1)
    most, n = how.n_workers or len(usable_cores()), 0
    for path in recordings:
        minute = LOSSY_BYTES if path.lower().endswith(LOSSY) else STRETCH_BYTES
        n += 1 + (inputs.size_bytes(path) or 0) // minute
        if n >= most:
            return most
    return max(1, n)


def known_widths(folder: Path, n_models: int) -> Sequence[Mapping[str, int]] | None:
    """Return how wide dense rows are if a journal knows; else a worker does when it is ready.

    A journal of another run may say what it likes: the run will be refused. None is begun, and none
    forgotten, before a worker says that the models can be run with these options.
    """
    with suppress(ConfigError), Record(folder) as known:
        widths = [model.widths for model in known.facts().about.models]
        if len(widths) == n_models:
            return widths
    return None


def unprepared(models: Sequence[Model], options: Options, digests: Sequence[Digests]) -> Iterator[str]:
    """Yield what whoever waits is told of networks that workers will first prepare."""
    folder, titles = known_models.cache_folder(), dict[str, str]()
    for model, digest in zip(models, digests, strict=True) if options.graft else ():
        for network, sha256 in zip(model.heavy, digest.heavy, strict=True):
            batches = places.AT_ONCE.get(network.kind, ())
            if batches and network.front_end is None and not places.is_prepared(sha256, folder, batches):
                titles[sha256] = network.title
    yield from (f"preparing {title} for speed, once: some seconds" for title in titles.values())

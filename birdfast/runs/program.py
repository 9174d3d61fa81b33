"""A program's call: what it gives, as it likes to give it, becomes a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

from .. import inputs, models
from ..config import SHARED_BY, By, Options, check, flag, path, several
from ..workers import executor
from ..workers.scratch import USUAL, Scratch
from . import follower, jobarrays, said, storing
from .follower import Follower
from .how import How
from .progress import Progress
from .question import Question
from .results import Results
from .run import Run


def run(
    recordings: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    model: Any,
    labels: Any,
    output: str | os.PathLike[str],
    options: dict[str, Any],
    *,
    kinds: str | Sequence[str],
    shard: str | None,
    shard_by: By,
    cluster: Any,
    scratch: Scratch | None,
    followers: Sequence[Follower],
    progress: bool,
    question: Question | None,
    **how: Any,
) -> Results:
    """Find the species in recordings: parameters and errors as `birdfast.run`, the others fields of `How`."""
    began_s = monotonic()
    flag("progress", progress)
    followers = follower.checked(followers)
    one = isinstance(recordings, str | bytes | os.PathLike)
    names = [recordings] if one else several("recordings", recordings, "a path, or several")
    paths = inputs.find(given := [path("recordings", name) for name in names])
    share = jobarrays.Settled(None, path("output", output))
    check(shard_by in SHARED_BY, "shard_by", shard_by, " or ".join(SHARED_BY))
    if shard is not None:  # a program that says nothing hears all, also in a task of an array
        check(isinstance(shard, str), "shard", shard, "1/4, auto/4 or none")
        share = jobarrays.settled(shard, shard_by, os.environ, share.output, map(os.fspath, given))
    known = How(
        kinds=(kinds,) if isinstance(kinds, str) else several("kinds", kinds, "a list of names of tables"),
        shard=share.shard,
        cluster=None if isinstance(cluster, str) else cluster,
        scratch=USUAL if scratch is None else scratch,
        base=inputs.base(given, paths),
        **how,
    )
    listening, chosen = models.find_all(model, labels), Options.of(options)
    titles, by_shares = [one.name for one in listening], cluster is not None
    shown = [Progress(began_s, models=titles, by_shares=by_shares)] if progress else []
    telling = said.to_each(every := (*shown, *followers))
    said.say(every, filter(None, [share.said]))
    with (
        storing.working(share.output, listening, known.force, *telling) as place,
        executor.opened(cluster if known.cluster is None else known.cluster) as opened,
    ):
        known = dataclasses.replace(known, cluster=opened)
        return place.work(Run(paths, listening, chosen, place.folder, known, question), *every)

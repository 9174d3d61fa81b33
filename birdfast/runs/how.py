"""How a run goes about its work, as values that are checked once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any, Literal, get_args

from .. import inputs
from ..config import check, choice, flag, path, whole
from ..errors import ConfigError
from ..workers import executor
from ..workers.patience import check_timeout
from ..workers.scratch import USUAL, Scratch
from .shards import Shard
from .submission import Submission, check_submission

KeepScores = Literal["best", "all", "none"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class How:
    """How a run goes about its work.

    What is found in a file does not hang on it: `shard` chooses files, `kinds` what is kept and written, and
    `fail_fast` may end the run before the last file.

    Parameters
    ----------
    kinds : tuple of str
        The kinds of tables: see `tables.KINDS`. Those of dense rows decide what the journal keeps.
    shard : Shard or None
        The share of the files that is this run's.
    n_workers : int or None
        None takes one for each physical core that this process may use.
    file_timeout_s : float or None
        Seconds, 2 or more, that a worker may be silent at a file; None allows for its size, generously.
    force : bool
        Start anew: what was done in the folder is forgotten, and its tables go first.
    retry : bool
        Analyse what failed once more.
    fail_fast : bool
        Stop at the first failure, and at those of before.
    csv_safe : bool
        Put an apostrophe before names and words in CSVs that a spreadsheet would run.
    keep_scores : "best", "all", "none" or None
        Which scores of every window the journal keeps, for other questions later: all from a confidence of
        0.001 on and the best 20; all; or those alone that this run's question asks for. None keeps as many
        as the run before in its folder, in a new one the best.
    per_file : bool
        Write a table for each file, of the kinds that can be so: `tables.OF_FILES`.
    base : path or None
        The folder that recordings are seen from then, as their tables' places are theirs; None takes the one
        that all of them share.
    submission : Submission or None
        How scores become the kind of table "submission", where that is wanted.
    cluster : executor, (executor, int), Client or None
        Who hands shares of the files out to other machines: see `executor.of`. `n_workers` are those of each.
    scratch : Scratch
        Where objects of stores are fetched to, until they are heard.

    Raises
    ------
    ConfigError
        A number of workers below 1, or a time that `check_timeout` refuses; a submission whose kind is not
        wanted, that kind without one, or one of a shard, which has not all rows.
    """

    kinds: tuple[str, ...] = ("csv",)
    shard: Shard | None = None
    n_workers: int | None = None
    file_timeout_s: float | None = None
    force: bool = False
    retry: bool = False
    fail_fast: bool = False
    csv_safe: bool = False
    keep_scores: KeepScores | None = None
    per_file: bool = False
    base: str | os.PathLike[str] | None = None
    submission: Submission | None = None
    cluster: Any = None
    scratch: Scratch = USUAL

    def seen_from(self, recordings: Iterable[str]) -> str | None:
        """Return the folder that recordings are seen from; None if no table is of one of them alone."""
        return self.home(recordings) if self.per_file else None

    def home(self, recordings: Iterable[str]) -> str:
        """Return the folder that recordings are seen from."""
        return inputs.base((), recordings) if self.base is None else os.fspath(self.base)

    def __post_init__(self) -> None:
        if self.n_workers is not None:
            object.__setattr__(self, "n_workers", whole("workers", self.n_workers, 1))
        for name in ("force", "retry", "fail_fast", "csv_safe", "per_file"):
            flag(name, getattr(self, name))
        choice("keep_scores", self.keep_scores, (None, *get_args(KeepScores)))
        if self.base is not None:
            path("base", self.base)
        check(isinstance(self.scratch, Scratch), "scratch", self.scratch, "a Scratch")
        self.scratch.check()
        check_timeout(self.file_timeout_s)
        object.__setattr__(self, "cluster", executor.of(self.cluster))
        check_submission(self.kinds, self.submission)
        if self.submission is not None and self.shard is not None:
            raise ConfigError(
                "submission: a shard has not all of its rows; run each with --rtype scores, then"
                " birdfast merge with --rtype submission"
            )

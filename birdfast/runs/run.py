"""A run: recordings, models, options and a folder become tables."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property, partial

from .. import models as known_models
from .. import tables, voice
from ..config import Kept, Options
from ..errors import ConfigError
from ..journal import MERGED, Journal, Record, check_place
from ..models import Model
from ..outcomes import Failure, Outcome, Part
from ..workers import Job, Jobs, executor, parts
from ..workers.workforce import Workforce
from . import opening, planned, results, shards, thresholds
from .answers import Answers
from .facts import about_alone, facts
from .follower import Follower
from .how import How
from .leaving import Leave
from .output import check_tables, output_folder, telling
from .question import Question
from .results import Results
from .retelling import vouch, write
from .room import Room
from .said import away, ending, once, say, say_what_changed, to_each, warn
from .submitting import Submitter
from .tally import Tally


class Run:
    """Recordings that models hear, and a folder where it is kept what they heard.

    A run may end at any moment; another of the same recordings, models and options goes on in its folder.
    What of the options is asked of the scores alone, and the question, may be others: what was heard before
    answers them, too.

    Parameters
    ----------
    recordings : sequence of str
        Audio files, in the order of the tables (see `inputs.find`).
    models : sequence of Model
    options : Options
    folder : path
        Made if it is missing.
    how : How
    question : Question

    Raises
    ------
    ConfigError
        A kind of table that there is not, no model or two of one name, a folder where the tables or the
        journal cannot be, or one that has no journal and files of the tables' names, without `force`.
    """

    def __init__(
        self,
        recordings: Sequence[str],
        models: Sequence[Model],
        options: Options,
        folder: str | os.PathLike[str],
        how: How | None = None,
        question: Question | None = None,
    ) -> None:
        self.how, self.question = how or How(), question or Question()
        for kind in self.how.kinds:
            tables.check(kind)
        known_models.check_several(models)
        self.folder = output_folder(folder)
        self.recordings, self.models = recordings, models
        self._sizes = shards.sizes_of(recordings, self.how.shard)
        options = thresholds.settled(options, models)
        self.options = dataclasses.replace(options, keep=self._kept(options))
        check_place(self.folder)
        tables.check_places(self.folder, self.how.kinds, about_alone(models))
        self.base = self.how.seen_from(recordings)
        if not self.how.force:
            check_tables(self.folder, about_alone(models))
            own = [recordings[number] for number in self._numbers]
            tables.check_files(self.folder, self.how.kinds, about_alone(models), self.base, own)
        if self.how.keep_scores == "none" and self.question.thresholds is not None:
            raise ConfigError(
                "keep_scores: none keeps what one least confidence asks for, no class's own; best does"
            )
        asked = self.how.submission
        self._submitter = None if asked is None else Submitter(asked, recordings)

    def places(self) -> Iterator[str]:
        """Yield where its tables will lie below its folder."""
        own = (self.recordings[number] for number in self._numbers)
        return tables.places(self.how.kinds, about_alone(self.models), self.base, own)

    def work(self, *followers: Follower, leave: Leave | None = None) -> Results:
        """Work off what is still to do, and write the tables.

        Parameters
        ----------
        *followers : Follower
        leave : Leave or None
            Asks the run to leave in good order, which is then heard as `Left`.

        Raises
        ------
        ModelError, ConfigError
            The models cannot be run, or the folder is of another run.
        OutputError
            The folder takes no more; what was done is kept.
        """
        leave = leave or Leave()
        with telling(self.folder), ExitStack() as stack:
            stack.enter_context(ending(followers))
            voice.hold()
            pool, journal, jobs, n_done = self._open(stack, followers)
            tables.tidy(self.folder, about := journal.facts().about)
            (self.folder / MERGED).unlink(missing_ok=True)  # they are not merge's any more
            say_what_changed(journal.changed, followers)
            warn(followers, away(journal.n_away))
            if self.how.fail_fast and (failed := results.failures(journal)):
                return self._stop(journal, failed)
            if (shard := self.how.shard) is not None:
                say(followers, [shards.told(shard, len(self._numbers), len(self.recordings))])
            say(followers, thresholds.told(self.options, self.models))
            for follower in followers:
                follower.know(about)
                follower.begin([job.path for job in jobs], n_done, opening.n_hired(self.recordings, self.how))
            if self._asks_anew and not jobs:
                say(followers, ["asked again: nothing to hear"])
            answers = Answers(journal)
            say(followers, answers.where.words)
            came = pool.work(jobs) if jobs else iter(())
            watching = [Room(self.folder)] * bool(tables.kept_for(self.how.kinds))  # other tables are small
            with leave.letting(pool):
                failure = self._work_off(came, jobs, journal, answers, [*watching, journal, *followers])
            if failure is not None:
                return self._stop(journal, [failure])
            for one in watching:
                one.check()
            answers.check()  # of what was heard now, too
            parts.tidy(self.folder)  # those of a run on a cluster that went on here
            counts, tally = list[tuple[int, int, int]](), Tally()
            again = tally.over(partial(results.results, answers, count=counts.append))
            how = (self.folder, self.how, self._submitter, self.base)
            journal.settle()  # without it nobody could tell later whose the tables are
            written = write([answers], again, *how, *to_each(followers))
            journal.count(counts)
            vouch(journal, written)
        return Results(self.folder, written, tally=tally)

    def _open(
        self, stack: ExitStack, followers: Sequence[Follower]
    ) -> tuple[Workforce, Journal, Sequence[Job], int]:
        """Open the journal and plan; workers start before a new one, as they take longer, else if need be."""
        how = self.how
        pool = opening.workforce(self.models, self.options, how, self.recordings, self.folder)
        stack.callback(executor.rest, how.cluster)
        stack.callback(warn, followers, pool.notes)
        pool.hear = once(followers)
        known_widths = None if how.force else opening.known_widths(self.folder, len(self.models))
        if known_widths is None:
            stack.enter_context(pool)
            say(followers, opening.unprepared(self.models, self.options, pool.digests))
        widths = pool.widths if known_widths is None else lambda: known_widths
        run = (self.models, self.options, pool.digests, widths, self.recordings, how.shard)
        known = facts(*run, self.question, self.how.home(self.recordings), self._sizes)
        known_models.check_unchanged(self.models, pool.digests)  # labels were read once more
        if self._submitter is not None:
            say(followers, self._submitter.fit(known.about))
            warn(followers, self._submitter.strangers())
        journal = stack.enter_context(Journal(self.folder, known, force=how.force))
        opening.settling(pool, journal)
        jobs, n_done = self._plan(journal)
        say(followers, planned.kept_less(journal, how.keep_scores))
        answers = Answers(journal, known.asked)
        answers.check()
        answers.check_kinds(self.how.kinds)
        self._asks_anew = journal.ask(known.asked)
        if jobs and known_widths is not None:
            say(followers, opening.unprepared(self.models, self.options, pool.digests))
            stack.enter_context(pool)
        return pool, journal, jobs, n_done

    def _kept(self, options: Options) -> tuple[Kept, ...]:
        """Return what is kept of windows: what tables and question need, and of scores what is chosen.

        Where nothing is, as much as before in this folder: a table of all scores is not to be lost.
        """
        chosen = self.how.keep_scores
        kept = {*tables.kept_for((*self.how.kinds, *options.keep, *["scores"] * (chosen == "all")))}
        if chosen is None and not self.how.force:
            with suppress(ConfigError), Record(self.folder) as before:
                if before.keepings(0) and "scores" in Answers(before).about.models[0].widths:
                    kept.add("scores")
        usual: planned.Usual = "asked" if chosen == "none" else "best"
        return (*kept, planned.enough(usual, options, self.question, self.models))

    @cached_property
    def _numbers(self) -> Sequence[int]:
        """Which of the recordings are this run's."""
        shard, paths = self.how.shard, self.recordings
        return shards.share(paths, shard, self._sizes) if shard else range(len(paths))

    def _plan(self, journal: Journal) -> tuple[Sequence[Job], int]:
        """Return what is to do, and how many files need nothing more."""
        numbers = self._numbers
        own = [self.recordings[number] for number in numbers]
        waiting = journal.plan(own, numbers, retry=self.how.retry)
        return Jobs(own, waiting), len(own) - len(waiting)

    def _work_off(
        self,
        came: Iterator[tuple[int, Outcome | Part]],
        jobs: Sequence[Job],
        journal: Journal,
        answers: Answers,
        listening: Sequence[Journal | Follower],
    ) -> Failure | None:
        """Tell who listens what comes of the files; return the first failure, if that is the end."""
        for number, what in came:
            path = jobs[number].path
            if isinstance(what, Outcome):
                answers.correct(journal, path, what)
            for one in listening:
                if isinstance(what, Part):
                    one.keep(path, what)
                else:
                    one.add(path, what)
            if self.how.fail_fast and isinstance(what, Outcome) and what.failures:
                return what.failures[0]
        return None

    def _stop(self, journal: Journal, failed: list[Failure]) -> Results:
        """End a run that is not to go on after a failure: without tables but that of the failures."""
        about = journal.facts().about
        journal.settle()
        tables.write_failures(self.folder, about, failed, csv_safe=self.how.csv_safe)
        return Results(self.folder, stopped=failed[0])

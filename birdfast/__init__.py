"""Recognise birds and other animals in sound, on CPUs.

audio file -> windows -> spectrogram -> tokens -> embedding -> scores -> tables     (STSG)
audio file -> windows -> [spectrogram ->] network session --> scores -> tables      (pretrained networks)

`load` brings networks into this process, `WarmPool` into worker processes that stay up and answer any number
of threads, and `run` makes tables of many recordings, once, which `evaluate` holds against what is true.
What goes wrong is a `BirdfastError`: the audio's (`AudioError`), the model's (`ModelError`), the options'
(`ConfigError`), the disk's (`OutputError`), a store's (`StoreError`), or workers end at it (`WorkerError`).
What is to be known of a recording that was heard is a `RecordingWarning`, in `Results.notes` and notes.csv.
"""

import sys

from . import children

# `python -m birdfast` comes here first: the imports below are not to be strangers'
if sys.argv[:1] == ["-m"]:
    children.leave_working_folder()

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from . import face
from ._version import __version__
from .errors import (
    AudioError,
    BirdfastError,
    ConfigError,
    ModelError,
    OutputError,
    RecordingWarning,
    StoreError,
    WorkerError,
)

if TYPE_CHECKING:
    from .judging.evaluation import Evaluation
    from .linking import get_include, get_library
    from .outcomes import Detection, Failure, Note
    from .pipeline import Pipeline, Scored
    from .runs import Follower, Question, Results, Submission
    from .runs.evaluating import evaluate
    from .runs.results import Windows
    from .workers.scratch import Scratch
    from .workers.warm import WarmPool
else:
    __getattr__, __dir__, _ = face.of(
        __name__,
        {
            "judging.evaluation": ("Evaluation",),
            "linking": ("get_include", "get_library"),
            "outcomes": ("Detection", "Failure", "Note"),
            "pipeline": ("Pipeline", "Scored"),
            "runs": ("Follower", "Question", "Results", "Submission"),
            "runs.evaluating": ("evaluate",),
            "runs.results": ("Windows",),
            "workers.scratch": ("Scratch",),
            "workers.warm": ("WarmPool",),
        },
    )

__all__ = [
    "AudioError",
    "BirdfastError",
    "ConfigError",
    "Detection",
    "Evaluation",
    "Failure",
    "Follower",
    "ModelError",
    "Note",
    "OutputError",
    "Pipeline",
    "Question",
    "RecordingWarning",
    "Results",
    "Scored",
    "Scratch",
    "StoreError",
    "Submission",
    "WarmPool",
    "Windows",
    "WorkerError",
    "__version__",
    "evaluate",
    "get_include",
    "get_library",
    "load",
    "run",
]

_Path = str | os.PathLike[str]
_Labels = _Path | None | Sequence[_Path | None]


def load(
    model: _Path | Sequence[_Path] = "birdnet-2.4", labels: _Labels = None, **options: Any
) -> "Pipeline":
    """Load one or several networks into this process, ready for sound.

    Parameters
    ----------
    model : str or path, or several of them, which hear the same sound in one pass
        A name from `python -m birdfast models`, a .tflite or .onnx file, or a folder that holds one.
    labels : path or None, or one of them for each model
        The labels of a file; by default `<stem>_Labels.txt` beside it, or what an .onnx file tells itself.
    **options
        Fields of `birdfast.config.Options`: min_confidence (without it each class's threshold of a model that
        birdfast trained, else 0.25), top_k, sensitivity, overlap_s, ...

    Returns
    -------
    Pipeline
        `Pipeline.detect("dawn.wav")` returns the detections in a file. Several threads may use one.

    Raises
    ------
    ModelError
        A network is not here, or cannot be used; the message says how to get it.
    ConfigError
        An option is out of its range, or there is none of that name.

    Examples
    --------
    Two networks in one pass, the second a folder of your own::

        pipeline = birdfast.load(["birdnet-2.4", "models/bats"], min_confidence=0.5)
        for found in pipeline.detect("night.flac"):
            print(found.start_s, found.common_name, found.confidence, found.model)
    """
    from . import models
    from .config import Options
    from .pipeline import Pipeline

    return Pipeline(models.find_all(model, labels), Options.of(options))


def run(
    recordings: _Path | Iterable[_Path],
    model: _Path | Sequence[_Path] = "birdnet-2.4",
    *,
    output: _Path,
    labels: _Labels = None,
    kinds: str | Sequence[str] = ("csv",),
    workers: int | None = None,
    shard: str | None = None,
    shard_by: Literal["hash", "bytes"] = "hash",
    file_timeout_s: float | None = None,
    retry: bool = False,
    force: bool = False,
    fail_fast: bool = False,
    followers: "Sequence[Follower]" = (),
    progress: bool = False,
    csv_safe: bool = False,
    per_file: bool = False,
    keep_scores: Literal["best", "all", "none"] | None = None,
    submission: "Submission | None" = None,
    question: "Question | None" = None,
    cluster: Any = None,
    scratch: "Scratch | None" = None,
    **options: Any,
) -> "Results":
    """Find the species in recordings, on all cores: `python -m birdfast infer`, with the same bytes.

    The same call goes on where one was interrupted. A script needs no `if __name__ == "__main__"`.

    Parameters
    ----------
    recordings : path or iterable of them
        Audio files, folders with all below them, .txt lists of paths, or URLs.
    model, labels, **options
        As `load`.
    output : path
        The folder for the tables and the run's journal; or a URL, into whose store they are put.
    kinds : str or sequence of str
        The tables to write: see `birdfast.tables.KINDS`.
    workers : int or None
        Worker processes; None takes one for each physical core that may be used.
    shard : str or None
        "1/4" is the first of four shares of the files, for several machines; `birdfast merge` joins them.
        "auto/4" takes the number of this task of a job array, in a folder of its own below `output`, as
        `--shard` does. None hears all files, in a task of an array too, as "none".
    shard_by : "hash" or "bytes"
        Files go to shares by a hash of their names, or so that shares have about as many bytes.
    file_timeout_s : float or None
        Seconds, 2 or more, that a worker may be silent at a file; None allows for its size, generously.
    retry, force : bool
        Analyse those files again that failed; start anew: what was done is forgotten, its tables go first.
    fail_fast : bool
        Stop at the first file that fails, and at those that failed before; `Results.stopped` says at which.
    followers, progress : sequence of Follower, bool
        Who is told what happens in the run, while it works; and whether it is shown on standard error.
    csv_safe, per_file : bool
        An apostrophe before what a spreadsheet would run; a table for each file, in folders as theirs.
    keep_scores : "best", "all", "none" or None
        Which scores of every window are kept, so that other questions need no hearing: from 0.001 on and the
        best 20, all, or those alone that are asked for; None is as before in the folder, else "best".
    submission : Submission or None
        How scores become a "submission": at the least its sample, `Submission(sample="sample.csv")`.
    question : Question or None
        Which species are asked for, where, in which language: `Question(species="list.txt", latitude=52.5,
        longitude=13.4)`. It may be another one in the same folder, as min_confidence, top_k and sensitivity.
    cluster : str, a Client or Cluster of Dask, an executor, (executor, its number of tasks at once), or None
        Hears the files elsewhere, in tasks with `workers` each; all see `output` at its place. Words are
        those of `--cluster`, as "tcp://HOST:PORT" or "local:4": what they make ends with the run. Executors
        of `concurrent.futures` know their number, others (`workers.executor.Executor`) come with it.
    scratch : Scratch or None
        Where recordings of URLs are fetched to, and how many bytes they take, with those of other runs there:
        `Scratch("/local", 50)`.

    Returns
    -------
    Results
        Iterating gives the detections; `failures` what could not be read, `notes` what is to be known.

    Raises
    ------
    ModelError, ConfigError
        As `load`; or there are no recordings, or the folder is of another run.
    OutputError, StoreError
        Folder or store take no more; what was done is kept.
    """
    from .runs import program

    return program.run(
        recordings,
        model,
        labels,
        output,
        options,
        kinds=kinds,
        shard=shard,
        shard_by=shard_by,
        n_workers=workers,
        file_timeout_s=file_timeout_s,
        retry=retry,
        force=force,
        fail_fast=fail_fast,
        csv_safe=csv_safe,
        per_file=per_file,
        keep_scores=keep_scores,
        submission=submission,
        question=question,
        cluster=cluster,
        scratch=scratch,
        followers=followers,
        progress=progress,
    )

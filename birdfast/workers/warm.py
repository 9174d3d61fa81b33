"""A warm pool: workers that stay up and answer whoever asks, from any number of threads."""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Self

from .. import models
from ..arrays import Float32
from ..config import Options, whole
from ..errors import BirdfastError, ConfigError, WorkerError
from ..outcomes import Detection
from ..pipeline import Scored, Sound, samples
from ..pipeline.listener import check_one_channel
from ..pipeline.remarks import OUR_FRAMES, warned
from .answer import Answer
from .crew import Crew
from .patience import check_timeout
from .requests import Requests, job_of

PATIENCE_S = 0.9  # for the dispatcher to see that it is over; then the workers are killed without it


class WarmPool:
    """Worker processes that stay up, one a core: a context manager that any number of threads may ask.

    Answers are those of a `Pipeline` of the same models and options, and so are its warnings. The stretches
    of a file, about a minute each, are shared out among the workers, sound in memory goes to one of them as
    it is; those who ask have turns by stretches: a short sound does not wait until a long file is through.

    Workers are started afresh: a script needs no `if __name__ == "__main__"`.

    A batch of four windows and a single one differ in the last bits of their scores (within 1e-4 of a
    logit), as a resampled stretch and a whole file do: answers have the Pipeline's very bits for sound in
    memory, and for files at the model's rate of up to a stretch, or whose stretches are whole batches, as
    BirdNET's are without overlap.

    Parameters
    ----------
    model : str or path, or several of them
        As `birdfast.load`.
    labels : path or None, or one of them for each model
        As `birdfast.load`.
    workers : int or None
        Worker processes; None takes one for each physical core that may be used.
    file_timeout_s : float or None
        Seconds, 2 or more, that a worker may be silent at a sound until it is replaced; None allows for a
        file's size, generously.
    **options
        The fields of `birdfast.config.Options`: min_confidence, top_k, sensitivity, overlap_s, ...

    Raises
    ------
    ModelError
        A network is not here, or cannot be used; on entering the pool, too.
    ConfigError
        An option is out of its range, or there is none of that name; or, on entering the pool, the options
        do not fit a network, or there is no room for so many processes.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = "birdnet-2.4",
        labels: models.Labels | Sequence[models.Labels] = None,
        *,
        workers: int | None = None,
        file_timeout_s: float | None = None,
        **options: object,
    ) -> None:
        workers = None if workers is None else whole("workers", workers, 1)
        check_timeout(file_timeout_s)
        self._models = models.find_all(model, labels)
        models.check_several(self._models)
        self._options = Options.of(options)  # rows are sent when asked for
        self._spaces = [one.class_names() for one in self._models]
        self._how = (workers, file_timeout_s)
        self._requests, self._ready = Requests(), Future[Sequence[dict[str, int]]]()
        self._crew: Crew | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Start the workers, and wait until one is ready."""
        self._requests.open()
        atexit.register(self.close)
        try:
            self._crew = Crew(self._models, self._options, *self._how)
            self._thread = Thread(target=self._dispatch, args=[self._crew], name="birdfast", daemon=True)
            self._thread.start()
            self._sizes = self._ready.result()
            self._spaces = [one.class_names() for one in self._models]  # the workers' own
            models.check_unchanged(self._models, self._crew.digests)
            for note in self._crew.notes:
                warnings.warn(note, RuntimeWarning, stacklevel=2)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def detect(self, sound: Sound, rate_hz: int | None = None) -> list[Detection]:
        """Return what is heard in a recording, or in sound that is already in memory.

        Parameters
        ----------
        sound : path or float32 [n]
            A file, or mono samples in -1..1: at most 1 GiB of them (93 minutes at 48 kHz).
        rate_hz : int
            The rate of samples in memory; a file knows its own.

        Returns
        -------
        list of Detection
            Model by model; by time, and the most confident first within a window.

        Raises
        ------
        AudioError
            The sound cannot be read to its end, is not finite, too long, or no mono array of floats.
        ModelError
            A network's scores are not finite; or the workers can no longer be started.
        WorkerError
            Two workers ended at the sound, one after the other.
        ConfigError
            The pool is not open.
        concurrent.futures.CancelledError
            `cancel` or `close` was called before the answer was there.

        The `detections` of the first three are what was heard up to there.
        """
        return self._ask(sound, rate_hz, tuple(range(len(self._models))), None)[1]

    def score(self, sound: Sound, rate_hz: int | None = None, model: str | None = None) -> Scored:
        """Return a network's outputs for all windows: what `Pipeline.score` yields, in one piece.

        Parameters
        ----------
        sound, rate_hz
            As `detect`.
        model : str or None
            The model's name; needed where there are several.

        Returns
        -------
        Scored
            `start_s`: float64 [n], seconds; `outputs`: "logits", float32 [n, n_classes], "logits:NAME" of
            each further label space, and "embedding", float32 [n, d], where the network has one to show;
            `channel`: the one that was heard.

        Raises
        ------
        AudioError, ModelError, WorkerError, concurrent.futures.CancelledError
            As `detect`.
        ConfigError
            The pool is not open; there is no model of that name, or there are several and none is named; or
            channels are each heard by themselves (`channel="each"`).
        """
        number, sizes = self._asked(model)
        kinds = ("logits", "embeddings") if sizes["embeddings"] else ("logits",)
        return self._ask(sound, rate_hz, (number,), kinds)[0].scored(sizes, self._spaces[number])

    def embed(self, sound: Sound, rate_hz: int | None = None, model: str | None = None) -> Float32:
        """Return the embedding of each window: float32 [n_windows, d]; arguments as `score`.

        Raises
        ------
        AudioError, ConfigError, WorkerError, concurrent.futures.CancelledError
            As `score`.
        ModelError
            As `score`; or the network has no embedding to show.
        """
        number, sizes = self._asked(model)
        answer, _ = self._ask(sound, rate_hz, (number,), ("embeddings",))
        return answer.rows("embeddings", sizes["embeddings"])[1]

    def cancel(self) -> None:
        """Abandon all that waits or is at work, within 2 s: who asked gets `CancelledError`.

        Workers that were at something are replaced, whatever they hang in; the pool can be asked at once.
        """
        stopped = self._requests.cancel()
        if self._crew is not None and not self._requests.are_closed:
            self._crew.wake()
            stopped.wait(PATIENCE_S)

    def close(self) -> None:
        """End the workers, within 2 s: whoever still waits gets `CancelledError`."""
        self._requests.close(ConfigError("the pool is closed"))
        atexit.unregister(self.close)
        if self._crew is not None and self._thread is not None and self._thread.is_alive():
            self._crew.wake()
            self._thread.join(PATIENCE_S)
            self._crew.kill()  # where it waits for one to end by itself
            self._thread.join(PATIENCE_S)

    def _asked(self, model: str | None) -> tuple[int, dict[str, int]]:
        """Return the number of a model by its name, and how wide its rows are."""
        check_one_channel(self._options)
        number = models.place_of([one.name for one in self._models], model)
        self._requests.check_open()
        return number, self._sizes[number]

    def _ask(
        self, sound: Sound, rate_hz: int | None, which: tuple[int, ...], kinds: tuple[str, ...] | None
    ) -> tuple[Answer, list[Detection]]:
        """Wait for what the workers say to a sound, and for its detections, unless rows are asked for."""
        ticket = self._requests.ticket()
        name, job = job_of(sound, rate_hz)
        request = self._requests.add(job._replace(models=which, kinds=kinds), ticket)
        assert self._crew is not None
        self._crew.wake()
        try:
            answer = request.answer.result()
        finally:
            self._requests.forget(request)  # nobody waits any more, as after an interrupt
        with warned(name, OUR_FRAMES + 1) as tell:
            answer.tell(tell)
        found = [] if kinds else answer.detections(self._models, self._spaces, samples.name_of(sound))
        answer.check(job.path, name, found)
        return answer, found

    def _dispatch(self, crew: Crew) -> None:
        """Give the workers what is asked for and take what they say, in a thread that the pool has for it."""
        try:
            with crew:
                while not self._requests.are_closed:
                    if cancels := self._requests.cancels():
                        crew.start_anew(self._requests)
                        for stopped in cancels:
                            stopped.set()
                    crew.turn(self._requests)
                    if crew.ready and not self._ready.done():
                        self._ready.set_result(crew.ready[0].sizes)
        except Exception as error:
            why = error if isinstance(error, BirdfastError) else WorkerError(f"the pool broke: {error!r}")
            self._requests.close(why, failed=True)
            if not self._ready.done():
                self._ready.set_exception(why)
        finally:
            self._ready.cancel()  # whoever closes a pool may not be who opens it

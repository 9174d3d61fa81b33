"""A transcript: what a listener writes down of one stretch, and what becomes of what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from time import thread_time
from typing import Any, TypeVar

from .. import audio, inputs
from ..arrays import Gathering, Rows
from ..errors import AudioError, ModelError
from ..outcomes import PART_BYTES, Detection, Failure, Heard, Outcome, Part, row
from ..scores import keeping
from .ear import Ear, Scored
from .listener import Listener
from .onepass import OnePass
from .stretches import Share

T = TypeVar("T")


class Transcript:
    """What one listener makes of a stretch: its own failure is its own, and the others hear on.

    Of every window it picks detections and keeps the scores and dense rows of the options; or, where `kinds`
    are asked for, it keeps those and picks nothing.
    """

    def __init__(
        self,
        path: str,
        stretch: int,
        listener: Listener,
        send: Callable[[Part], object],
        alive: Callable[[], object],
        kinds: Collection[str] | None,
        tell: Callable[[str], object],
    ) -> None:
        self.heard = Heard(listener.number)
        self.step_s = listener.grid.step_samples / listener.grid.rate_hz
        self.n_channels = 1
        self._path, self._listener, self._alive = path, listener, alive
        self._tell, self._told = tell, set[str]()
        self._picks = kinds is None
        self._kinds = listener.widths if kinds is None else kinds
        widths = {kind: listener.sizes[kind] for kind in self._kinds}
        self._dense = Sender(listener.number, stretch, widths, send)
        self._packing = keeping.Packing(listener.sizes["scores"])
        self._keeps = self._picks and bool(listener.options.keeps)
        self._found: list[Rows] = []
        if self._keeps:
            self.heard.kept = keeping.told(listener.keepings)

    def open(self, recording: audio.Recording) -> None:
        """Take note of what is known of the recording before it is heard."""
        grid = self._listener.grid
        self.step_s = grid.step_samples / recording.pace.clock_hz(grid.rate_hz)
        self.n_channels = len(recording.channels)

    def take(self, batches: Iterator[Scored]) -> None:
        """Write down what is in batches of windows, so long as nothing went wrong."""
        if self.heard.failure is not None:
            return
        try:
            for scored in batches:
                if self._picks:
                    kept = self._listener.kept(scored)
                    self._found.append(self._listener.pick(kept))
                    if self._keeps:
                        self._dense.send(keeping.KIND, self._packing.add(kept))
                self._dense.add(self._listener.dense(scored, self._kinds))
                self.heard.n_windows += len(scored.start_s)
                self._remark(self._listener.remark(scored))
                self._alive()
        except (ModelError, MemoryError) as error:
            self.heard.failure = failure_of(self._path, error, self._listener.model.name)

    def _remark(self, remark: str) -> None:
        if remark and remark not in self._told:
            self._told.add(remark)
            self._tell(remark)

    def finish(self) -> Heard:
        """Put together what was found, and return it."""
        self._dense.end()
        self._dense.send(keeping.KIND, self._packing.rest())
        self.heard.n_parts = self._dense.n_parts
        self.heard.detections = keeping.in_time(self._found)
        return self.heard

    def heard_s(self) -> float:
        """Return the seconds from the stretch's start to that of the first window that was not heard."""
        return self.heard.n_windows * self.step_s / self.n_channels

    def covered_s(self, recording: audio.Recording, share: Share) -> float:
        """Return the seconds that a stretch adds to the sound analysed: up to the next one's start."""
        end_s = share.first * self.step_s + self.heard_s()
        n_frames = recording.n_decoded if recording.n_frames is None else recording.n_frames
        if n_frames is not None:  # its last windows may be longer than the sound
            end_s = min(end_s, n_frames / recording.rate_hz)
        return end_s - share.first * self.step_s


def covered_s(
    transcripts: Sequence[Transcript], recording: audio.Recording, shares: Sequence[Share]
) -> float:
    """Return the seconds that a stretch adds to the sound analysed.

    Models' stretches begin at other times, so one model tells for all stretches: of those that hear, that
    whose windows follow one another soonest.
    """
    hearing = [one for one in zip(transcripts, shares, strict=True) if one[0].heard.failure is None]
    if not hearing:
        return max(transcript.heard_s() for transcript in transcripts)
    transcript, share = min(hearing, key=lambda one: one[0].step_s)
    return transcript.covered_s(recording, share)


class Sender:
    """Sends the scores and dense rows of a stretch on, in parts of bounded size."""

    def __init__(
        self, model: int, stretch: int, widths: Mapping[str, int], send: Callable[[Part], object]
    ) -> None:
        self._model, self._stretch, self._send, self.n_parts = model, stretch, send, 0
        self._gathering = {kind: Gathering(row(width), PART_BYTES) for kind, width in widths.items()}

    def add(self, dense: Mapping[str, Rows]) -> None:
        """Take a batch's rows by kind."""
        for kind, rows in dense.items():
            self.send(kind, (full.tobytes() for full in self._gathering[kind].add(rows)))

    def end(self) -> None:
        """Send what is left."""
        for kind, gathering in self._gathering.items():
            self.send(kind, (rows.tobytes() for rows in gathering.rest()))

    def send(self, kind: str, parts: Iterator[bytes]) -> None:
        """Send parts that are full."""
        for part in parts:
            self._send(Part(self._model, self._stretch, self.n_parts, kind, part))
            self.n_parts += 1


def hear(passing: OnePass, transcripts: Sequence[Transcript], outcome: Outcome) -> None:
    """Give every listener the sound, unless all have failed; what went wrong with the sound is raised."""
    try:
        for place, batches in _timed(passing.scored(), outcome):
            transcripts[place.listener].take(batches)
            if passing.failure is None and all(one.heard.failure is not None for one in transcripts):
                break
    finally:
        for listener, ear in passing.places:
            count(transcripts, outcome, listener, ear)


def count(
    transcripts: Mapping[T, Transcript] | Sequence[Transcript], outcome: Outcome, listener: Any, ear: Ear
) -> None:
    """Take how long an ear took, for whom of the transcripts it heard."""
    transcripts[listener].heard.network_s += ear.network_s
    outcome.reading_s += ear.preparing_s


def failure_of(path: str, error: Exception, model: str = "") -> Failure:
    """Return what is told of an error: the sound's, or that of the model of that name."""
    stage = "audio" if isinstance(error, AudioError) else "network"
    return Failure(path, stage, type(error).__name__, str(error), inputs.size_bytes(path), model=model)


def complete(outcome: Outcome) -> None:
    """Add what is known of the recording to the failures."""
    known: dict[str, Any] = {"rate_hz": outcome.rate_hz, "duration_s": outcome.duration_s}
    if outcome.failure is not None:
        outcome.failure = outcome.failure._replace(**known)
    for heard in outcome.heard:
        if heard.failure is not None:
            heard.failure = heard.failure._replace(**known)


def in_order(found: Sequence[Sequence[Detection]]) -> list[Detection]:
    """Return what each model heard as one list: model by model, each in time."""
    return [detection for one in found for detection in sorted(one, key=lambda row: row.start_s)]


def _timed(blocks: Iterator[T], outcome: Outcome) -> Iterator[T]:
    """Pass blocks on and add up the CPU time that making them takes."""
    while True:
        began_s = thread_time()
        try:
            block = next(blocks, None)
        finally:
            outcome.reading_s += thread_time() - began_s
        if block is None:
            return
        yield block

"""Learning: the face of every training, so that what holds out, judges, tells and writes serves all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from ..arrays import Bools, Float32, Int64
from ..modelfolder import Arrays
from .recordings import Clip


class Heard(Protocol):
    """Windows of clips, to learn from or to test on.

    Attributes
    ----------
    targets : bool [n, n_classes]
    clip : int64 [n]
        The number of the clip that each is of.
    """

    targets: Bools
    clip: Int64

    @property
    def n_variants(self) -> int:
        """How many stand beside each other for one window of sound."""


class Learning(Protocol):
    """A training: `stages.Training` of tokens, `heads.HeadTraining` of a head on a network.

    Attributes
    ----------
    clips : sequence of Clip
        With labels, or as background.
    classes : sequence of str
    recipe : Recipe or HeadRecipe
    seed : int
    keep : path or None
        Where its stages keep what they find.
    failures, remarks : dict
        Clips that were left out, and why; and what is to be known of others.
    """

    clips: Sequence[Clip]
    classes: Sequence[str]
    recipe: Any
    seed: int
    keep: Path | None
    failures: dict[str, str]
    remarks: dict[str, None]

    @property
    def unlabelled(self) -> Sequence[Clip]:
        """What is heard beside the clips."""
        ...

    @property
    def say(self) -> Callable[[str], None]:
        """What gets a line at each step."""
        ...

    @property
    def stages(self) -> tuple[str, ...]:
        """What it goes through."""
        ...

    @property
    def softmax(self) -> bool:
        """Whether the model's classes exclude each other."""
        ...

    @property
    def window_s(self) -> float:
        """Seconds of a window."""
        ...

    @property
    def step_s(self) -> float:
        """Seconds from one window to the next."""
        ...

    def without(self, clips: Sequence[Clip]) -> Self:
        """Return the training that hears nothing of clips, nor of what belongs together with them."""
        ...

    def model(self) -> Arrays:
        """Learn; return all arrays of the model."""
        ...

    def examples(self, found: Arrays, clips: Sequence[Clip]) -> Any:
        """Return the windows of clips as a model with these arrays hears them: `Heard`."""
        ...

    def logits(self, examples: Any, arrays: Arrays) -> Float32:
        """Return a model's logits for windows of sound: [n, n_classes]; of a softmax, its logarithms."""
        ...

    def write(self, folder: Path, arrays: Arrays, title: str) -> None:
        """Write the model's folder."""
        ...

"""Heads on networks: a classifier of a network's embeddings, learnt from clips as every model is.

A training of a head has the face of `stages.Training`, so that whatever holds out, judges, calibrates or
writes serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from .. import bars, modelfolder
from ..arrays import Bools, Float32, Int64
from ..classifier import Classifier
from ..errors import ConfigError
from ..modelfolder import Arrays
from . import calibration, choosing, groups, head, innerfolds, standardized
from .clock import STAGES
from .embeddings import EmbeddingStore
from .headrecipe import HeadRecipe
from .healed import finder
from .keep import Keep, run_of, silent
from .reader import each
from .recordings import Clip, check_different
from .sheets import Sheet


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of clips as a network hears them; what else learns and tests has in `examples.Examples`.

    Attributes
    ----------
    values : float32 [n, n_values]
        Their embeddings.
    targets : bool [n, n_classes]
    clip : int64 [n]
        The number of the clip that each is of.
    n_variants : int
        1: they are as they are.
    """

    values: Float32
    targets: Bools
    clip: Int64
    n_variants: int = 1

    def __len__(self) -> int:
        return len(self.clip)


@dataclass
class HeadTraining:
    """A head's recipe at work on clips; parameters and attributes as `stages.Training`.

    Parameters
    ----------
    recipe : HeadRecipe
    clips : sequence of Clip
    classes : sequence of str
    exclusive : bool
    store : EmbeddingStore
        What has their embeddings; trainings on one network share it.
    seed, n_workers, keep, say, bar
        Threads ask the network; each has a session of its own.

    Raises
    ------
    ConfigError
        There is nothing to tell apart.
    """

    recipe: HeadRecipe
    clips: Sequence[Clip]
    classes: Sequence[str]
    exclusive: bool
    store: EmbeddingStore
    seed: int = 0
    n_workers: int = 1
    keep: Path | None = None
    say: Callable[[str], None] = silent
    bar: bool = False
    failures: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)

    unlabelled = ()  # recordings without labels tell a head nothing
    stages = STAGES[1:]

    def __post_init__(self) -> None:
        check_different(self.clips)

    def without(self, clips: Sequence[Clip]) -> Self:
        """Return the training that hears nothing of clips, nor of what belongs together with them."""
        (kept,) = groups.apart(clips, self.clips, n_workers=self.n_workers, bar=self.bar)
        return replace(self, clips=kept, keep=None, failures={}, remarks={})

    @property
    def softmax(self) -> bool:
        """Whether the model's classes exclude each other."""
        return self.exclusive

    @property
    def window_s(self) -> float:
        """Seconds of a window."""
        return self.store.network.window_s

    @property
    def step_s(self) -> float:
        """Seconds from one window to the next."""
        return self.store.network.step_s

    def model(self, *, again: bool = False) -> Arrays:
        """Ask the network for what is not known of the clips, and train; return the head's layers."""
        if self.keep is None:
            return self._train()
        kept = Keep(
            self.keep,
            self.failures,
            self.remarks,
            self.say,
            finder(self.clips, self.store.of, self.n_workers),
        )
        tables = {**self.recipe.as_dict(), "network": self.store.network.identity}
        run = run_of(
            "head",
            self.seed,
            self.clips,
            (),
            {**tables, "classes": list(self.classes), "softmax": self.softmax},
        )
        return kept.found("head", run, self._train, again)

    def examples(self, arrays: Arrays | None = None, clips: Sequence[Clip] | None = None) -> Windows:
        """Return the windows of clips, by default of those to learn from; a head's arrays do not matter.

        Raises
        ------
        ConfigError
            No clip can be read, or the network has no window of any.
        OSError
            The disk takes no more.
        """
        is_learning, clips = clips is None, self.clips if clips is None else clips
        tell, number, sheet = self.remarks.setdefault, list[int](), Sheet(self.keep)
        self.store.open()
        try:
            work = partial(self.store.of, tell=tell)
            for clip, rows in each(clips, work, self.failures, n_workers=self.n_workers, bar=self.bar):
                if is_learning:
                    rows = rows[np.isfinite(rows).all(axis=1)]  # of silence, some networks say no numbers
                sheet.add(rows)
                number += [clip] * len(rows)
        finally:
            self.store.flush()
        if not number:
            left_out = all(clip.name in self.failures for clip in clips)
            why = "no recording can be read" if left_out else "of none does the network say anything"
            raise ConfigError(f"{why}: there is nothing to learn from")
        targets = np.array([[name in clip.labels for name in self.classes] for clip in clips])
        return Windows(sheet.values(), targets[number], np.array(number))

    def logits(self, examples: Windows, arrays: Arrays) -> Float32:
        """Return a head's logits for windows: [n_windows, n_classes]; of a softmax, its logarithms."""
        is_known = np.isfinite(examples.values).all(axis=1)
        found = np.full((len(examples), len(self.classes)), head.NEVER, np.float32)
        found[is_known] = Classifier.of(arrays).logits(examples.values[is_known])
        return found - np.logaddexp.reduce(found, axis=1, keepdims=True) if self.softmax else found

    def write(self, folder: Path, arrays: Arrays, title: str) -> None:
        """Write the model's folder."""
        network = self.store.network
        facts = {
            "title": title,
            "licence": f"as its trainer says; {network.licence}",
            "activation": "softmax" if self.softmax else "sigmoid",
            "classes": list(self.classes),
            **network.told_from(folder),
            "seed": self.seed,
            **choosing.told(self.recipe, arrays),
            **calibration.told(arrays, self.classes),
        }
        plain = choosing.without(calibration.without(arrays))
        modelfolder.write(folder, facts, plain, modelfolder.HEAD)

    def _train(self) -> Arrays:
        with bars.stage("embedding"):
            examples = self.examples()
        with bars.stage("head"):
            return self._train_on(examples)

    def _train_on(self, examples: Windows) -> Arrays:
        for line in head.told(examples.targets, self.classes):
            self.say(line)
        values, sizes = examples.values, self.store.network.sizes
        within = innerfolds.of_clips(self.clips, self.recipe.head.folds, self.seed, self.n_workers)
        what = calibration.Windows(values, examples.targets, within[examples.clip], values)
        fit = partial(standardized.fit, exclusive=self.softmax, seed=self.seed, sizes=sizes)
        found = choosing.learn(what, self.softmax, fit, self.recipe)
        for line in choosing.in_words(self.recipe, found):
            self.say(line)
        return found

"""The three stages of a training: codebook, embedding, head; each leaves what the next one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from .. import bars, modelfolder
from ..arrays import Float32
from ..errors import ConfigError, ModelError
from ..keyedvectors import KeyedVectors
from ..modelfolder import Arrays
from ..stsg.compiled import named
from ..stsg.pooling import averaged
from . import (
    background,
    calibration,
    codebooks,
    evaluation,
    groups,
    head,
    innerfolds,
    mixes,
    pooling,
    skipgram,
)
from .bands import BandStore
from .clock import STAGES
from .examples import Examples
from .healed import finder
from .keep import Keep, Run, forget, run_of, silent
from .mixes import Mix
from .reader import Reader
from .recipe import Recipe
from .recordings import Clip, check_different

OF_CODEBOOK = ("window_s", "mixes", "frontend", "streams", "codebook", "n_unlabelled")  # what decides it
OF_EMBEDDING = (*OF_CODEBOOK, "skipgram")


@dataclass
class Training:
    """A recipe at work on clips.

    Parameters
    ----------
    recipe : Recipe
    clips : sequence of Clip
        Those with labels, and background without.
    unlabelled : sequence of Clip
        Recordings for the codebook and the embeddings alone.
    classes : sequence of str
    exclusive : bool
        Whether every clip has one class, of all that there are, held out or not: the model is then a softmax
        over the classes, unless the recipe mixes them; otherwise a sigmoid for each.
    seed : int
    n_workers : int
        Threads that read recordings and look for centroids; the skip-gram has one, so that a seed repeats.
    keep : path, optional
        A folder where each stage's result is kept and found again.
    say : callable
        Gets a line at each step.
    bar : bool
        Show how far a step is, on a terminal.
    centroids : float32 [n_centroids, n_values], optional
        A codebook from elsewhere, of the recipe's frames without a whitening; none is looked for.
    vectors : KeyedVectors, optional
        Embeddings from elsewhere, by token; none are learnt.
    store : BandStore, optional
        What reads the clips, each once; trainings with the same recipe may share it.

    Attributes
    ----------
    failures : dict of str to str
        Clips that could not be read, by name, and why; they are left out.
    remarks : dict of str to None
        What is to be known of those that were read: repaired, lost inside, mixed to near silence.

    Raises
    ------
    ConfigError
        All clips have the same labels, or there are none: there is nothing to tell apart.
    """

    recipe: Recipe
    clips: Sequence[Clip]
    unlabelled: Sequence[Clip]
    classes: Sequence[str]
    exclusive: bool
    seed: int = 0
    n_workers: int = 1
    keep: Path | None = None
    say: Callable[[str], None] = silent
    bar: bool = False
    centroids: Float32 | None = None
    vectors: KeyedVectors | None = None
    store: BandStore = field(default=None, repr=False)  # type: ignore[assignment]
    failures: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    stages = STAGES

    def __post_init__(self) -> None:
        if self.store is None or not self.store.is_of(self.recipe.frontend, self.recipe.window_s):
            self.store = BandStore(self.recipe.frontend, self.recipe.window_s)
        check_different(self.clips)

    def without(self, clips: Sequence[Clip]) -> Self:
        """Return the training that hears nothing of clips, nor of what belongs together with them."""
        others = (self.clips, self.unlabelled)
        kept, unlabelled = groups.apart(clips, *others, n_workers=self.n_workers, bar=self.bar)
        return replace(self, clips=kept, unlabelled=unlabelled, keep=None, failures={}, remarks={})

    @property
    def softmax(self) -> bool:
        """Whether the model's classes exclude each other."""
        return self.exclusive and not self.recipe.mixes.wanted

    @property
    def labelled(self) -> list[Clip | Mix]:
        """The clips, and mixes of them."""
        return [*self.clips, *mixes.make(self.clips, self.recipe.mixes, self.seed)]

    @property
    def heard(self) -> list[background.Heard]:
        """What the head learns from: these, and clips' quiet parts, if they are to be its background."""
        return [*self.labelled, *background.quiets(self.clips, self.classes, self.recipe, self.seed)]

    @property
    def everything(self) -> list[Clip | Mix]:
        """What codebook and embeddings learn from."""
        return [*self.labelled, *self.unlabelled]

    def codebook(self, *, again: bool = False) -> Arrays:
        """Find each stream's whitening, if the recipe wants one, and its centroids."""
        return self._stage("codebook", OF_CODEBOOK, self._find_codebooks, again)

    def embedding(self, found: Arrays, *, again: bool = False) -> Arrays:
        """Learn the tokens' embeddings."""
        return self._stage("embedding", OF_EMBEDDING, lambda: self._learn_all_embeddings(found), again)

    def head(self, found: Arrays, embeddings: Arrays, *, again: bool = False) -> Arrays:
        """Train the classifier; return its layers and the pooling's tables."""
        tables = (*self.recipe.as_dict(), "n_unlabelled", "classes", "softmax")
        each = [embeddings[named("embeddings", number)] for number in range(len(self.recipe.front_ends))]
        return self._stage("head", tables, lambda: self._train_head(found, each), again)

    @property
    def window_s(self) -> float:
        """Seconds of a window, and from one to the next."""
        return self.recipe.window_s

    step_s = window_s

    def examples(self, found: Arrays, clips: Sequence[background.Heard] | None = None) -> Examples:
        """Return the windows of clips as a model hears them, by default of those to learn from, varied."""
        variants = self.recipe.variants if self.recipe.pooling.averaged or clips is None else ()
        return self._reader(found).examples(self.heard if clips is None else clips, self.classes, variants)

    def logits(self, examples: Examples, arrays: Arrays) -> Float32:
        """Return a model's logits for windows of sound, see `evaluation.logits`."""
        return evaluation.logits(examples, self.recipe.pooling, arrays, exclusive=self.softmax)

    def model(self) -> Arrays:
        """Go through all stages; return all arrays of the model."""
        embeddings = self.embedding(found := self.codebook())
        return {**found, **embeddings, **self.head(found, embeddings)}

    def write(self, folder: Path, arrays: Arrays, title: str) -> None:
        """Write the model's folder."""
        recipe = self.recipe.as_dict()
        facts = {
            **{"title": title, "licence": "as its trainer says"},
            "activation": "softmax" if self.softmax else "sigmoid",
            "window_s": self.recipe.window_s,
            "classes": list(self.classes),
            "seed": self.seed,
            **{name: recipe[name] for name in ("frontend", "pooling")},
            **{name: list(recipe[name]) for name in ("streams", "variants") if recipe[name]},
            "training": {name: recipe[name] for name in ("mixes", "codebook", "skipgram", "head")},
            **calibration.told(arrays, self.classes),
        }
        modelfolder.write(folder, facts, calibration.without(arrays))

    def _find_codebooks(self) -> Arrays:
        if self.centroids is not None:
            return codebooks.fitting(self.centroids, self.recipe, self._reader({}))
        what, how = (self.recipe, self._reader, self.everything), (self.seed, self.n_workers)
        return codebooks.find(*what, *how, say=self.say)

    def _learn_all_embeddings(self, found: Arrays) -> Arrays:
        numbers = range(len(self.recipe.front_ends))
        return {named("embeddings", number): self._learn_embeddings(found, number) for number in numbers}

    def _learn_embeddings(self, found: Arrays, number: int) -> Float32:
        n_tokens, choice = len(found[named("centroids", number)]), self.recipe.skipgram
        if self.vectors is not None:
            if len(self.recipe.front_ends) > 1:
                raise ConfigError("embeddings from elsewhere are of one stream; the recipe has several")
            return self.vectors.by_token(n_tokens)
        sentences = self._reader(found).sentences(self.everything, number)
        self.say(f"embeddings: {sum(map(len, sentences)):,} tokens, {choice.epochs} epochs")
        kept, run = self._kept(), self._run(named("skipgram", number), OF_EMBEDDING)
        interrupted = None if kept is None else kept.interrupted("skipgram", run)
        options: dict[str, Any] = asdict(choice) | {"seed": self.seed}
        options |= {"progress": self._tell_epoch, "checkpoint": interrupted}
        learn = partial(skipgram.train, sentences, n_tokens, **options)
        try:
            learnt = learn()
        except ModelError as error:
            self.say(f"embeddings: learnt anew, as {error}")
            forget(interrupted)
            learnt = learn()
        forget(interrupted)
        return learnt

    def _train_head(self, found: Arrays, embeddings: Sequence[Float32]) -> Arrays:
        examples = self.examples(found)
        pooler = pooling.fit(self.recipe.pooling, embeddings, examples)
        for line in head.told(examples.targets, self.classes):
            self.say(line)
        values, choice, n = examples.each(pooler), self.recipe.head, examples.n_variants
        within = innerfolds.of_clips(self.heard, choice.folds, self.seed, self.n_workers)
        asked = averaged(values, n) if self.recipe.pooling.averaged else values[::n]
        fit = partial(head.fit, exclusive=self.softmax, head=choice, seed=self.seed)
        what = calibration.Windows(values, examples.targets, within[examples.clip], asked)
        return pooler.tables | calibration.learn(what, self.softmax, fit, choice)

    def _reader(self, found: Arrays) -> Reader:
        return Reader(self.recipe, found, self.store, self.failures, self.remarks, self.n_workers, self.bar)

    def _stage(self, name: str, tables: Iterable[str], work: Callable[[], Arrays], again: bool) -> Arrays:
        kept, timed = self._kept(), bars.told(name, work)
        return timed() if kept is None else kept.found(name, self._run(name, tables), timed, again)

    def _kept(self) -> Keep | None:
        healed = finder([*self.clips, *self.unlabelled], self.store.of, self.n_workers)
        return None if self.keep is None else Keep(self.keep, self.failures, self.remarks, self.say, healed)

    def _run(self, name: str, tables: Iterable[str]) -> Run:
        known = self.recipe.as_dict() | {"classes": list(self.classes), "softmax": self.softmax}
        clips, known["n_unlabelled"] = [*self.clips, *self.unlabelled], len(self.unlabelled)
        given = (self.centroids, None if self.vectors is None else self.vectors.vectors)
        return run_of(name, self.seed, clips, given, {table: known[table] for table in tables})

    def _tell_epoch(self, epoch: skipgram.Epoch) -> None:
        if epoch.number in (1, epoch.of) or epoch.number % 10 == 0:
            self.say(f"embeddings: epoch {epoch.number} of {epoch.of}, loss {epoch.loss:.4f}")

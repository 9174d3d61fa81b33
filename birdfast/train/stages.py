"""The three stages of a training: codebook, embedding, head; each leaves what the next one needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import modelfolder, windows
from ..classifier import Classifier, Layer
from ..errors import ConfigError
from ..keyedvectors import KeyedVectors
from ..sessions import stsg
from ..sessions.tokenizer import Tokenizer
from ..tokens import Codebook
from . import checkpoint, head, recordings, skipgram, whitening
from . import codebook as kmeans
from .recipe import Recipe
from .recordings import Clip

Float32 = NDArray[np.float32]
Arrays = dict[str, NDArray[Any]]
Result = TypeVar("Result")
STAGES = ("codebook", "embedding", "head")


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Examples:
    """Windows: counts [n, n_tokens], statistics [n, 3 n_bands], targets [n, n_classes], clip [n]."""

    counts: Float32
    statistics: Float32
    targets: NDArray[np.bool_]
    clip: NDArray[np.int64]


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

    Attributes
    ----------
    failures : dict of str to str
        Recordings that could not be read, and why; they are left out.
    """

    recipe: Recipe
    clips: Sequence[Clip]
    unlabelled: Sequence[Clip]
    classes: Sequence[str]
    seed: int = 0
    n_workers: int = 1
    keep: Path | None = None
    say: Callable[[str], None] = _silent
    bar: bool = False
    centroids: Float32 | None = None
    vectors: KeyedVectors | None = None
    failures: dict[str, str] = field(default_factory=dict)

    def codebook(self, *, again: bool = False) -> Arrays:
        """Find the whitening, if the recipe wants one, and the centroids."""
        return self._stage("codebook", ("frontend", "codebook"), self._find_codebook, again)

    def embedding(self, found: Arrays, *, again: bool = False) -> Arrays:
        """Learn the tokens' embeddings."""

        tables = ("frontend", "codebook", "skipgram")

        def learn() -> Arrays:
            if self.vectors is not None:
                return {"embeddings": self.vectors.by_token(len(found["centroids"]))}
            choice = self.recipe.skipgram
            sentences = self.sentences(found)
            self.say(f"embeddings: {sum(map(len, sentences)):,} tokens, {choice.epochs} epochs")
            options = asdict(choice) | {"seed": self.seed}
            told = json.dumps(self._run("skipgram", tables)).encode()
            interrupted = self.keep and self.keep / f"skipgram-{_digest(told)}.npz"
            learnt = skipgram.train(
                sentences,
                len(found["centroids"]),
                progress=self._tell_epoch,
                checkpoint=interrupted,
                **options,
            )
            if interrupted:
                interrupted.unlink(missing_ok=True)
            return {"embeddings": learnt}

        return self._stage("embedding", tables, learn, again)

    def head(self, found: Arrays, embeddings: Arrays, *, again: bool = False) -> Arrays:
        """Train the classifier; return its layers and the pooling's tables."""

        def train() -> Arrays:
            examples = self.examples(found)
            pooling = self.recipe.pooling
            pooler = stsg.Pooler.fitted(
                pooling, embeddings["embeddings"], examples.counts, examples.statistics
            )
            values = pooler(examples.counts, examples.statistics)
            self.say(f"head: {len(values):,} windows of {len(self.classes):,} classes")
            layers = head.fit(values, examples.targets, self.recipe.head, self.seed)
            tables = pooler.tables
            for number, layer in enumerate(layers):
                tables |= {f"layer{number}_weight": layer.weight, f"layer{number}_bias": layer.bias}
            return tables

        return self._stage("head", tuple(self.recipe.as_dict()), train, again)

    def sentences(self, found: Arrays) -> list[NDArray[np.int32]]:
        """Return each recording's tokens."""
        tokenizer, book = self._tokenizer(found), Codebook(found["centroids"])

        def tokens(clip: Clip) -> NDArray[np.int32]:
            parts = tokenizer.stream(clip.blocks(self.recipe.frontend.rate_hz))
            return np.concatenate([np.zeros(0, np.int32), *(book.assign(part) for part in parts)])

        return [one for _, one in self._each([*self.clips, *self.unlabelled], tokens)]

    def examples(self, found: Arrays, clips: Sequence[Clip] | None = None) -> Examples:
        """Return the windows of clips, by default of those to learn from."""
        tokenizer, book = self._tokenizer(found), Codebook(found["centroids"])
        clips = self.clips if clips is None else clips
        rate_hz = self.recipe.frontend.rate_hz
        length = round(self.recipe.window_s * rate_hz)
        grid = windows.Grid(rate_hz, length, length, "min-1s")

        def describe(clip: Clip) -> list[stsg.Window]:
            cut = windows.cut(clip.blocks(rate_hz), grid, None, 1)
            nearest = self.recipe.pooling.n_nearest
            return [stsg.describe(window.copy(), tokenizer, book, nearest) for (window,) in cut]

        described = [(number, window) for number, some in self._each(clips, describe) for window in some]
        if not described:
            raise ConfigError("no recording can be read: there is nothing to learn from")
        return Examples(
            np.stack([window.counts for _, window in described]),
            np.stack([window.statistics for _, window in described]),
            np.array([[name in clips[number].labels for name in self.classes] for number, _ in described]),
            np.array([number for number, _ in described]),
        )

    def scores(self, arrays: Arrays, clips: Sequence[Clip]) -> tuple[Float32, NDArray[np.bool_]]:
        """Return a model's mean logits for clips, and their labels: [n, n_classes] each."""
        examples = self.examples(arrays, clips)
        pooler = stsg.Pooler(self.recipe.pooling, arrays)
        n_layers = sum(name.endswith("_weight") for name in arrays)
        layers = [Layer(arrays[f"layer{i}_weight"], arrays[f"layer{i}_bias"]) for i in range(n_layers)]
        logits = Classifier(layers).logits(pooler(examples.counts, examples.statistics))
        logits = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True) if self.exclusive else logits
        there, first, number = np.unique(examples.clip, return_index=True, return_inverse=True)
        means = np.zeros((len(there), len(self.classes)), np.float32)
        np.add.at(means, number, logits / np.bincount(number)[number, np.newaxis].astype(np.float32))
        return means, examples.targets[first]

    @property
    def exclusive(self) -> bool:
        """Whether each clip has one label."""
        return all(len(clip.labels) == 1 for clip in self.clips)

    def model(self) -> Arrays:
        """Go through all stages; return all arrays of the model."""
        found = self.codebook()
        embeddings = self.embedding(found)
        return {**found, **embeddings, **self.head(found, embeddings)}

    def write(self, folder: Path, arrays: Arrays, title: str) -> None:
        """Write the model's folder."""
        recipe = self.recipe.as_dict()
        facts = {
            "title": title,
            "licence": "as its trainer says",
            "activation": "softmax" if self.exclusive else "sigmoid",
            "window_s": self.recipe.window_s,
            "classes": list(self.classes),
            "seed": self.seed,
            **{name: recipe[name] for name in ("frontend", "pooling")},
            "training": {name: recipe[name] for name in ("codebook", "skipgram", "head")},
        }
        modelfolder.write(folder, facts, arrays)

    def _find_codebook(self) -> Arrays:
        if self.centroids is not None:
            return {"centroids": self._fitting(self.centroids)}
        choice, found = self.recipe.codebook, Arrays()
        everything = [*self.clips, *self.unlabelled]
        clips = everything[: max(1, round(len(everything) * choice.recordings_share))]
        if choice.n_components:
            self.say(f"whitening: {len(clips):,} recordings")
            plain = Tokenizer(self.recipe.frontend)
            patches = (part for parts in self._patches(plain, clips) for part in parts)
            mean, projection = whitening.fit(patches, choice.n_components)
            found |= {"mean": mean, "projection": projection}
        frames = self._frames(self._tokenizer(found), clips)
        n_centroids = min(choice.n_centroids, len(frames))
        if n_centroids < choice.n_centroids:
            self.say(f"codebook: {n_centroids:,} centroids, as there are no more frames")
        self.say(f"codebook: {n_centroids:,} centroids of {len(frames):,} frames")
        book = kmeans.fit(
            frames, n_centroids, n_iterations=choice.n_iterations, seed=self.seed, n_workers=self.n_workers
        )
        return {**found, "centroids": book.centroids}

    def _fitting(self, centroids: Float32) -> Float32:
        """Return centroids from elsewhere if they are of the frames that the recipe makes."""
        if self.recipe.codebook.n_components:
            raise ConfigError(
                "a codebook from elsewhere has no whitening: the recipe's codebook.n_components must be 0"
            )
        wanted = self._tokenizer({}).n_values
        if centroids.shape[1] != wanted:
            raise ConfigError(f"centroids of {centroids.shape[1]} values, and frames of {wanted}")
        return centroids

    def _patches(self, tokenizer: Tokenizer, clips: Sequence[Clip]) -> Iterator[list[Float32]]:
        def patches(clip: Clip) -> list[Float32]:
            blocks = clip.blocks(tokenizer.front_end.rate_hz)
            return [tokenizer.patches(tokenizer.bands(block)) for block in blocks]

        return (parts for _, parts in self._each(clips, patches))

    def _frames(self, tokenizer: Tokenizer, clips: Sequence[Clip]) -> Float32:
        """Return the frames for the codebook: all, or evenly spread ones of each recording."""
        quota = max(1, self.recipe.codebook.max_frames // len(clips))

        def frames(clip: Clip) -> Float32:
            parts = list(tokenizer.stream(clip.blocks(tokenizer.front_end.rate_hz)))
            found: Float32 = np.concatenate([np.zeros((0, tokenizer.n_values), np.float32), *parts])
            return found[:: max(1, -(-len(found) // quota))]

        none = np.zeros((0, tokenizer.n_values), np.float32)
        found: Float32 = np.concatenate([none, *(part for _, part in self._each(clips, frames))])
        if len(found) == 0:
            raise ConfigError("no frames to learn from: the recordings are all shorter than one")
        return found

    def _tokenizer(self, found: Arrays) -> Tokenizer:
        return Tokenizer(self.recipe.frontend, found.get("mean"), found.get("projection"))

    def _each(self, clips: Sequence[Clip], work: Callable[[Clip], Result]) -> Iterator[tuple[int, Result]]:
        return recordings.each(clips, work, self.failures, n_workers=self.n_workers, bar=self.bar)

    def _stage(self, name: str, tables: Iterable[str], work: Callable[[], Arrays], again: bool) -> Arrays:
        """Return what a stage found before for the same recipe and recordings, or let it work."""
        if self.keep is None:
            return work()
        run, path = self._run(name, tables), self.keep / f"{name}.npz"
        if path.exists() and not again:
            try:
                return checkpoint.read(path, run)
            except ConfigError:
                self.say(f"{name}: the recipe or the recordings are not those of before")
        self.keep.mkdir(parents=True, exist_ok=True)
        found = work()
        checkpoint.write(path, run, found)
        return found

    def _run(self, name: str, tables: Iterable[str]) -> dict[str, Any]:
        """Tell what a stage's result depends on."""
        recipe = self.recipe.as_dict()
        everything = [*self.clips, *self.unlabelled]
        told = [(*asdict(clip).values(), *_state(clip.path)) for clip in everything]
        run = {table: json.dumps(recipe[table], sort_keys=True) for table in tables}
        read = _digest(json.dumps(told).encode())
        given = [array is not None and _digest(array.tobytes()) for array in self._given()]
        return {"what": name, "seed": self.seed, "recordings": read, "given": given, **run}

    def _given(self) -> tuple[Float32 | None, Float32 | None]:
        return self.centroids, None if self.vectors is None else self.vectors.vectors

    def _tell_epoch(self, epoch: skipgram.Epoch) -> None:
        if epoch.number in (1, epoch.of) or epoch.number % 10 == 0:
            self.say(f"embeddings: epoch {epoch.number} of {epoch.of}, loss {epoch.loss:.4f}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _state(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns

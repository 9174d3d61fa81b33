"""Skip-gram through gensim, which would cut a sentence at 10,000 tokens: ours here are shorter."""

from importlib.util import find_spec
from time import perf_counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

VOCABULARY = 16_383

Tokens = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]


class Learnt(NamedTuple):
    """Embeddings, zeros for tokens never seen, and how long the epochs alone took."""

    embeddings: Float32
    seconds: float


def is_here() -> bool:
    """Say whether gensim is installed."""
    return find_spec("gensim") is not None


def gensim(sentences: list[Tokens], n_workers: int = 1, seed: int = 0, **options: float) -> Learnt:
    """Learn with gensim; `options` are ours: dim, window, negatives, subsample, epochs."""
    from gensim.models import Word2Vec

    words = [[str(token) for token in sentence] for sentence in sentences]
    model = Word2Vec(
        sg=1,
        vector_size=options["dim"],
        window=options["window"],
        negative=options["negatives"],
        sample=options["subsample"],
        epochs=options["epochs"],
        min_alpha=1e-4,
        min_count=1,
        workers=n_workers,
        seed=seed + 1,
    )
    model.build_vocab(words)
    began = perf_counter()
    model.train(words, total_examples=len(words), epochs=model.epochs)
    seconds = perf_counter() - began
    embeddings = np.zeros((VOCABULARY, options["dim"]), np.float32)
    embeddings[[int(key) for key in model.wv.index_to_key]] = model.wv.vectors
    return Learnt(embeddings, seconds)

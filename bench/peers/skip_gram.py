"""Skip-gram through gensim, which would cut a sentence at 10,000 tokens: ours here are shorter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from birdfast_jobs import SkipGramJob, needs


def gensim(job: SkipGramJob) -> Callable[[], Any]:
    """Return an epoch of gensim's, its vocabulary built beforehand."""
    words = [[str(token) for token in sentence] for sentence in job.sentences]
    model = word2vec(words, **job.options)
    return lambda: model.train(words, total_examples=len(words), epochs=1)


def word2vec(words: list[list[str]], n_workers: int = 1, seed: int = 0, **options: Any) -> Any:
    """Return gensim's model with its vocabulary; `options` are those of `skipgram.train`."""
    model = needs("gensim.models").Word2Vec(
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
    return model

"""Embeddings of tokens, learnt by skip-gram with one worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import SkipGramJob
from birdfast_jobs.tokens import VOCABULARY
from peers.skip_gram import gensim


@pytest.mark.parametrize("way", ["birdfast", "gensim"])
@pytest.mark.benchmark(min_rounds=3)
def test_skip_gram(skip_gram: SkipGramJob, way: str, quoted: Callable[..., Any]) -> None:
    quoted(skip_gram, {"birdfast": ours, "gensim": gensim}[way](skip_gram))


def ours(job: SkipGramJob) -> Callable[[], Any]:
    """Return an epoch of ours, compiled beforehand, on rows that are there already."""
    pytest.importorskip("numba", reason="numba is not installed: pip install '.[train]'")
    from birdfast.train.epochs import Epochs
    from birdfast.train.sentences import flat
    from birdfast.train.skipgramoptions import SkipgramOptions

    epochs = Epochs(*flat(job.sentences, VOCABULARY), VOCABULARY, SkipgramOptions(**job.options), 1)
    epochs.learn(0)
    return lambda: epochs.learn(0)

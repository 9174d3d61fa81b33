"""Make skipgram.npz and word2vec.txt/.bin: what gensim 4.4.0 learns, and how it writes vectors.

    pip install gensim==4.4.0
    python -m tests.golden.make_skipgram tests/golden

Six topics of ten tokens; a sentence keeps to one topic, and every tenth token comes from its neighbour topic.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors, Word2Vec

TOPICS, WORDS = 6, 10
OPTIONS = {"dim": 32, "window": 12, "negatives": 5, "subsample": 1e-2, "epochs": 20}


def make_sentences() -> list[np.ndarray]:
    """Return 240 sentences of 5 to 120 tokens."""
    dice = np.random.default_rng(12)
    sentences = []
    for i in range(240):
        length = int(dice.integers(5, 121))
        topic = (i + (dice.random(length) < 0.1)) % TOPICS
        sentences.append((topic * WORDS + dice.integers(0, WORDS, length)).astype(np.int32))
    return sentences


def main(folder: str) -> None:
    """Learn with one worker, and write all files."""
    sentences = make_sentences()
    model = Word2Vec(
        [[str(token) for token in sentence] for sentence in sentences],
        sg=1,
        vector_size=OPTIONS["dim"],
        window=OPTIONS["window"],
        negative=OPTIONS["negatives"],
        sample=OPTIONS["subsample"],
        epochs=OPTIONS["epochs"],
        min_alpha=1e-4,
        min_count=1,
        workers=1,
        seed=1,
    )
    embeddings = model.wv[[str(token) for token in range(TOPICS * WORDS)]]
    offsets = np.cumsum([0, *map(len, sentences)])
    arrays = {"tokens": np.concatenate(sentences), "offsets": offsets, "embeddings": embeddings}
    np.savez_compressed(Path(folder) / "skipgram.npz", **arrays, **OPTIONS)
    few = KeyedVectors(vector_size=3)
    values = np.array([[1, -0.1, 3e-8], [np.pi, 1e20, 0], [-2, 0.5, 123456.79]], np.float32)
    few.add_vectors(["7", "0", "12"], values)
    few.save_word2vec_format(str(Path(folder) / "word2vec.txt"))
    few.save_word2vec_format(str(Path(folder) / "word2vec.bin"), binary=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

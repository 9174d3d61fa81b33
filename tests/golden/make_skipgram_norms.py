"""Make skipgram_norms.csv: how long the vectors are that gensim 4.4.0 learns from sentences that are hard.

    pip install gensim==4.4.0
    python -m tests.golden.make_skipgram_norms tests/golden

Digital silence is one token for hours, a relay's hum two that take turns in long blocks: pairs that always
agree, of which nothing is left to learn.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

Sentences = list[np.ndarray]

OPTIONS = {"dim": 32, "window": 20, "negatives": 5, "epochs": 5}
SUBSAMPLES = (0, 1e-4)
FIELDS = ("sentences", "subsample", "median_norm")


def silence() -> Sentences:
    """Three nights in which little is heard: token 0 is silence. In pieces, as gensim cuts at 10,000."""
    dice = np.random.default_rng(5)
    still = [np.zeros(10_000, np.int32)] * 2
    return [piece for _ in range(3) for piece in (*still, dice.integers(1, 60, 300, np.int32), *still)]


def two_tokens() -> Sentences:
    """Two tokens in blocks that are far longer than a window."""
    return [np.repeat(np.array([0, 1, 0, 1], np.int32), 500) for _ in range(6)]


def constant() -> Sentences:
    """One token, and at the end twenty others once."""
    return [np.concatenate([np.zeros(3000), np.arange(1, 21)]).astype(np.int32) for _ in range(4)]


def uniform() -> Sentences:
    """Sixty tokens, each as likely everywhere."""
    return list(np.random.default_rng(6).integers(0, 60, (8, 800), np.int32))


CASES: dict[str, Callable[[], Sentences]] = {
    "silence": silence,
    "two tokens": two_tokens,
    "constant": constant,
    "uniform": uniform,
}


def main(folder: str) -> None:
    """Learn each with one worker, and write the median of the vectors' lengths."""
    from gensim.models import Word2Vec

    with (Path(folder) / "skipgram_norms.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(FIELDS)
        for name, make in CASES.items():
            for subsample in SUBSAMPLES:
                model = Word2Vec(
                    [[str(token) for token in sentence] for sentence in make()],
                    sg=1,
                    vector_size=OPTIONS["dim"],
                    window=OPTIONS["window"],
                    negative=OPTIONS["negatives"],
                    sample=subsample,
                    epochs=OPTIONS["epochs"],
                    min_alpha=1e-4,
                    min_count=1,
                    workers=1,
                    seed=1,
                )
                median = np.median(np.linalg.norm(model.wv.vectors, axis=1))
                table.writerow([name, subsample, f"{median:.4f}"])


if __name__ == "__main__":
    main(*sys.argv[1:])

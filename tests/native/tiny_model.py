"""Write a model's file (.bft) with one of everything, small and random: what mutate.c starts from."""

import sys
from pathlib import Path

import numpy as np

from birdfast.classifier import Classifier, Layer
from birdfast.stsg import portable
from birdfast.stsg.pooling import Pooling
from birdfast.stsg.streams import TokenStream
from birdfast.stsg.tokenizer import TokenFrontEnd, Tokenizer
from birdfast.stsg.variants import Variant
from birdfast.stsg.whole import Whole
from birdfast.tokens import Codebook

N_TOKENS, N_VALUES, DIM, N_HIDDEN, N_CLASSES = 40, 6, 5, 7, 3
random = np.random.default_rng(3)
front_end = TokenFrontEnd(
    rate_hz=8000, n_fft=256, frame_samples=256, hop_samples=128, n_mels=12, n_mfcc=0, fmax_hz=4000.0,
    log=True, offset=1e-6, patch_frames=2, less="median",
)  # fmt: skip


def numbers(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


def stream() -> TokenStream:
    tokenizer = Tokenizer(front_end, numbers(24), numbers(N_VALUES, 24))
    return TokenStream(tokenizer, Codebook(numbers(N_TOKENS, N_VALUES)))


n_embedding = 2 * (N_TOKENS + DIM) + 3 * 12
tables = {
    **{f"embeddings{number}": numbers(N_TOKENS, DIM) for number in ("", "_1")},
    **{f"idf{number}": np.abs(numbers(N_TOKENS)) for number in ("", "_1")},
    **{f"embedding_mean{number}": numbers(DIM) for number in ("", "_1")},
    "statistics_mean": numbers(36),
    "statistics_deviation": 1 + np.abs(numbers(36)),
}
whole = Whole(
    window_samples=8000,
    streams=[stream(), stream()],
    pooling=Pooling(
        kind="tf-idf", n_nearest=3, loudest=0.5, embedding=1, histogram=0.5, statistics=0.5, unit_length=True
    ),
    tables=tables,
    variants=[Variant(shift_mels=1, stretch=1.25, gain_db=3.0)],
    classifier=Classifier(
        [
            Layer(numbers(N_HIDDEN, n_embedding), numbers(N_HIDDEN)),
            Layer(numbers(N_CLASSES, N_HIDDEN), numbers(N_CLASSES)),
        ]
    ),
)
Path(sys.argv[1]).write_bytes(portable.file(whole, ["a", "é", "ż"], [0.5, 0.25, 2.0], "sigmoid"))

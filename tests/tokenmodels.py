"""Tiny models of spectrogram tokens in the shapes of the presets, with random tables."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from birdfast import modelfolder
from birdfast.stsg.compiled import named
from birdfast.train import recipe

N_TOKENS, DIM, CLASSES = 40, 9, ("a", "Größe", "c")
AVERAGED = "averaged"  # the preset max with its variants averaged; beside those of recipe.PRESETS
SHAPES = (*recipe.PRESETS, AVERAGED)


def write(folder: Path, shape: str, *, n_tokens: int = N_TOKENS, window_s: float = 1.5) -> Path:
    """Write the folder of a model in the shape of a preset."""
    chosen = recipe.load("max" if shape == AVERAGED else shape)
    told = json.loads(json.dumps(chosen.as_dict()))
    arrays: dict[str, np.ndarray] = {}
    random, width = np.random.default_rng(7), 0

    def table(name: str, *sizes: int, plus: float = 0) -> None:
        arrays[name] = (random.standard_normal(sizes) + plus).astype(np.float32)

    for number, front_end in enumerate(chosen.front_ends):
        n_patch = front_end.patch_frames * front_end.n_bands
        n_values = 12 if chosen.codebook.n_components else n_patch
        if chosen.codebook.n_components:
            table(named("mean", number), n_patch, plus=-8)
            table(named("projection", number), n_values, n_patch)
        table(named("centroids", number), n_tokens, n_values)
        if front_end.unit_length:
            centroids = arrays[named("centroids", number)]
            centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
        table(named("embeddings", number), n_tokens, DIM)
        table(named("embedding_mean", number), DIM)
        width += n_tokens * (chosen.pooling.histogram > 0) + DIM * (chosen.pooling.embedding > 0)
    n_statistics = 3 * chosen.frontend.n_bands
    table("statistics_mean", n_statistics, plus=-8)
    arrays["statistics_deviation"] = (random.random(n_statistics) + 0.5).astype(np.float32)
    width += n_statistics * (chosen.pooling.statistics > 0)
    sizes = [width, *([11] if chosen.head.hidden else []), len(CLASSES)]
    for number, (n_in, n_out) in enumerate(pairwise(sizes)):
        table(f"layer{number}_weight", n_out, n_in)
        table(f"layer{number}_bias", n_out)
    facts: dict[str, Any] = {
        "title": shape,
        "licence": "none",
        "activation": "sigmoid",
        "window_s": window_s,
        "classes": list(CLASSES),
        "thresholds": dict.fromkeys(CLASSES, 0.25),
        "frontend": told["frontend"],
        "pooling": told["pooling"] | {"averaged": shape == AVERAGED},
        **({"streams": told["streams"]} if told["streams"] else {}),
        **({"variants": told["variants"]} if shape == AVERAGED else {}),
    }
    modelfolder.write(folder, facts, arrays)
    return folder

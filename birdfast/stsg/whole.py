"""A whole model as the compiled core runs it, of what a model's folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import _kernels
from ..arrays import Float32
from ..classifier import Classifier
from .compiled import Spoken
from .pooling import Pooling
from .streams import TokenStream
from .variants import Variant


def model(
    window_samples: int,
    streams: Sequence[TokenStream],
    pooling: Pooling,
    tables: Mapping[str, Float32],
    variants: Sequence[Variant],
    classifier: Classifier,
    cpu: str | None = None,
) -> _kernels.Stsg:
    """Return a model, ready to score windows.

    Parameters
    ----------
    window_samples : int
    streams : sequence of TokenStream
    pooling : Pooling
    tables : dict of str to float32 array
        As `Pooler` takes them.
    variants : sequence of Variant
        Over which a window's embedding is averaged.
    classifier : Classifier
    cpu : str or None
        A table of kernels; None is the fastest. All give the same bits.

    Raises
    ------
    ConfigError
        Its parts do not fit together.
    """
    front_end = streams[0].tokenizer.front_end
    return _kernels.Stsg(
        pooling=pooling,
        n_bands=front_end.n_bands,
        log=front_end.log,
        offset=front_end.offset,
        sound=streams[0].tokenizer.sound(window_samples),
        streams=[stream.compiled(Spoken.of(tables, number)) for number, stream in enumerate(streams)],
        variants=variants,
        layers=classifier.layers,
        statistics_mean=tables.get("statistics_mean"),
        statistics_deviation=tables.get("statistics_deviation"),
        cpu=cpu,
    )

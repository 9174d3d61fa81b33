"""A whole model, of what a model's folder holds: as the compiled core runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import _kernels
from ..arrays import Float32
from ..classifier import Classifier
from .compiled import Spoken, Stream
from .pooling import Pooling
from .streams import TokenStream
from .variants import Variant


@dataclass(frozen=True, eq=False, kw_only=True)
class Whole:
    """All parts of a model.

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
    """

    window_samples: int
    streams: Sequence[TokenStream]
    pooling: Pooling
    tables: Mapping[str, Float32]
    variants: Sequence[Variant]
    classifier: Classifier

    def compiled(self) -> list[Stream]:
        """Return the streams as the compiled core takes them."""
        said = (Spoken.of(self.tables, number) for number in range(len(self.streams)))
        return [stream.compiled(says) for stream, says in zip(self.streams, said, strict=True)]

    def model(self, cpu: str | None = None) -> _kernels.Stsg:
        """Return the model, ready to score windows.

        Parameters
        ----------
        cpu : str or None
            A table of kernels; None is the fastest. All give the same bits.

        Raises
        ------
        ConfigError
            Its parts do not fit together.
        """
        tokenizer = self.streams[0].tokenizer
        return _kernels.Stsg(
            pooling=self.pooling,
            n_bands=tokenizer.front_end.n_bands,
            log=tokenizer.front_end.log,
            offset=tokenizer.front_end.offset,
            sound=tokenizer.sound(self.window_samples),
            streams=self.compiled(),
            variants=self.variants,
            layers=self.classifier.layers,
            statistics_mean=self.tables.get("statistics_mean"),
            statistics_deviation=self.tables.get("statistics_deviation"),
            cpu=cpu,
        )

"""Submissions: rows of five seconds of every recording, with a column a class, as BirdCLEF wants them."""

from .blending import BLENDS, NEUTRAL, blended, logit, percentiles
from .classes import Columns, columns_of
from .overlap import BY, ROW_S, Overlap, n_rows
from .sample import Sample, Stems

__all__ = [
    "BLENDS",
    "BY",
    "NEUTRAL",
    "ROW_S",
    "Columns",
    "Overlap",
    "Sample",
    "Stems",
    "blended",
    "columns_of",
    "logit",
    "n_rows",
    "percentiles",
]

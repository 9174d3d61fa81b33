"""Audio files as blocks of mono samples at the rate a model wants, in memory that does not grow."""

from .choice import decoder_version, second_decoder_version
from .files import read, write
from .recording import MAX_RATE_HZ, MIN_RATE_HZ, Recording
from .resampling import resample, resampler_version

__all__ = [
    "MAX_RATE_HZ",
    "MIN_RATE_HZ",
    "Recording",
    "decoder_version",
    "read",
    "resample",
    "resampler_version",
    "second_decoder_version",
    "write",
]

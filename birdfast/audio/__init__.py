"""Audio files as blocks of mono samples at the rate a model wants, in memory that does not grow."""

from typing import TYPE_CHECKING

from .. import face

if TYPE_CHECKING:
    from .choice import decoder_version as decoder_version
    from .choice import second_decoder_version as second_decoder_version
    from .files import encoded as encoded
    from .files import read as read
    from .files import write as write
    from .pace import MAX_RATE_HZ as MAX_RATE_HZ
    from .pace import MIN_RATE_HZ as MIN_RATE_HZ
    from .pace import Pace as Pace
    from .pace import paced as paced
    from .recording import Recording as Recording
    from .resampling import mono as mono
    from .resampling import resample as resample
    from .resampling import resampler_version as resampler_version
else:
    __getattr__, __dir__, __all__ = face.of(
        __name__,
        {
            "choice": ("decoder_version", "second_decoder_version"),
            "files": ("encoded", "read", "write"),
            "pace": ("MAX_RATE_HZ", "MIN_RATE_HZ", "Pace", "paced"),
            "recording": ("Recording",),
            "resampling": ("mono", "resample", "resampler_version"),
        },
    )

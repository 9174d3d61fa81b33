"""Sound as it comes: pushed in blocks of any length, and what is heard in it so far.

samples as they come -> windows -> (any model) -> detections as they come
"""

from typing import TYPE_CHECKING

from .. import face

if TYPE_CHECKING:
    from .stream import Stream as Stream
else:
    __getattr__, __dir__, __all__ = face.of(__name__, {"stream": ("Stream",)})

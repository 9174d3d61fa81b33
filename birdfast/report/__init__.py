"""One page of a results folder, to look and listen, and to say what is right and what is wrong."""

from typing import TYPE_CHECKING

from .. import face

if TYPE_CHECKING:
    from .clips import Sound as Sound
    from .gathered import gather as gather
    from .making import write as write
    from .server import Server as Server
else:
    __getattr__, __dir__, __all__ = face.of(
        __name__,
        {
            "clips": ("Sound",),
            "gathered": ("gather",),
            "making": ("write",),
            "server": ("Server",),
        },
    )

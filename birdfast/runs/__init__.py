"""Runs: recordings, models, options and a folder become tables, and other questions to them become others."""

from typing import TYPE_CHECKING

from .. import face

if TYPE_CHECKING:
    from .follower import Follower as Follower
    from .how import How as How
    from .question import Question as Question
    from .results import Results as Results
    from .run import Run as Run
    from .submission import Submission as Submission
else:
    __getattr__, __dir__, __all__ = face.of(
        __name__,
        {
            "follower": ("Follower",),
            "how": ("How",),
            "question": ("Question",),
            "results": ("Results",),
            "run": ("Run",),
            "submission": ("Submission",),
        },
    )

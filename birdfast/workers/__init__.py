"""Worker processes: one a core, pinned to it, each with single-threaded sessions of its own.

A worker is a child (`children`), started afresh (no fork), that talks with its parent over a
socket in JSON and raw arrays. The parent hands out stretches of files and gives the outcomes on in
the order of the files, whatever the number of workers; dense rows at once, as they come, in parts.
"""

from typing import TYPE_CHECKING

from .. import face

if TYPE_CHECKING:
    from .cores import usable_cores as usable_cores
    from .jobs import Jobs as Jobs
    from .pool import Pool as Pool
    from .process import Job as Job
    from .process import Task as Task
    from .process import Worker as Worker
else:
    __getattr__, __dir__, __all__ = face.of(
        __name__,
        {
            "cores": ("usable_cores",),
            "jobs": ("Jobs",),
            "pool": ("Pool",),
            "process": ("Job", "Task", "Worker"),
        },
    )

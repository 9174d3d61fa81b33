"""Large files that every worker opens are read for their digests once, while workers wake up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .. import sources
from ..config import Options
from ..errors import ModelError
from ..grafting import places, proven
from ..models import Digests, Model, cache_folder


def digests(models: Sequence[Model], options: Options) -> list[Digests]:
    """Return what the models' files hold now; of what they were rewritten into, `sources.known` tells.

    Raises
    ------
    ModelError
        One of the models' files cannot be read.
    """
    folder = cache_folder()
    with proven.believed(None if places.distrust(folder) else folder):
        found = [model.digests() for model in models]
        for one in found if options.graft else ():
            for network in one.heavy:
                for body in places.bodies(network, folder):
                    with suppress(ModelError):  # who opens it notices
                        sources.sha256(body, ModelError)
    return found

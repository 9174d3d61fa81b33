"""What a training has learnt so far, in one file that says which run it is of. No pickle."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import sources
from ..arrays import write_npz
from ..atomicfile import AtomicFile
from ..errors import ConfigError, ModelError

RUN = "run.json"


def write(path: Path, run: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an .npz file that appears under its name when it is whole.

    Parameters
    ----------
    path : Path
    run : dict
        Options and data that make the run what it is, as JSON can hold them.
    arrays : dict of arrays
    """
    told = np.frombuffer(json.dumps(dict(run)).encode(), np.uint8)
    with AtomicFile(path, mode="wb") as file:
        write_npz(file.stream, {RUN: told, **arrays})


def read(path: Path, run: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Read back what `write` wrote for the same run.

    Raises
    ------
    ConfigError
        The file is of another run; the message says what differs.
    ModelError
        The file is damaged, or no checkpoint.
    """
    try:
        with (
            sources.opened(path, ModelError, sys.maxsize) as stream,
            np.load(stream, allow_pickle=False) as file,
        ):
            arrays = {name: file[name] for name in file.files}
        told = json.loads(arrays.pop(RUN).tobytes())
    except ModelError:
        raise
    except Exception as error:  # a damaged .npz raises what zipfile, zlib or NumPy's parser happen to meet
        raise ModelError(f"{path}: not a checkpoint, or damaged ({error})") from error
    for name in {**run, **told}:
        if run.get(name) != told.get(name):
            raise ConfigError(
                f"{path}: a checkpoint of another run: its {name} is {told.get(name)}, not {run.get(name)}"
            )
    return arrays

"""A checkpoint of torch as an ONNX network: made in a process of its own, which is the one that has torch.

It is built of its configuration, and every tensor has to have its name and its shape: what transformers'
own from_pretrained does not find it makes up. Nothing is fetched, and no code but that of the packages runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import children, sources
from ..arrays import Float32
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..sources import npy
from ..words import extra_hint
from . import tensors
from .checkpoint import Checkpoint
from .tensors import Sets

ABSENCE = "converting needs torch and transformers"
SECONDS = 1800
BATCH = 4
FAILED, LACKED, ABSENT, UNWRITTEN = 3, 4, 5, 6
REFUSALS = {FAILED: ModelError, LACKED: ModelMemoryError, ABSENT: ModelRuntimeError}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
NETWORK, PICTURES, LOGITS, KEY = "network.onnx", "pictures.npy", "logits.npy", "key.txt"


class Exported(NamedTuple):
    """A network that was exported.

    Attributes
    ----------
    network : path
    logits : float32 [n, n_classes]
        Torch's own of the pictures.
    key : str
        What leads to its weights in their file, as state_dict; "": nothing does.
    """

    network: Path
    logits: Float32
    key: str = ""


def export(
    checkpoint: Checkpoint, n_classes: int, pictures: Float32, folder: Path, key: str = ""
) -> Exported:
    """Write a checkpoint's network as ONNX.

    Parameters
    ----------
    checkpoint : Checkpoint
    n_classes : int
    pictures : float32 [n, channels, bands, frames], n of 2 or more
        What torch is asked about, so that others can be held to it.
    folder : path
        Where the network goes, and what the processes tell each other.
    key : str
        That of the weights, where a file holds several.

    Returns
    -------
    Exported

    Raises
    ------
    ModelError
        A tensor is missing, not of the architecture, of another shape or no number; or torch cannot read,
        run or export it.
    OSError
        The folder takes no more.
    """
    np.save(folder / PICTURES, pictures)
    family = checkpoint.architecture.family
    told = {"num_channels": pictures.shape[1], **checkpoint.architecture.told}
    asked = {"networks": family.networks, "told": told, "n_classes": n_classes}
    asked |= {"kind": checkpoint.kind, "key": key}
    environment = {**children.environment(), **OFFLINE, "HF_HOME": str(folder)}
    how: dict[str, Any] = {"capture_output": True, "timeout": SECONDS, "env": environment}
    command = children.command(__name__, str(checkpoint.weights.absolute()), str(folder.absolute()))
    try:
        done = subprocess.run(command, input=json.dumps(asked).encode(), check=False, **how)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{checkpoint.path}: torch did not export it in {SECONDS} s") from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode:
        last = said.splitlines()[-1:] or [f"the process ended with {done.returncode}"]
        if done.returncode == UNWRITTEN:
            raise OSError(last[0])
        why = last[0] if done.returncode in REFUSALS else f"torch cannot export it ({last[0][:300]})"
        raise REFUSALS.get(done.returncode, ModelError)(f"{checkpoint.path}: {why}")
    data = sources.read(folder / LOGITS, ModelError)
    logits = np.asarray(npy.array(folder / LOGITS, data, ModelError), np.float32)
    return Exported(folder / NETWORK, logits, sources.text(folder / KEY, ModelError))


def main(weights: str, place: str) -> int:
    """Export a network, in the process of its own; return one of REFUSALS with the reason on stderr."""
    os.umask(0o077)
    warnings.simplefilter("ignore")  # of the exporter's and transformers' future
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:  # a library of its own that it lacks is the latter
        return _failed(f"{ABSENCE} ({error}): {extra_hint('convert')}", ABSENT)
    try:
        _export(Path(weights), Path(place), json.load(sys.stdin))
    except ModelError as error:
        return _failed(str(error), FAILED)
    except ImportError as error:
        return _failed(f"{ABSENCE} ({error}): {extra_hint('convert')}", ABSENT)
    except OSError as error:
        return _failed(error.strerror or str(error), UNWRITTEN)
    except (MemoryError, RuntimeError) as error:
        lacks = isinstance(error, MemoryError) or "memory" in str(error)
        return _failed(
            f"torch cannot export it ({type(error).__name__}: {error})", LACKED if lacks else FAILED
        )
    return 0


def _export(weights: Path, folder: Path, asked: Mapping[str, Any]) -> None:
    import torch

    found = tensors.sets(_read(weights, asked["kind"]), torch.is_tensor)
    network, key = _network(asked, {key: tensors.bare(some) for key, some in found.items()})
    (folder / KEY).write_text(key, encoding="utf-8")

    class Logits(torch.nn.Module):  # type: ignore[misc]
        """The network without its words: transformers answers with an object."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, picture: Any) -> Any:
            """Score float32 [batch, channels, bands, frames]."""
            return self.network(picture).logits

    scoring = Logits().eval()
    pictures = torch.from_numpy(np.load(folder / PICTURES))
    with torch.inference_mode():
        logits = torch.cat([scoring(some) for some in torch.split(pictures, BATCH)])
    if not logits.isfinite().all():
        raise ModelError("the checkpoint's own scores are no numbers (NaN or infinite)")
    np.save(folder / LOGITS, logits.numpy())
    torch.onnx.export(
        scoring,
        (pictures[:2].clone(),),
        str(folder / NETWORK),
        input_names=["picture"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _read(path: Path, kind: str) -> Any:
    """Read what a file of weights holds; no pickle is run as one."""
    import torch

    try:
        if kind == "safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError:
        raise
    except Exception as error:  # safetensors' and the unpickler's have no class in common but this
        raise ModelError(f"torch reads no tensors from it ({' '.join(str(error).split())[:300]})") from error


def _network(asked: Mapping[str, Any], found: Sets) -> tuple[Any, str]:
    """Return a network with its weights, and their key: built without memory, which it gets if they fit."""
    import torch
    import transformers

    kind = getattr(transformers, asked["networks"])

    def made() -> Any:
        return kind(kind.config_class(**asked["told"], num_labels=asked["n_classes"]))

    try:
        with torch.device("meta"):
            expected = made().state_dict()
        key = tensors.choose(found, expected, asked["key"])
        tensors.check(expected, found[key])
        network = made()
    except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise ModelError(
            f"its configuration makes no network ({' '.join(str(error).split())[:300]})"
        ) from error
    counts = {name: one for name, one in network.state_dict().items() if name.endswith(tensors.COUNTS)}
    network.load_state_dict({**counts, **found[key]}, strict=True)
    return network.float().eval(), key


def _failed(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

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
from typing import Any

import numpy as np

from .. import children, sources
from ..arrays import Float32
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..words import extra_hint
from .checkpoint import Checkpoint

HINT = extra_hint("convert")
SECONDS = 1800
BATCH = 4
FAILED, LACKED, ABSENT = 3, 4, 5
REFUSALS = {FAILED: ModelError, LACKED: ModelMemoryError, ABSENT: ModelRuntimeError}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
NETWORK, PICTURES, LOGITS = "network.onnx", "pictures.npy", "logits.npy"
# How people's files have a network's tensors: below a key, and within what it was trained or compiled in.
KEYS = ("state_dict", "model_state_dict", "weights", "model")
WITHIN = ("model.", "module.", "network.", "_orig_mod.")
COUNTS = "num_batches_tracked"  # which no score depends on, and older files lack


def export(checkpoint: Checkpoint, n_classes: int, pictures: Float32, folder: Path) -> tuple[Path, Float32]:
    """Write a checkpoint's network as ONNX.

    Parameters
    ----------
    checkpoint : Checkpoint
    n_classes : int
    pictures : float32 [n, channels, bands, frames], n of 2 or more
        What torch is asked about, so that others can be held to it.
    folder : path
        Where the network goes, and what the processes tell each other.

    Returns
    -------
    network : path
    logits : float32 [n, n_classes]
        Torch's own of the pictures.

    Raises
    ------
    ModelError
        A tensor is missing, not of the architecture or of another shape; or torch cannot read, run or export
        it.
    """
    np.save(folder / PICTURES, pictures)
    family = checkpoint.architecture.family
    told = {"num_channels": pictures.shape[1], **checkpoint.architecture.told}
    asked = {"networks": family.networks, "told": told, "n_classes": n_classes, "kind": checkpoint.kind}
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
        why = last[0] if done.returncode in REFUSALS else f"torch cannot export it ({last[0][:300]})"
        raise REFUSALS.get(done.returncode, ModelError)(f"{checkpoint.path}: {why}")
    data = sources.read(folder / LOGITS, ModelError)
    return folder / NETWORK, np.asarray(sources.array(folder / LOGITS, data, ModelError), np.float32)


def main(weights: str, place: str) -> int:
    """Export a network, in the process of its own; return one of REFUSALS with the reason on stderr."""
    os.umask(0o077)
    warnings.simplefilter("ignore")  # of the exporter's and transformers' future
    try:
        _export(Path(weights), Path(place), json.load(sys.stdin))
    except ModelError as error:
        return _failed(str(error), FAILED)
    except ImportError as error:
        return _failed(f"converting needs torch and transformers ({error}): {HINT}", ABSENT)
    except (MemoryError, RuntimeError) as error:
        lacks = isinstance(error, MemoryError) or "memory" in str(error)
        return _failed(
            f"torch cannot export it ({type(error).__name__}: {error})", LACKED if lacks else FAILED
        )
    return 0


def _export(weights: Path, folder: Path, asked: Mapping[str, Any]) -> None:
    import torch

    network = _network(asked, _bare(_tensors(weights, asked["kind"])))

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
        found = [scoring(some).numpy() for some in torch.split(pictures, BATCH)]
    np.save(folder / LOGITS, np.concatenate(found))
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


def _tensors(path: Path, kind: str) -> dict[str, Any]:
    """Read tensors by their names; no pickle is run as one."""
    import torch

    try:
        if kind == "safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except ImportError:
        raise
    except Exception as error:  # safetensors' and the unpickler's have no class in common but this
        raise ModelError(f"torch reads no tensors from it ({' '.join(str(error).split())[:300]})") from error
    for key in KEYS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(torch.is_tensor(one) for one in found.values()):
        raise ModelError("holds something else than tensors by their names")
    return dict(found)


def _bare(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return tensors by the names that the network itself gives them."""
    while within := next(
        (one for one in WITHIN if tensors and all(name.startswith(one) for name in tensors)), ""
    ):
        tensors = {name.removeprefix(within): tensor for name, tensor in tensors.items()}
    return tensors


def _network(asked: Mapping[str, Any], tensors: dict[str, Any]) -> Any:
    """Return a network with its weights: built first without memory, which it gets if they fit."""
    import torch
    import transformers

    kind = getattr(transformers, asked["networks"])

    def made() -> Any:
        return kind(kind.config_class(**asked["told"], num_labels=asked["n_classes"]))

    try:
        with torch.device("meta"):
            _check(made().state_dict(), tensors)
        network = made()
    except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise ModelError(
            f"its configuration makes no network ({' '.join(str(error).split())[:300]})"
        ) from error
    expected = network.state_dict()
    network.load_state_dict(
        {**{n: t for n, t in expected.items() if n.endswith(COUNTS)}, **tensors}, strict=True
    )
    return network.float().eval()


def _check(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse tensors that are not those of an architecture, by name."""
    missing = [name for name in expected if name not in found and not name.endswith(COUNTS)]
    strange = [name for name in found if name not in expected]
    if missing or strange:
        what = [f"lacks the tensor {missing[0]}{_more(missing)}"] if missing else []
        what += (
            [f"has a tensor {strange[0]}{_more(strange)} that is none of its architecture"] if strange else []
        )
        raise ModelError(", and ".join(what))
    for name, tensor in expected.items():
        if name in found and found[name].shape != tensor.shape:
            shape, wanted = list(found[name].shape), list(tensor.shape)
            raise ModelError(
                f"its tensor {name} has the shape {shape}; its architecture and labels make it {wanted}"
            )
        if name in found and not found[name].is_floating_point() and not name.endswith(COUNTS):
            raise ModelError(f"its tensor {name} is of {found[name].dtype}, which are no weights")


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _failed(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

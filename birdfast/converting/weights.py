"""A file of weights, by its bytes alone: safetensors, torch's archive of tensors, or a program to refuse.

A pickle is a program that runs when it is read. Of torch's files only the archives are taken whose pickle
names nothing but tensors, and those are read by torch with ``weights_only``, in a process of its own.
"""

from __future__ import annotations

import pickletools  # nosec B403
import zipfile
from pathlib import Path
from typing import IO, Literal

from .. import sources
from ..errors import ModelError

Kind = Literal["safetensors", "torch"]
SAFE = (
    "save its state_dict() as .safetensors (safetensors.torch.save_file) where it was made, and convert that"
)
WHOLE = (
    "a whole network is a program: where it was made, export it (OpenSoundscape: model.save_onnx; otherwise"
    f" torch.onnx.export) and use `birdfast models add`, or {SAFE}"
)
HEADER_BYTES = 100_000_000  # as safetensors itself has it
PICKLE_BYTES = 1 << 24  # the names and shapes of tensors; their numbers lie in files beside it
OURS = ("torch", "collections", "numpy")  # whose names stand in a file of tensors


def kind_of(path: Path) -> Kind:
    """Return what a file of weights is.

    Raises
    ------
    ModelError
        It is neither kind, holds more than tensors, or cannot be read.
    """
    with sources.opened(path, ModelError) as file:
        head = file.read(9)
        size = file.seek(0, 2)
        length = int.from_bytes(head[:8], "little")
        if head[8:] == b"{" and length <= min(size - 8, HEADER_BYTES):
            return "safetensors"
        if head[:4] == b"PK\x03\x04":
            _check_archive(path, file)
            return "torch"
    if head[:1] == b"\x80":
        raise ModelError(
            f"{path}: is a pickle as torch wrote them before 1.6, which runs when it is read; {SAFE}"
        )
    raise ModelError(f"{path}: is no file of weights; .safetensors and torch's .pt, .pth and .bin are read")


def _check_archive(path: Path, file: IO[bytes]) -> None:
    """Refuse an archive of torch with a program in it; nothing in it is run."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if any("/code/" in name or name.endswith("/constants.pkl") for name in names):
                raise ModelError(f"{path}: is TorchScript; {WHOLE}")
            pickles = [name for name in names if name.endswith("data.pkl")]
            if len(pickles) != 1 or archive.getinfo(pickles[0]).file_size > PICKLE_BYTES:
                raise ModelError(f"{path}: is no archive of torch with tensors; {SAFE}")
            found = _names(archive.read(pickles[0]))
    except ModelError:
        raise
    except Exception as error:  # zipfile and pickletools raise what they happen to meet
        raise ModelError(f"{path}: is damaged: no archive of torch ({error})") from error
    strange = [name for name in found if name.partition(".")[0] not in OURS]
    if strange:
        raise ModelError(f"{path}: is a pickle that holds more than tensors ({strange[0]:.80}); {WHOLE}")


def _names(pickle: bytes) -> list[str]:
    """Return what a pickle would import, without running it: its operations are read as data."""
    found = []
    for operation, argument, _ in pickletools.genops(pickle):
        if operation.name in ("GLOBAL", "INST"):
            found.append(str(argument).replace(" ", "."))
        elif operation.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            found.append(f"a name in {operation.name}")
    return found

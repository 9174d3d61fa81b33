"""Checkpoints of torch, written without torch: safetensors, archives of pickles, and what is worse."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

CONFIG: dict[str, Any] = {
    "architectures": ["ConvNextForImageClassification"],
    "model_type": "convnext",
    "num_channels": 1,
    "hidden_sizes": [8, 16, 24, 32],
    "depths": [1, 1, 1, 1],
    "id2label": {"0": "Avis prima_First Bird", "1": "Avis secunda_Second Bird", "2": "Noise"},
}
CARD = "---\nlicense: cc-by-4.0\ntags:\n- birds\n---\n# Birds\n\nlicense: another\n"


def safetensors(path: Path, **tensors: np.ndarray) -> None:
    """Write float32 tensors as https://github.com/huggingface/safetensors describes the format."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        place = [len(data), len(data) + tensor.nbytes]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": place}
        data += tensor.astype("<f4").tobytes()
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + data)


def folder(path: Path, *, card: str = CARD, **changes: object) -> Path:
    """Write a checkpoint as Hugging Face has them, of one tensor; a change to None leaves a key out."""
    path.mkdir(exist_ok=True)
    config = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    (path / "config.json").write_text(json.dumps(config))
    safetensors(path / "model.safetensors", weight=np.zeros((2, 3), np.float32))
    if card:
        (path / "README.md").write_text(card)
    return path


class Touch:
    """What writes a file when somebody reads its pickle."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def pickled(mark: Path, protocol: int) -> bytes:
    return pickle.dumps({"weight": Touch(mark)}, protocol)


def archive(path: Path, data: bytes, *more: str) -> Path:
    """Write what torch.save writes: a pickle within an archive, and other members."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", data)
        for name in more:
            file.writestr(f"archive/{name}", b"1")
    return path

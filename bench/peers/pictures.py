"""BirdSet's pictures as torchaudio and librosa make them: float32 [n, samples] to [n, 1, bands, frames].

torchaudio's wheel wants a torch of its own; its transforms do not: pip install --no-deps torchaudio==2.11.0,
and delete torchaudio/lib/*.so if its import fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Draw = Callable[[Float32], Float32]
MEAN, DEVIATION, TOP_DB = -4.268, 4.569, 80.0


def peers(rate_hz: int, n_fft: int, hop: int, n_mels: int) -> dict[str, Draw]:
    """Return each library's way that is installed, by its name and version."""
    found: dict[str, Draw] = {}
    for make in (_torchaudio, _librosa):
        try:
            name, draw = make(rate_hz, n_fft, hop, n_mels)
        except ImportError:
            continue
        found[name] = draw
    return found


def _torchaudio(rate_hz: int, n_fft: int, hop: int, n_mels: int) -> tuple[str, Draw]:
    import torch
    import torchaudio

    torch.set_num_threads(1)
    spectrogram = torchaudio.transforms.Spectrogram(n_fft=n_fft, hop_length=hop, power=2.0)
    mel = torchaudio.transforms.MelScale(n_mels=n_mels, sample_rate=rate_hz, n_stft=n_fft // 2 + 1)

    def draw(windows: Float32) -> Float32:
        with torch.inference_mode():
            power = mel(spectrogram(torch.from_numpy(windows)))
            loud = 10 * torch.log10(torch.clamp(power, min=1e-10))
            loud = torch.maximum(loud, loud.amax(dim=(1, 2), keepdim=True) - TOP_DB)
            made: Float32 = ((loud - MEAN) / DEVIATION)[:, None].numpy()
        return made

    return f"torchaudio {torchaudio.__version__.split('+')[0]}", draw


def _librosa(rate_hz: int, n_fft: int, hop: int, n_mels: int) -> tuple[str, Draw]:
    import librosa

    how: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop, "n_mels": n_mels}
    how |= {"sr": rate_hz, "htk": True, "norm": None, "pad_mode": "reflect"}

    def draw(windows: Float32) -> Float32:
        pictures = []
        for window in windows:
            power = librosa.feature.melspectrogram(y=window, **how)
            pictures.append((librosa.power_to_db(power, top_db=TOP_DB) - MEAN) / DEVIATION)
        return np.stack(pictures)[:, None].astype(np.float32)

    return f"librosa {librosa.__version__}", draw

"""Writes spectrogram.npz: the numbers of librosa and of OpenSoundscape for the recording of strategies.py.

    pip install librosa==0.11.0 scipy
    pip download --no-deps opensoundscape==0.12.1 && unzip opensoundscape-0.12.1-py3-none-any.whl -d opso
    PYTHONPATH=.:opso python tests/golden/make_spectrogram.py

OpenSoundscape's spectrogram.py runs as it is, but its imports for drawing and for networks (torch, PIL, ...)
are replaced by empty modules: they take no part in this. Tests need none of these libraries, only the file.
"""

import importlib
import json
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

import librosa
import numpy as np
import scipy

from tests import strategies

HERE = Path(__file__).parent
RATE_HZ = 32_000

NOT_NEEDED = """skimage skimage.transform PIL torch torch.nn torch.nn.functional IPython IPython.display
    aru_metadata_parser aru_metadata_parser.parse aru_metadata_parser.utils noisereduce matplotlib
    matplotlib.pyplot matplotlib.colors opensoundscape.utils opensoundscape.signal_processing"""

FILTERS = {
    "slaney": {"sr": 32000, "n_fft": 2048, "n_mels": 128},
    "slaney-plain": {"sr": 22050, "n_fft": 1024, "n_mels": 40, "norm": None},
    "htk": {"sr": 16000, "n_fft": 512, "n_mels": 40, "htk": True, "fmin": 125.0, "fmax": 7500.0},
    "htk-plain": {"sr": 48000, "n_fft": 1200, "n_mels": 48, "htk": True, "norm": None, "fmin": 50.0},
}

MEL = {
    "slaney": {"n_fft": 2048, "hop_length": 512, "n_mels": 64},
    "slaney-reflect": {"n_fft": 1024, "hop_length": 320, "n_mels": 40, "pad_mode": "reflect"},
    "slaney-edge": {"n_fft": 1024, "hop_length": 1000, "win_length": 801, "n_mels": 40, "pad_mode": "edge"},
    "magnitude": {
        "n_fft": 2048,
        "hop_length": 700,
        "n_mels": 48,
        "power": 1.0,
        "center": False,
        "norm": None,
    },
    "htk": {
        "n_fft": 1200,
        "hop_length": 480,
        "n_mels": 40,
        "htk": True,
        "fmin": 150.0,
        "fmax": 9000.0,
        "center": False,
    },
    "short-window": {"n_fft": 8192, "hop_length": 4000, "win_length": 8000, "n_mels": 64, "center": False},
}

DECIBELS = {
    "plain": {"top_db": None},
    "top": {"top_db": 45.0},
    "reference": {"ref": 0.01, "amin": 1e-7, "top_db": 80.0},
}

STFT = {
    "hann": {"n_fft": 512, "hop_length": 4100},
    "short": {"n_fft": 480, "hop_length": 5000, "win_length": 301, "center": False, "window": "hamming"},
}


def opensoundscape() -> types.ModuleType:
    """OpenSoundscape's spectrogram module, without its package's __init__ and what that imports."""
    for name in NOT_NEEDED.split():
        sys.modules[name] = MagicMock()
    package = types.ModuleType("opensoundscape")
    package.__path__ = [str(Path(entry) / "opensoundscape") for entry in sys.path]
    sys.modules["opensoundscape"] = package
    return importlib.import_module("opensoundscape.spectrogram")


def paper(audio: np.ndarray) -> dict[str, np.ndarray]:
    """Mel power and MFCCs as the code of the STSG paper calls OpenSoundscape and librosa."""
    module = opensoundscape()
    mel = module.MelSpectrogram.from_audio(
        module.Audio(audio, RATE_HZ), n_mels=128, fft_size=8192, window_samples=8000, overlap_fraction=0.5,
        dB_scale=False,
    )  # fmt: skip
    mfcc = librosa.feature.mfcc(S=mel.spectrogram, sr=RATE_HZ, n_mfcc=20)
    return {"paper/mel": mel.spectrogram.T, "paper/mfcc": mfcc.T}


def main() -> None:
    """Compute in float64, keep float32."""
    audio = strategies.recording(24_000).astype(np.float64)
    arrays = {f"filters/{k}": librosa.filters.mel(**v) for k, v in FILTERS.items()}
    arrays |= {f"mel/{k}": librosa.feature.melspectrogram(y=audio, sr=RATE_HZ, **v).T for k, v in MEL.items()}
    common = {"y": audio, "sr": RATE_HZ, "n_fft": 2048, "hop_length": 1024, "n_mels": 48}
    power = librosa.feature.melspectrogram(**common)
    arrays |= {f"db/{k}": librosa.power_to_db(power, **v).T for k, v in DECIBELS.items()}
    arrays["mfcc"] = librosa.feature.mfcc(
        y=audio, sr=RATE_HZ, n_mfcc=13, n_fft=2048, hop_length=1024, n_mels=48
    ).T
    arrays |= {f"stft/{k}": librosa.stft(audio, **v).T.astype(np.complex64) for k, v in STFT.items()}
    arrays |= paper(audio)
    arrays = {k: v if np.iscomplexobj(v) else v.astype(np.float32) for k, v in arrays.items()}
    versions = {module.__name__: module.__version__ for module in (librosa, scipy, np)}
    versions["opensoundscape"] = "0.12.1"
    arrays["versions"] = np.array(json.dumps(versions))
    np.savez_compressed(HERE / "spectrogram.npz", **arrays)


if __name__ == "__main__":
    main()

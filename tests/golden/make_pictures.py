"""Writes pictures.npz: the spectrograms of torchaudio, torch, librosa and scipy, for frontends/pictures.py.

    pip install torch==2.13.0 librosa==0.11.0 scipy && pip install --no-deps torchaudio==2.11.0
    PYTHONPATH=. python tests/golden/make_pictures.py

torchaudio's compiled library needs its own torch; its transforms do not: delete torchaudio/lib/*.so if the
import fails. Tests need none of these libraries, only the file. BirdSet's decibels are its PowerToDB.
"""

import json
from pathlib import Path

import librosa
import numpy as np
import scipy
import torch
import torchaudio

RATE_HZ, SAMPLES = 32_000, 16_000


def window() -> np.ndarray:
    """Return half a second of chirp over noise that fades, with a silent end."""
    dice = np.random.default_rng(14)
    seconds = np.arange(SAMPLES) / RATE_HZ
    chirp = np.sin(2 * np.pi * (900 + 6_000 * seconds) * seconds)
    samples = 0.3 * chirp * np.hanning(SAMPLES) + 0.05 * dice.standard_normal(SAMPLES) * np.exp(-3 * seconds)
    samples[-3_000:] = 0
    return samples.astype(np.float32)


def torch_mel(samples, *, n_fft, hop, n_mels, power=2.0, fmin=0.0, fmax=None, norm=None, scale="htk"):
    spectrogram = torchaudio.transforms.Spectrogram(n_fft=n_fft, hop_length=hop, power=power)
    mel = torchaudio.transforms.MelScale(
        n_mels=n_mels,
        sample_rate=RATE_HZ,
        n_stft=n_fft // 2 + 1,
        f_min=fmin,
        f_max=fmax,
        norm=norm,
        mel_scale=scale,
    )
    return mel(spectrogram(torch.from_numpy(samples)[None]))


def decibels(power, top_db):
    loud = 10 * torch.log10(torch.clamp(power, min=1e-10))
    return torch.maximum(loud, loud.max() - top_db)


def resized(picture, size, antialias):
    made = torch.nn.functional.interpolate(picture[None], size, mode="bilinear", antialias=antialias)
    return made[0]


def main() -> None:
    samples = window()
    loud = decibels(torch_mel(samples, n_fft=2048, hop=256, n_mels=96), 80)
    small = decibels(torch_mel(samples, n_fft=1024, hop=320, n_mels=64), 80)
    pictures = {
        "birdset-efficientnet": (loud + 4.268) / 4.569,
        "birdset-convnext": (small + 4.268) / 4.569,
        "log-offset": torch.log(
            torch_mel(samples, n_fft=1024, hop=320, n_mels=40, fmin=60.0, norm="slaney") + 1e-5
        ),
        "torchaudio-db": torchaudio.transforms.AmplitudeToDB("power", top_db=60)(
            torch_mel(samples, n_fft=512, hop=160, n_mels=32, fmin=150.0, fmax=15_000.0, scale="slaney")
        ),
        "torchaudio-magnitude-db": torchaudio.transforms.AmplitudeToDB("magnitude")(
            torch_mel(samples, n_fft=1024, hop=256, n_mels=48, power=1.0)
        ),
        "down-smooth": resized(loud, (48, 31), True),
        "down-sharp": resized(loud, (48, 31), False),
        "up": resized(small, (100, 77), False),
        "standard": (small - small.mean()) / (small.std() + 1e-6),
        "min-max": (small - small.min()) / (small.max() - small.min() + 1e-6),
    }
    found = {name: picture.numpy() for name, picture in pictures.items()}
    mel = librosa.feature.melspectrogram(
        y=samples, sr=RATE_HZ, n_fft=1024, hop_length=320, n_mels=64, htk=True, norm=None, pad_mode="reflect"
    )
    pcen = {"gain": 0.8, "bias": 10.0, "power": 0.25, "b": 0.06, "eps": 1e-6}
    found["librosa-pcen"] = librosa.pcen(mel, sr=RATE_HZ, hop_length=320, **pcen)[None]
    found["librosa-ref-max"] = librosa.power_to_db(mel, ref=np.max, top_db=80)[None]
    spectrum = scipy.signal.ShortTimeFFT(
        scipy.signal.get_window("hamming", 800), 200, RATE_HZ, fft_mode="onesided", mfft=1024
    )
    power = np.abs(spectrum.stft(samples, p0=2, p1=79)) ** 2
    bins = slice(32, 481)  # 1,000 to 15,000 Hz
    found["scipy-linear"] = 10 * np.log10(np.maximum(power[bins], 1e-10))[None]
    versions = {lib.__name__: lib.__version__ for lib in (torch, torchaudio, librosa, scipy, np)}
    kept = {name: picture.astype(np.float32) for name, picture in found.items()}
    np.savez_compressed(
        Path(__file__).with_name("pictures.npz"), window=samples, versions=json.dumps(versions), **kept
    )
    for name, picture in kept.items():
        print(name, picture.shape, picture.min(), picture.max())


if __name__ == "__main__":
    main()

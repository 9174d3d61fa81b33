"""Log-mel spectrograms through librosa, and through pocketfft and NumPy; pocketfft and FFTW alone."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Job = Callable[[], Any]

BLOCK_FRAMES = 128  # what pocketfft and NumPy work on at a time: about 1 MB, which suits them best


def log_mel_peers(
    audio: Float32, rate_hz: int, n_fft: int, window_samples: int, hop_samples: int, n_mels: int
) -> dict[str, Job]:
    """The log-mel spectrogram of `audio`, every peer with its tables made beforehand where it can.

    Peers that are not installed are left out; pocketfft and NumPy take their tables from librosa.
    """
    jobs: dict[str, Job] = {}
    for name, make in (("librosa", _librosa), ("pocketfft + NumPy", _numpy_log_mel)):
        with suppress(ModuleNotFoundError):
            jobs[name] = make(audio, rate_hz, n_fft, window_samples, hop_samples, n_mels)
    return jobs


def bare_transforms(audio: Float32, n_fft: int, window_samples: int, hop_samples: int) -> dict[str, Job]:
    """The real transforms alone of frames that are windowed and in the cache already."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, window_samples)[::hop_samples]
    block = np.zeros((min(64, len(frames)), n_fft), np.float32)
    block[:, :window_samples] = frames[: len(block)] * np.hanning(window_samples).astype(np.float32)
    jobs: dict[str, Job] = {}
    for name, make in (("bare pocketfft", _pocketfft), ("bare FFTW (MEASURE)", _fftw)):
        with suppress(ModuleNotFoundError):
            jobs[name] = make(block, len(frames))
    return jobs


def _librosa(
    audio: Float32, rate_hz: int, n_fft: int, window_samples: int, hop_samples: int, n_mels: int
) -> Job:
    import librosa

    def job() -> Any:
        power = librosa.feature.melspectrogram(
            y=audio, sr=rate_hz, n_fft=n_fft, win_length=window_samples, hop_length=hop_samples,
            n_mels=n_mels, center=False,
        )  # fmt: skip
        return np.log(np.maximum(power, 1e-10)).T

    return job


def _numpy_log_mel(
    audio: Float32, rate_hz: int, n_fft: int, window_samples: int, hop_samples: int, n_mels: int
) -> Job:
    import librosa
    import scipy.fft
    import scipy.signal

    window = librosa.util.pad_center(scipy.signal.get_window("hann", window_samples), size=n_fft)
    window = window.astype(np.float32)
    filters = librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=n_mels).T.copy()
    frames = np.lib.stride_tricks.sliding_window_view(audio, n_fft)[::hop_samples]
    out = np.empty((len(frames), n_mels), np.float32)

    def job() -> Any:
        for at in range(0, len(frames), BLOCK_FRAMES):
            spectra = scipy.fft.rfft(frames[at : at + BLOCK_FRAMES] * window, axis=1, overwrite_x=True)
            power = spectra.real**2 + spectra.imag**2
            rows = out[at : at + BLOCK_FRAMES]
            np.log(np.maximum(power @ filters, np.float32(1e-10)), out=rows)
        return out

    return job


def _pocketfft(block: Float32, count: int) -> Job:
    import scipy.fft

    def job() -> None:
        for at in range(0, count, len(block)):
            scipy.fft.rfft(block[: count - at], axis=1)

    return job


def _fftw(block: Float32, count: int) -> Job:
    import pyfftw

    into = pyfftw.empty_aligned(block.shape, "float32")
    result = pyfftw.empty_aligned((len(block), block.shape[1] // 2 + 1), "complex64")
    transform = pyfftw.FFTW(into, result, axes=(1,), flags=("FFTW_MEASURE",), threads=1)
    into[:] = block

    def job() -> None:
        for _ in range(-(-count // len(block))):
            transform.execute()

    return job

"""Mel frequency cepstral coefficients: a cosine transform of log-mels."""

from typing import Self, Unpack

from . import mel
from .logmel import LogMel, MelOptions


class Mfcc(LogMel):
    """Mel frequency cepstral coefficients, the orthonormal DCT-II of log-mels: float32 [frames, n_mfcc].

    Parameters
    ----------
    rate_hz, n_fft, hop_samples, n_mels
        As in `LogMel`.
    n_mfcc : int
        Number of coefficients.
    **options
        As in `LogMel`, but that `log` is "db" unless said. ``librosa.feature.mfcc`` has
        ``top_db=80, center=True``.
    """

    def __init__(
        self,
        rate_hz: float,
        n_fft: int,
        hop_samples: int,
        n_mfcc: int = 20,
        n_mels: int = 128,
        **options: Unpack[MelOptions],
    ) -> None:
        options.setdefault("log", "db")
        super().__init__(rate_hz, n_fft, hop_samples, n_mels, matrix=mel.dct(n_mfcc, n_mels), **options)

    @classmethod
    def of_linear_power(cls, cpu: str | None = None) -> Self:
        """Return the 20 MFCCs of linear mel power, 8 frames a second at 32 kHz, of the STSG paper.

        Miyaguchi, Gustineli, Cheung, "Distilling Spectrograms into Tokens", BirdCLEF+ 2025: OpenSoundscape's
        mel spectrogram (FFT 8192, Hann window of 8000 samples, hop 4000, 128 bands), without a logarithm
        given to ``librosa.feature.mfcc(S=...)``.
        """
        return cls(
            32_000, 8192, 4000, 20, 128, window_samples=8000, log=None, definition="opensoundscape", cpu=cpu
        )

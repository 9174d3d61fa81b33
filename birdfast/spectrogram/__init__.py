"""Short-time spectra, log-mel spectrograms and MFCCs: tables made once, then one pass of a compiled kernel.

Definitions and names are librosa's, with units in the names:

=============================  ===========================================
librosa                        here
=============================  ===========================================
sr, fmin, fmax                 rate_hz, fmin_hz, fmax_hz
hop_length, win_length         hop_samples, window_samples
htk=True, htk=False            mel_scale="htk", mel_scale="slaney"
norm                           mel_norm
power_to_db, amplitude_to_db   log="db", with power=2, with power=1
ref=numpy.max                  ref="max"
[bins, frames]                 [frames, bins]: a row is a frame
=============================  ===========================================

An object holds nothing but tables: threads may share it. Calls give the GIL away and the same bits on every
CPU. A NaN in the audio makes the frames that read it NaN, an infinity makes them NaN or infinite; other
frames stay as they are.
"""

from .frames import Framing, Stream, window_values
from .logmel import LogMel
from .melspectrogram import Log, MelSpectrogram
from .mfcc import Mfcc
from .shorttime import ShortTime, Stft

__all__ = [
    "Framing",
    "Log",
    "LogMel",
    "MelSpectrogram",
    "Mfcc",
    "ShortTime",
    "Stft",
    "Stream",
    "window_values",
]

"""A microphone or sound card as a source, through PortAudio (extra [live]: sounddevice)."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from ..arrays import Array, Int16
from ..audio.pcm import Pcm
from ..errors import AudioError, ConfigError
from ..words import extra_hint

SILENT_S = 5.0  # without a sample: then the device has gone, as some do without a word
USUAL = ""  # the system's own choice


class Device:
    """A device that records; see `source.Source`.

    Parameters
    ----------
    which : str
        Its number, a part of its name, or `USUAL`.
    rate_hz : int or None
        None is its own.
    n_channels : int

    Attributes
    ----------
    n_overflows : int
        How often the system lost sound before it came here.

    Raises
    ------
    ConfigError
        sounddevice or PortAudio is not installed.
    """

    waits = False

    def __init__(self, which: str, rate_hz: int | None, n_channels: int) -> None:
        self._library = _sounddevice()
        self._which: int | str | None = int(which) if which.isdecimal() else which or None
        self._rate_hz, self._n_channels, self.n_overflows = rate_hz, n_channels, 0
        self.name = f"device {which}" if which else "the usual device"
        self._stream: Any = None
        self._blocks = SimpleQueue[Int16]()
        self._was_open = False

    def open(self) -> Pcm:
        """Begin to record."""
        library = self._library
        if self._was_open:
            _look_again(library)
        self._was_open, self._blocks = True, SimpleQueue()
        try:
            known = library.query_devices(self._which, "input")
            rate_hz = self._rate_hz or round(known["default_samplerate"])
            self._stream = library.InputStream(
                samplerate=rate_hz,
                device=self._which,
                channels=self._n_channels,
                dtype="int16",
                callback=self._take,
            )
            self._stream.start()
        except (library.PortAudioError, ValueError, OSError) as error:
            raise AudioError(f"{self.name}: cannot be opened ({_told(error)})") from error
        return Pcm(rate_hz, self._n_channels)

    def read(self) -> Array | None:
        """Return the next block: [n, n_channels]."""
        try:
            return self._blocks.get(timeout=SILENT_S)
        except Empty:
            raise AudioError(f"{self.name}: no sound for {SILENT_S:g} s") from None

    def close(self) -> None:
        """End recording."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close(ignore_errors=True)
            except self._library.PortAudioError:
                return  # it has gone

    def _take(self, samples: Int16, n_frames: int, time: object, status: Any) -> None:
        """Take a block in PortAudio's thread, which has no time."""
        self.n_overflows += bool(status.input_overflow)
        self._blocks.put(np.array(samples, np.int16))


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise ConfigError(f"a device takes the package sounddevice; {extra_hint('live')}") from error
    except OSError as error:  # its wheel for Linux brings no PortAudio
        raise ConfigError(f"a device takes the library PortAudio (libportaudio2): {_told(error)}") from error
    return sounddevice


def _look_again(library: Any) -> None:
    """Let PortAudio see what was plugged in since: it lists devices when it starts."""
    for name in ("_terminate", "_initialize"):
        if hasattr(library, name):
            getattr(library, name)()


def _told(error: Exception) -> str:
    return " ".join(str(error).split())

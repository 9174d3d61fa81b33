"""Writes zoo_pictures.npz: what HawkEars and OpenSoundscape draw of a sound, for rows of models.toml.

    pip install torch==2.13.0 scipy==1.17.1 scikit-image==0.26.0 && pip install --no-deps torchaudio==2.11.0
    PYTHONPATH=. python tests/golden/make_zoo_pictures.py

Both packages bring much else along, so their steps are taken here on the libraries that they call: those of
BriteKit 1.8.4 (core/audio.py, core/predictor.py) as HawkEars 2.3.0 configures it, of one window
(`use_spec_cache` off); and of OpenSoundscape 0.12.1 (spectrogram.py, preprocess/preprocessors.py) as the
bioacoustics model zoo 0.13.4 does for RanaSierraeCNN. Of each picture some rows and columns are kept. The
sound is that of pictures.npz, again and again. Tests need none of these libraries.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import skimage
import torch
import torchaudio

HERE = Path(__file__).parent
WINDOW = np.load(HERE / "pictures.npz")["window"]
KEPT = (slice(None, None, 5), slice(None, None, 5))


def hawkears() -> np.ndarray:
    rate_hz, seconds, width, height = 28_000, 3.0, 384, 192
    window = int(0.058 * rate_hz)
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=rate_hz, n_fft=2 * window, win_length=window, hop_length=int(seconds * rate_hz / width),
        f_min=200, f_max=13_000, n_mels=height, power=1.0, norm=None
    )  # fmt: skip
    picture = transform(torch.from_numpy(np.resize(WINDOW, 84_000))[None])[0].numpy()[:height, :width]
    picture = picture - picture.min()
    return np.clip(picture / picture.max(), 0, 1) ** 0.7


def rana_sierrae(rate_hz: int = 32_000, size: tuple[int, int] = (224, 224)) -> np.ndarray:
    samples = np.resize(WINDOW, 2 * rate_hz)
    frequencies, _, power = scipy.signal.spectrogram(
        samples, rate_hz, window="hann", nperseg=512, noverlap=256, scaling="spectrum"
    )
    decibels = 10 * np.log10(power, where=power > 0, out=np.full(power.shape, -np.inf))
    lowest, highest = (np.abs(frequencies - hz).argmin() for hz in (300, 2_000))
    decibels = decibels[lowest : highest + 1]
    picture = np.clip((decibels + 100) / 80, 0, 1)[::-1]
    return (skimage.transform.resize(picture, (*size, 3))[..., 0] - 0.5) / 0.5


def main() -> None:
    kept = {
        "hawkears": hawkears()[KEPT],
        "rana-sierrae-cnn": rana_sierrae()[KEPT],
        "rana-sierrae-cnn, small": rana_sierrae(size=(20, 60)),
    }
    versions = {lib.__name__: lib.__version__ for lib in (torch, torchaudio, scipy, skimage, np)}
    arrays = {name: picture.astype(np.float32) for name, picture in kept.items()}
    np.savez_compressed(HERE / "zoo_pictures.npz", versions=json.dumps(versions), **arrays)
    for name, picture in arrays.items():
        print(name, picture.shape, picture.min(), picture.max())


if __name__ == "__main__":
    main()

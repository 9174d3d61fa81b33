"""A front end's tables mean what NumPy makes of them; kernels that take them say the same."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from birdfast.frontends import compiled
from birdfast.frontends.tables import STEPS, Branch, FrontEnd, Step

SAMPLES, N_FFT, HOP = 2048, 256, 128
FRAMES = 1 + (SAMPLES - N_FFT) // HOP
SOUND = np.random.default_rng(0).normal(0, 0.1, (2, SAMPLES)).astype(np.float32)
VALUES = {"power": 0.3, "maximum": 0.02, "add": 0.01, "multiply": 1.5}
EVERY: list[Step] = [(name, VALUES.get(name, 0.0)) for name in STEPS]
CHAINS = [chain for n in range(4) for chain in product(EVERY, repeat=n)]


def front_end(steps: tuple[Step, ...]) -> FrontEnd:
    window = np.hanning(N_FFT).astype(np.float32)
    branch = Branch(N_FFT, HOP, 0, FRAMES, "power", window, steps=steps, frame_stride=N_FFT // 2 + 1)
    return FrontEnd(SAMPLES, (1, FRAMES, branch.bands), (branch,))


def test_steps_that_the_kernels_take_mean_what_they_say() -> None:
    taken = 0
    for steps in CHAINS:
        made = front_end(steps)
        kernel = compiled.kernel(made)
        if kernel is made:
            continue
        taken += 1
        expected = made(SOUND)
        found = kernel(SOUND, np.empty_like(expected))
        np.testing.assert_allclose(found, expected, 1e-4, 1e-4, err_msg=str(steps))
    assert taken > 30


@pytest.mark.parametrize("steps", [(("sqrt", 0.0), ("power", 0.3)), (("add", 0.01), ("log", 0.0))])
def test_steps_of_use_have_kernels(steps: tuple[Step, ...]) -> None:
    assert compiled.kernel(made := front_end(steps)) is not made

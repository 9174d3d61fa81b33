"""What tests draw from: audio that is hard on a kernel, lengths at the edges, blocks of a stream."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Float32 = npt.NDArray[np.float32]

KINDS = ("noise", "tone", "clicks", "steps", "silence", "offset", "faint", "loud")


def integer_noise(samples: int, seed: int) -> npt.NDArray[np.int64]:
    """Noise of -32768 to 32767 from a generator written out here, so that no library's stream matters.

    A counter through the finaliser of splitmix64 (Steele, Lea, Flood 2014).
    """
    with np.errstate(over="ignore"):
        z = (np.arange(1, samples + 1, dtype=np.uint64) + np.uint64(seed) * np.uint64(1 << 32)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(48)).astype(np.int64) - 32768


def sound(kind: str, samples: int, seed: int = 0) -> Float32:
    """One kind of sound, float32 within -1 to 1 ("loud": as far as 3e4)."""
    noise = integer_noise(samples, seed).astype(np.float32) / 32768
    n = np.arange(samples)
    match kind:
        case "noise" | "faint" | "loud" | "offset":
            scale = {"noise": 0.9, "faint": 1e-7, "loud": 3e4, "offset": 0.05}[kind]
            return (noise * np.float32(scale) + np.float32(0.7 if kind == "offset" else 0)).astype(np.float32)
        case "tone":
            return (0.5 * np.sin(n * (0.02 + 0.01 * (seed % 97)))).astype(np.float32)
        case "clicks":
            return np.where(np.abs(noise) > 0.99, np.sign(noise), 0).astype(np.float32)
        case "steps":
            return np.sign(np.sin(n * (0.003 + 0.001 * (seed % 31)))).astype(np.float32)
        case "silence":
            return np.zeros(samples, np.float32)
    raise ValueError(kind)


def sounds(samples: st.SearchStrategy[int]) -> st.SearchStrategy[Float32]:
    """Audio of some kind, its length drawn from `samples`."""
    return st.builds(sound, st.sampled_from(KINDS), samples, st.integers(0, 999))


def lengths_around(*edges: int) -> list[int]:
    """0, 1, and one below, at and above each edge."""
    return sorted({0, 1, *(n for edge in edges for n in (edge - 1, edge, edge + 1) if n >= 0)})


@st.composite
def blocks(draw: st.DrawFn, audio: Float32) -> list[Float32]:
    """The audio in pieces, some of them empty, some of one sample, some long."""
    pieces, at = [], 0
    while at < audio.size and len(pieces) < 40:
        size = draw(st.one_of(st.integers(0, 3), st.integers(0, 700), st.integers(0, audio.size)))
        pieces.append(audio[at : at + size])
        at += size
    return [*pieces, audio[at:]]


def recording(samples: int) -> Float32:
    """The audio of the golden files, in integers up to the last division: 16 bit in float32.

    A triangle wave that rises in pitch, twice, over noise that comes in bursts, with digital silence between
    and a constant offset at the end.
    """
    n = np.arange(samples, dtype=np.int64)
    phase = (n * (700 + n % (samples // 2) // 3)) % 65536
    chirp = np.abs(phase - 32768) - 16384
    bursts = (n // 1500) % 4
    loudness = np.array([1, 9, 3, 0])[bursts]
    offset = 1200 * (n > samples * 3 // 4)
    values = chirp * (bursts != 3) // 3 + integer_noise(samples, 7) * loudness // 20 + offset
    return (values / 32768).astype(np.float32)

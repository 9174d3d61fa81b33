"""BirdNET and YAMNet grafted, and as portable files: how far their logits are from LiteRT's with XNNPACK.

    python bench/bench_graft.py [AUDIO ...]

AUDIO is cut into windows for the comparison; without any, what `birdfast optimize` compares is compared. How
long a window takes each way: `pytest bench -k window --benchmark-only`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from birdfast import audio, models
from birdfast.arrays import Array
from birdfast.grafting import graft, portable, verification
from birdfast.grafting.grafted import Grafted
from birdfast.grafting.graph import Graph

SHARED = Path(__file__).resolve().parents[2] / "shared"


def network(path: Path, rate_hz: int, audio_paths: list[Path]) -> None:
    """Print the table of one network."""
    data = path.read_bytes()
    grafted = graft.optimize(data, batch=1)
    assert grafted.front_end is not None, f"{path}: no front end recognised"
    fast, _ = portable.verified(data, batch=1, tolerance=1e-3)
    print(f"\n{path.name}")
    agreement(data, grafted, fast, windows(audio_paths, rate_hz, grafted.front_end.samples))


def windows(paths: list[Path], rate_hz: int, size: int) -> dict[str, Array]:
    """All whole windows of recordings, by file and number."""
    found = {}
    for path in paths:
        samples, _ = audio.read(path, rate_hz)
        for i in range(len(samples) // size):
            found[f"{path.name} {i}"] = samples[i * size : (i + 1) * size]
    return found


def agreement(data: bytes, grafted: Grafted, fast: bytes, recorded: dict[str, Array]) -> None:
    """Largest logit differences to LiteRT with XNNPACK."""
    original = Graph.parse(data)
    assert grafted.front_end is not None
    trials = {**verification.signals(grafted.front_end.samples), **recorded}
    tensor, shape = verification.find_logits(original), original.shape(original.inputs[0])
    expected = verification.logits(original, tensor, trials, shape)
    proof = graft.verify(data, grafted, recorded).proof
    found = verification.logits(Graph.parse(fast), tensor, trials, shape)
    other = verification.differences(trials, expected, found)
    print(f"  largest logit difference to LiteRT with XNNPACK {'grafted':>12}{'portable':>12}")
    for name in verification.signals(16):
        print(f"    {name:46}{proof.differences[name]:12.1e}{other[name]:12.1e}")
    if recorded:
        worst = [max(gaps[name] for name in recorded) for gaps in (proof.differences, other)]
        print(f"    {f'recordings, {len(recorded)} windows':46}{worst[0]:12.1e}{worst[1]:12.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path, metavar="AUDIO")
    args = parser.parse_args()
    recordings = args.audio or list(SHARED.glob("data/soundscape/soundscape.flac"))
    birdnet, yamnet = models.catalogue()["birdnet-2.4"], SHARED / "models/yamnet/yamnet.tflite"
    if not birdnet.found:
        print(birdnet.how_to_get())
    else:
        network(birdnet.path, 48_000, recordings)
    if yamnet.exists():
        network(yamnet, 16_000, recordings)


if __name__ == "__main__":
    main()

"""Sound as it comes: what a push takes, when detections are there, what of a core it takes, and the memory.

    python bench/bench_live.py push               STSG, 10 ms at 32 kHz: p99 of all pushes, share of a core
    python bench/bench_live.py window             BirdNET, 48 kHz: a window's end to its detections, p99
    python bench/bench_live.py day --hours 24     as fast as it goes: the memory at its hours
    python bench/bench_live.py listen --times 20  fed at so many times real time by a pipe, and `infer`

`push` and `day` take an STSG model (--model FOLDER); without, one of preset "best" is trained on clips made
for it, which takes a minute. Pin it: taskset -c 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import birdfast
from birdfast import audio, soundscape
from birdfast.live import Stream

sys.path.insert(0, str(Path(__file__).parents[1]))


def pushed(stream: Stream, sound: np.ndarray, block: int) -> tuple[np.ndarray, float]:
    """Return how many seconds each push took, and the CPU time of all."""
    took, began = [], time.process_time()
    for start in range(0, len(sound) - block + 1, block):
        now = time.perf_counter()
        stream.push(sound[start : start + block])
        took.append(time.perf_counter() - now)
    return np.array(took), time.process_time() - began


def quantiles(name: str, seconds: np.ndarray) -> str:
    told = ", ".join(f"p{q:g} {np.percentile(seconds, q) * 1e3:.3f} ms" for q in (50, 99, 99.9, 100))
    return f"{name}: {len(seconds):,}: {told}"


def push(chosen: argparse.Namespace) -> None:
    rate_hz, block = chosen.rate, chosen.rate // 100
    sound = noise(chosen.minutes * 60, rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        model = chosen.model or _stsg(Path(folder))
        pipeline = birdfast.load(model)
        took, cpu_s = pushed(Stream(pipeline, rate_hz), sound, block)
    n_window = pipeline.listeners[0].grid.step_samples // block
    first = pipeline.listeners[0].grid.window_samples // block - 1
    print(quantiles("all pushes of 10 ms", took))
    print(quantiles("those that complete a window", took[first::n_window]))
    print(f"share of a core in real time: {cpu_s / (len(sound) / rate_hz):.2%}")


def window(chosen: argparse.Namespace) -> None:
    rate_hz, block = chosen.rate, chosen.rate // 100
    stream = Stream(birdfast.load(chosen.model or "birdnet-2.4"), rate_hz)
    grid = stream.pipeline.listeners[0].grid
    took, cpu_s = pushed(stream, noise(chosen.minutes * 60, rate_hz), block)
    print(quantiles("pushes", took))
    n_windows = (chosen.minutes * 60 * rate_hz - grid.window_samples) // grid.step_samples + 1
    print(quantiles("those with a window's detections", np.sort(took)[-n_windows:]))
    print(f"share of a core in real time: {cpu_s / (chosen.minutes * 60):.2%}")


def day(chosen: argparse.Namespace) -> None:
    rate_hz, process = chosen.rate, psutil.Process()
    sound = noise(60, rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(chosen.model or _stsg(Path(folder)), rate_hz)
        for minute in range(round(chosen.hours * 60) + 1):
            if minute % max(1, round(chosen.hours * 60 / 12)) == 0:
                print(f"{minute / 60:6.2f} h: {process.memory_info().rss / 1e6:.1f} MB", flush=True)
            for start in range(0, len(sound), rate_hz // 100):
                stream.push(sound[start : start + rate_hz // 100])


def listen(chosen: argparse.Namespace) -> None:
    """Feed `listen` two minutes again and again, by the clock, and compare its rows with `infer`'s."""
    with tempfile.TemporaryDirectory() as name:
        folder, rate_hz = Path(name), 48_000
        once, _ = soundscape.make()
        samples = np.tile(once, -(-chosen.minutes * 60 * soundscape.RATE_HZ // len(once)))
        samples = samples[: chosen.minutes * 60 * soundscape.RATE_HZ]
        path = folder / "sound.wav"
        audio.write(path, audio.resample(samples, soundscape.RATE_HZ, rate_hz), rate_hz)
        command = [sys.executable, "-m", "birdfast"]
        model = ["--model", str(chosen.model)] if chosen.model else []
        whole = [
            *command,
            "infer",
            str(path),
            *model,
            "-o",
            str(folder / "out"),
            "--rtype",
            "ndjson",
            "--quiet",
        ]
        subprocess.run([*whole, "--quiet"], check=True)
        data, piece = path.read_bytes(), rate_hz * 2 // 50
        how = ["listen", *model, "--name", str(path), "--realtime"]
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen([*command, *how], **streams) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stderr.readline()  # it listens
            began = time.perf_counter()
            for number, start in enumerate(range(0, len(data), piece)):
                ahead_s = number / 50 / chosen.times - (time.perf_counter() - began)
                if chosen.times and ahead_s > 0:
                    time.sleep(ahead_s)
                process.stdin.write(data[start : start + piece])
            took_s = time.perf_counter() - began
            printed, said = process.communicate()
        same = printed == (folder / "out/detections.ndjson").read_bytes()
        print(f"fed at {chosen.minutes * 60 / took_s:.1f} times real time: exit code {process.returncode},")
        print(said.decode().strip())
        print(f"{printed.count(b'{'):,} rows, {'the same as' if same else 'others than'} infer's")


def noise(seconds: float, rate_hz: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(-3_000, 3_000, round(seconds * rate_hz)).astype(np.int16)


def _stsg(folder: Path) -> Path:
    """Train a model as large as they are on songs that are made."""
    from tests import recordings

    for kind in ("whistle", "warble", "rattle"):
        (folder / "clips" / kind).mkdir(parents=True)
        for seed in range(6):
            path = folder / "clips" / kind / f"{seed}.wav"
            audio.write(path, recordings.song(kind, seed, 5.0), recordings.SONG_HZ)
    how = ["--preset", "best", "-o", str(folder / "model"), "--quiet"]
    command = [sys.executable, "-m", "birdfast", "train", str(folder / "clips"), *how]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "model"


JOBS = {"push": push, "window": window, "day": day, "listen": listen}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--model", type=Path, help="a folder, or a name")
    parser.add_argument("--rate", type=int, help="of the sound, in Hz")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--times", type=float, default=20, help="real time; 0: as fast as it goes")
    chosen = parser.parse_args()
    chosen.rate = chosen.rate or (48_000 if chosen.job == "window" else 32_000)
    JOBS[chosen.job](chosen)


if __name__ == "__main__":
    main()

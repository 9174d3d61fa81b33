"""Log-mel spectrograms of two minutes at 32 kHz: every CPU table, and the libraries people use today.

    OMP_NUM_THREADS=1 taskset -c 1 python bench/bench_spectrogram.py

Medians of interleaved repeats, one core. The bars: 8 times librosa's speed, 6 times that of pocketfft and
NumPy, and the whole log-mel in at most 0.6 of the time that the bare transforms of the same frames take.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from byturns import medians_s
from peers import log_mel as peers

from birdfast import _kernels
from birdfast.spectrogram import LogMel, Mfcc

RATE_HZ = 32_000
N_MELS = 128
JOBS = {"2048/512": (2048, 2048, 512), "8192/8000/4000": (8192, 8000, 4000), "1024/320": (1024, 1024, 320)}
LIBROSA_BAR, NUMPY_BAR, BARE_BAR = 8.0, 6.0, 0.6


def recording(seconds: float) -> peers.Float32:
    """A falling chirp, every second anew, in noise."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    chirp = 0.3 * np.sin(2 * np.pi * (6000 * (t % 1) - 2000 * (t % 1) ** 2))
    return (chirp + 0.05 * np.random.default_rng(5).standard_normal(t.size)).astype(np.float32)


def table_jobs(audio: peers.Float32, n_fft: int, window: int, hop: int) -> dict[str, peers.Job]:
    """Our job on every CPU table, fastest first, into an array that is there already."""
    jobs = {}
    for cpu in reversed(_kernels.cpu_tables()):
        log_mel = LogMel(RATE_HZ, n_fft, hop, N_MELS, window_samples=window, cpu=cpu)
        out = log_mel(audio)
        jobs[f"birdfast, {cpu}"] = lambda log_mel=log_mel, out=out: log_mel(audio, out=out)
    if (n_fft, window, hop) == JOBS["8192/8000/4000"]:
        mfcc = Mfcc.of_linear_power()
        rows = mfcc(audio)
        jobs["birdfast, the paper's MFCC"] = lambda: mfcc(audio, out=rows)
    return jobs


def report(name: str, ms: dict[str, float], seconds: float) -> bool:
    """Print one job's table and its bars; say whether all of them are met."""
    ours_name = next(iter(ms))
    ours = ms[ours_name]
    print(f"\n{name}: {seconds:g} s at {RATE_HZ} Hz, {N_MELS} bands")
    print(f"{'':28}{'ms':>9}{'audio-s/s':>12}{'time':>8}")
    for who, value in ms.items():
        print(f"{who:28}{value:9.2f}{seconds / value * 1e3:12,.0f}{value / ours:7.2f}x")
    results = list(bars(ours, ms))
    for text, met in results:
        print(f"  {'met   ' if met else 'MISSED'}  {text}")
    return all(met for _, met in results)


def bars(ours: float, ms: dict[str, float]) -> Iterator[tuple[str, bool]]:
    """Each bar whose peer is installed, in words, and whether it is met."""
    for who, bar in (("librosa", LIBROSA_BAR), ("pocketfft + NumPy", NUMPY_BAR)):
        if who in ms:
            yield f"{ms[who] / ours:.1f}x the speed of {who} (bar {bar:g})", ms[who] / ours >= bar
    bare = [value for who, value in ms.items() if who.startswith("bare")]
    if bare:
        share = ours / min(bare)
        yield f"{share:.2f} of the fastest bare transforms (bar {BARE_BAR:g})", share <= BARE_BAR


def main() -> None:
    """Run the jobs; exit status 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="length of the recording (%(default)s)")
    parser.add_argument("--repeats", type=int, default=15, help="of each job (%(default)s)")
    options = parser.parse_args()
    audio = recording(options.seconds)
    met = []
    for name, (n_fft, window, hop) in JOBS.items():
        jobs = table_jobs(audio, n_fft, window, hop)
        jobs |= peers.log_mel_peers(audio, RATE_HZ, n_fft, window, hop, N_MELS)
        jobs |= peers.bare_transforms(audio, n_fft, window, hop)
        ms = {who: 1e3 * seconds for who, seconds in medians_s(jobs, options.repeats).items()}
        met.append(report(name, ms, options.seconds))
    raise SystemExit(not all(met))


if __name__ == "__main__":
    main()

"""What fetching costs: CPU seconds a file of a run over an S3 of this machine, beside one over local files.

python bench/bench_stores.py --files 60 --seconds 60
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

SERVER = (
    "import time; from moto.server import ThreadedMotoServer as S; s = S('127.0.0.1', 0, verbose=False);"
    " s.start(); print(s.get_host_and_port()[1], flush=True); time.sleep(10**6)"
)
ACCESS = {"AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_DEFAULT_REGION": "us-east-1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--pairs", type=int, default=1)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as work,
        subprocess.Popen(
            [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server,
    ):
        try:
            here = filled(Path(work), chosen.files, chosen.seconds)
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            os.environ |= {**ACCESS, "FSSPEC_S3_ENDPOINT_URL": url}
            uploaded(here, url)
            for pair in range(chosen.pairs):
                for name, given in (("local", str(here)), ("s3", "s3://birds/day")):
                    wall_s, cpu_s = ran(given, Path(work) / f"{name}-{pair}", chosen.model)
                    print(
                        f"{name:>6}: {wall_s:.2f} s, {cpu_s / chosen.files:.4f} s of CPU a file", flush=True
                    )
        finally:
            server.kill()


def filled(work: Path, n: int, seconds: int) -> Path:
    folder = work / "in"
    folder.mkdir()
    for number in range(n):
        sound = np.random.default_rng(number).normal(0, 0.1, 48_000 * seconds)
        soundfile.write(folder / f"{number:04}.wav", sound, 48_000)
    return folder


def uploaded(folder: Path, url: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="birds")
    for path in sorted(folder.iterdir()):
        client.upload_file(str(path), "birds", f"day/{path.name}")


def ran(given: str, output: Path, model: str) -> tuple[float, float]:
    """Return the wall and CPU seconds of a run and its workers."""
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "birdfast", "infer", given, "-o", str(output), "--model", model]
    subprocess.run([*command, "--quiet"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began_s, cpu_s


if __name__ == "__main__":
    main()

"""The jobs that are timed, as pytest fixtures: for the benchmarks beside this file, and for those of others.

Another package puts itself beside birdfast, its peers and its kernels, in the same groups:

    # pytest.ini                              # conftest.py
    [pytest]                                  pytest_plugins = ["birdfast_jobs"]
    pythonpath = PATH/TO/birdfast/bench

    # test_mine.py
    def test_mine(log_mel, quoted):
        quoted(log_mel, lambda: mine.log_mel(log_mel.samples, log_mel.rate_hz, log_mel.n_fft, ...))

    pytest PATH/TO/birdfast/bench test_mine.py --benchmark-only

Each fixture that is named after a job gives a `Job`: its input, the name of its group, and what one call of
it comes to, so that `quoted` can put units that people quote into `extra_info`. They are log_mel, nearest,
skip_gram, resample, decode, network_window, detect and push; those of several sizes run a test once for each.
Where benchmarks are disabled (`--benchmark-disable`) all jobs are tiny.
"""

from .job import (
    DecodeJob,
    DetectJob,
    Job,
    LogMelJob,
    NearestJob,
    PushJob,
    ResampleJob,
    SkipGramJob,
    WindowJob,
)
from .networks import birdnet, detect, network_alone_s, network_window, push, stsg
from .sound import decode, log_mel, resample
from .timing import KERNELS, flop_s, is_timed, kernels, needs, quoted
from .tokens import nearest, real_tokens, skip_gram

__all__ = [
    "KERNELS",
    "DecodeJob",
    "DetectJob",
    "Job",
    "LogMelJob",
    "NearestJob",
    "PushJob",
    "ResampleJob",
    "SkipGramJob",
    "WindowJob",
    "birdnet",
    "decode",
    "detect",
    "flop_s",
    "is_timed",
    "kernels",
    "log_mel",
    "nearest",
    "needs",
    "network_alone_s",
    "network_window",
    "push",
    "quoted",
    "real_tokens",
    "resample",
    "skip_gram",
    "stsg",
]

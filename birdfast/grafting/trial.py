"""One run of a model in a process of its own: a graph on which the runtime crashes takes nothing along."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from .. import children, voice
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError

SECONDS = 120
QUIET_S = 2.0  # then whoever waits is told what for
BYTES = 8 * 2**30  # of address space: a graph that asks for more is refused by the system, not by swapping
FAILED, LACKED, ABSENT = 3, 4, 5
REFUSALS = {FAILED: ModelError, LACKED: ModelMemoryError, ABSENT: ModelRuntimeError}
NAMES = {"tflite": "the TFLite runtime", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}
# Not of the model's doing, or perhaps not: C++ aborts where memory is lacking, too.
FROM_OUTSIDE = (
    *(signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP),
    *(signal.SIGXCPU, signal.SIGABRT),
)


class Verdict(NamedTuple):
    """What a trial came to: None or the error, and whether it will be the same next time."""

    error: ModelError | None
    lasts: bool = True


def run(data: bytes) -> None:
    """Refuse a TFLite model that the runtime cannot start and run once on silence.

    Parameters
    ----------
    data : bytes
        A model written by this package.

    Raises
    ------
    ModelError
        The runtime refuses it, crashes on it, or takes longer than 2 minutes.
    """
    if (error := attempt(data, "tflite").error) is not None:
        raise error


def attempt(
    data: bytes, runtime: str, shapes: Sequence[Sequence[int]] = (), name: str = "the model"
) -> Verdict:
    """Try a model.

    Parameters
    ----------
    data : bytes
        A model written by this package.
    runtime : "tflite", "onnx" or "openvino"
    shapes : sequence of shapes
        Of silence for the one input: one run each. Of the TFLite runtime those of the inputs, in their
        order; (): as the file has them.
    name : str
        What whoever waits knows it by.

    Returns
    -------
    Verdict
        Only what the runtime says of the model lasts, and a crash of it: not that the trial took too long,
        was killed or aborted, that memory was lacking, or that there is no runtime.
    """
    asked = [runtime, *(",".join(map(str, shape)) for shape in shapes)]
    try:
        code, said = _ended(children.command(__name__, *asked), data, name)
    except subprocess.TimeoutExpired:
        return Verdict(ModelError(f"{NAMES[runtime]} did not finish one window in {SECONDS} s"), False)
    if code in REFUSALS:
        return Verdict(REFUSALS[code](said.splitlines()[-1]), code == FAILED)
    if code < 0:
        crash = f"{NAMES[runtime]} crashes on this model (signal {-code})"
        return Verdict(ModelError(crash), -code not in FROM_OUTSIDE)
    if code:
        return Verdict(ModelError(f"the trial of the model failed: {said[-200:]}"), False)
    return Verdict(None)


def _ended(command: list[str], data: bytes, name: str) -> tuple[int, str]:
    """Return how the trial's process ended, and what it said; TimeoutExpired: it was ended."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=children.environment()
    ) as process:
        try:
            try:
                _, said = process.communicate(data, min(QUIET_S, SECONDS))
            except subprocess.TimeoutExpired:
                if SECONDS <= QUIET_S:
                    raise
                voice.aside(f"{name}: tried once in a process of its own, for {SECONDS} s at most")
                _, said = process.communicate(timeout=SECONDS - QUIET_S)
        except BaseException:
            process.kill()
            raise
    return process.returncode, said.decode(errors="replace").strip()


def main(runtime: str, *shapes: str) -> int:
    """Run the trial itself; return one of REFUSALS, with the reason on stderr, if a model is refused."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = [BYTES, *resource.getrlimit(resource.RLIMIT_AS)]  # a cluster's may be lower
    n_bytes = min(limit for limit in limits if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    try:
        data = sys.stdin.buffer.read()
        lengths = [[int(length) for length in shape.split(",")] for shape in shapes]
        {"tflite": _tflite, "onnx": _onnx, "openvino": _openvino}[runtime](data, lengths)
    except (MemoryError, ModelMemoryError) as error:
        return _failed(f"needs more than {n_bytes / 2**30:.1f} GiB of memory {error}", LACKED)
    except ModelError as error:
        return _failed(str(error), ABSENT if isinstance(error, ModelRuntimeError) else FAILED)
    return 0


def _tflite(data: bytes, shapes: Sequence[Sequence[int]]) -> None:
    import numpy as np

    from ..runtimes import litert

    for delegate in (False, True):
        tensors = [int(d["index"]) for d in litert.inputs(data)]
        runner = litert.start(data, delegate=delegate, shapes=dict(zip(tensors, shapes, strict=False)))
        details = runner.get_input_details()
        zeros = {int(d["index"]): np.zeros(d["shape"], d["dtype"]) for d in details}
        litert.run(runner, zeros, [int(d["index"]) for d in runner.get_output_details()])


def _onnx(data: bytes, shapes: Sequence[Sequence[int]]) -> None:
    import numpy as np

    from ..runtimes import onnx

    session = onnx.start(data)
    taken = onnx.inputs(session)[0]
    for shape in shapes:
        onnx.run(session, {taken.name: np.zeros(shape, taken.dtype)}, onnx.outputs(session))


def _openvino(data: bytes, shapes: Sequence[Sequence[int]]) -> None:
    import numpy as np

    from ..runtimes import openvino

    for precision in ("f32", "bf16") if openvino.has_bfloat16() else ("f32",):
        request = openvino.start(data, precision)
        dtype, n_outputs = openvino.takes(request), openvino.n_outputs(request)
        for shape in shapes:
            openvino.run(request, np.zeros(shape, dtype), range(n_outputs))


def _failed(reason: str, code: int) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""One run of a model in a process of its own: a graph on which the runtime crashes takes nothing along."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import children
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError

SECONDS = 120
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


def run(data: bytes, shapes: Sequence[Sequence[int]] = ()) -> None:
    """Refuse a TFLite model that the runtime cannot start and run once on silence.

    Parameters
    ----------
    data : bytes
        A model written by this package.
    shapes : sequence of shapes
        Of its inputs, in their order; (): as the file has them.

    Raises
    ------
    ModelError
        The runtime refuses it, crashes on it, or takes longer than 2 minutes.
    """
    if (error := attempt(data, "tflite", shapes).error) is not None:
        raise error


def attempt(data: bytes, runtime: str, shapes: Sequence[Sequence[int]] = ()) -> Verdict:
    """Try a model.

    Parameters
    ----------
    data : bytes
        A model written by this package.
    runtime : "tflite", "onnx" or "openvino"
    shapes : sequence of shapes
        Of silence for the one input: one run each. Of the TFLite runtime those of the inputs, in their
        order; (): as the file has them.

    Returns
    -------
    Verdict
        Only what the runtime says of the model lasts, and a crash of it: not that the trial took too long,
        was killed or aborted, that memory was lacking, or that there is no runtime.
    """
    asked = [runtime, *(",".join(map(str, shape)) for shape in shapes)]
    how: dict[str, Any] = {"capture_output": True, "timeout": SECONDS, "env": children.environment()}
    try:
        done = subprocess.run(children.command(__name__, *asked), input=data, check=False, **how)
    except subprocess.TimeoutExpired:
        return Verdict(ModelError(f"{NAMES[runtime]} did not finish one window in {SECONDS} s"), False)
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode in REFUSALS:
        return Verdict(REFUSALS[done.returncode](said.splitlines()[-1]), done.returncode == FAILED)
    if done.returncode < 0:
        crash = f"{NAMES[runtime]} crashes on this model (signal {-done.returncode})"
        return Verdict(ModelError(crash), -done.returncode not in FROM_OUTSIDE)
    if done.returncode:
        return Verdict(ModelError(f"the trial of the model failed: {said[-200:]}"), False)
    return Verdict(None)


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

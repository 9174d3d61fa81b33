"""One run of a model in a process of its own: a graph on which the runtime crashes takes nothing along."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .. import children
from ..errors import ModelError

SECONDS = 120
BYTES = 8 * 2**30  # of address space: a graph that asks for more is refused by the system, not by swapping
FAILED = 3


def run(data: bytes, shapes: Sequence[Sequence[int]] = ()) -> None:
    """Refuse a model that the runtime cannot start and run once on silence.

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
    how: dict[str, Any] = {"capture_output": True, "timeout": SECONDS, "env": children.environment()}
    try:
        command = children.command(__name__, *(",".join(map(str, shape)) for shape in shapes))
        done = subprocess.run(command, input=data, check=False, **how)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"the TFLite runtime did not finish one window in {SECONDS} s") from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == FAILED:
        raise ModelError(said.splitlines()[-1])
    if done.returncode < 0:
        raise ModelError(f"the TFLite runtime crashes on this model (signal {-done.returncode})")
    if done.returncode:
        raise ModelError(f"the trial of the model failed: {said[-200:]}")


def main() -> int:
    """Run the trial itself; return FAILED, with the reason on stderr, if the runtime refuses the model."""
    import resource

    import numpy as np

    from ..runtimes import litert

    shapes = [[int(length) for length in shape.split(",")] for shape in sys.argv[1:]]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = [BYTES, *resource.getrlimit(resource.RLIMIT_AS)]  # a cluster's may be lower
    n_bytes = min(limit for limit in limits if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    try:
        data = sys.stdin.buffer.read()
        for delegate in (False, True):
            tensors = [int(d["index"]) for d in litert.inputs(data)]
            runner = litert.start(data, delegate=delegate, shapes=dict(zip(tensors, shapes, strict=False)))
            details = runner.get_input_details()
            zeros = {int(d["index"]): np.zeros(d["shape"], d["dtype"]) for d in details}
            litert.run(runner, zeros, [int(d["index"]) for d in runner.get_output_details()])
    except MemoryError as error:
        return _failed(f"needs more than {n_bytes / 2**30:.1f} GiB of memory {error}")
    except ModelError as error:
        return _failed(str(error))
    return 0


def _failed(reason: str) -> int:
    print(" ".join(reason.split()), file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())

"""An ONNX network with its front end taken off and birdfast's kernels grafted on, with proof.

The body is an ONNX model from the front end's output to the network's own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..config import GraphEnd
from ..errors import ModelError, ModelMemoryError
from ..frontends import compiled
from ..frontends.tables import FrontEnd
from ..runtimes import onnx
from . import onnxgraph, verification
from .grafted import Proof, warn_original
from .onnxpieces import Pieces
from .onnxrecognise import recognise
from .places import TOLERANCE


@dataclass(frozen=True)
class Asked:
    """What of a network is rewritten.

    Attributes
    ----------
    source : str
        Its input.
    shape : tuple of int
        Of that for one window.
    batch : int or None
        Windows that it holds; None: any number.
    names : dict of str to str
        Tensors that are shown, by role.
    ends : dict of str to GraphEnd
        What the scores among them have been through last.
    """

    source: str
    shape: tuple[int, ...]
    batch: int | None
    names: Mapping[str, str]
    ends: Mapping[str, GraphEnd]


@dataclass(frozen=True)
class OnnxGrafted:
    """A rewritten network, or why there is none.

    Attributes
    ----------
    body : bytes or path
        Of the model behind the front end, or the file that holds it.
    source : str
        Its input, which the front end fills.
    front_end : FrontEnd or None
        None: the network is to be run as it is.
    refused : str
        Why, if it has a front end; "" otherwise.
    proof : Proof
    unfit : str
        Why nobody looked for a front end; "" otherwise.
    is_kept : bool
        It comes from a file, which the next to ask finds too.
    """

    body: bytes | Path = field(default=b"", repr=False)
    source: str = ""
    front_end: FrontEnd | None = None
    refused: str = ""
    proof: Proof = field(default_factory=lambda: Proof(0, 0, ""))
    unfit: str = field(default="", compare=False)
    is_kept: bool = field(default=False, compare=False)

    def content(self) -> bytes:
        """Return the body's bytes."""
        return self.body if isinstance(self.body, bytes) else self.body.read_bytes()


AS_IT_IS = OnnxGrafted()
SEVERAL = (2, 4)  # windows at once, on which bodies are tried that take any number


class _NoBatch(ModelError):
    """The original takes no such batch: whoever runs it, or its body, runs windows one by one."""


def verified(data: bytes, asked: Asked, tolerance: float = TOLERANCE) -> OnnxGrafted:
    """Rewrite an ONNX model for speed, if what comes of it says what the original says.

    Parameters
    ----------
    data : bytes
        A model that `onnxgraph` has written, and that passed its trial.
    asked : Asked
    tolerance : float
        The largest difference of a logit.

    Returns
    -------
    OnnxGrafted
        Without a front end where none is found, or where the proof fails.

    Raises
    ------
    ModelMemoryError
        There was too little memory to tell.
    """
    if asked.batch not in (None, 0, 1):  # learnt is what one window gives
        return AS_IT_IS
    try:
        made = _made(data, asked)
        return made if made.front_end is None else _proved(data, made, asked, tolerance)
    except (MemoryError, ModelMemoryError) as error:
        raise ModelMemoryError(f"cannot be rewritten: {str(error) or 'too little memory'}") from error
    except ModelError as error:
        return replace(AS_IT_IS, refused=str(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a graph that is odd in a way that nobody thought of; it still runs as it is
        return replace(AS_IT_IS, refused=f"cannot be rewritten: {type(error).__name__}: {error}")


def _made(data: bytes, asked: Asked) -> OnnxGrafted:
    pieces = Pieces(data, asked.source, asked.shape, open_batch=asked.batch is None)
    found = recognise(pieces) if pieces.are_plain else None
    if found is None:
        return AS_IT_IS
    body = pieces.body(found.cut)
    proof = Proof(pieces.n_nodes, len(onnxgraph.parsed(body).graph.node), compiled.words(found.front_end))
    return OnnxGrafted(body, found.cut, found.front_end, "", proof)


def _proved(data: bytes, made: OnnxGrafted, asked: Asked, tolerance: float) -> OnnxGrafted:
    """Run both on the same windows, and compare what is shown: with single precision, or else in double.

    Tones are judged as a recorder gives them. Of pure ones most of the spectrum is what float32 left of it by
    rounding, which depends on the order in which the runtime sums; that is reported.
    """
    assert made.front_end is not None
    samples = made.front_end.samples
    judged = verification.signals(samples, recorded=True)
    pure = verification.signals(samples)
    pure = {f"{name}, pure": window for name, window in pure.items() if "tone" in name}
    reason = ""
    for exact in (False, True):
        tried = replace(made, front_end=replace(made.front_end, exact=exact))
        gaps = _differences(data, tried, asked, {**judged, **pure})
        not_judged = {name: gaps.pop(name) for name in pure}
        if max(gaps.values()) <= tolerance:
            gaps |= _further(data, tried, asked)
        where, worst = max(gaps.items(), key=itemgetter(1))
        if worst <= tolerance:
            proof = replace(made.proof, largest_difference=worst, differences=gaps, not_judged=not_judged)
            return replace(tried, proof=proof)
        reason = f"logits differ by {worst:.1e} on {where}, tolerance {tolerance:.1e}"
    return replace(AS_IT_IS, refused=reason)


def _further(data: bytes, made: OnnxGrafted, asked: Asked) -> dict[str, float]:
    """Return the differences, as parts of the largest number, beyond -1..1 and of windows at once."""
    assert made.front_end is not None
    samples, gaps = made.front_end.samples, dict[str, float]()
    for name, window in verification.loud(samples).items():  # one by one: they differ in size by far
        gaps |= _differences(data, made, asked, {name: window}, are_parts=True)
    for size in SEVERAL if asked.batch is None else ():
        some = dict(islice(verification.signals(samples, recorded=True).items(), size))
        with suppress(_NoBatch):
            found = _differences(data, made, asked, some, size, are_parts=True)
            gaps[f"{size} windows at once"] = max(found.values())
    return gaps


def _differences(
    data: bytes,
    made: OnnxGrafted,
    asked: Asked,
    trials: Mapping[str, Float32],
    size: int = 1,
    *,
    are_parts: bool = False,
) -> dict[str, float]:
    """Return the largest difference in each window of what is shown, so many windows at once."""
    assert made.front_end is not None
    kernel, original, body = compiled.kernel(made.front_end), onnx.start(data), onnx.start(made.content())
    expected, found = [], []
    for _, stack in verification.batches(trials, size):
        sound = stack.reshape(asked.shape if size == 1 else (size, *asked.shape[1:]))
        try:
            expected.append(_rows(original, asked.source, sound, asked, size))
        except ModelMemoryError:
            raise
        except ModelError as error:
            raise (_NoBatch if size > 1 else ModelError)(str(error)) from error
        picture = kernel(stack, np.empty(made.front_end.batched(size), np.float32))
        found.append(_rows(body, made.source, picture, asked, size))
    worst = dict.fromkeys(trials, 0.0)
    for role, *pair in zip(asked.names, zip(*expected, strict=True), zip(*found, strict=True), strict=True):
        stacks = [np.concatenate(rows)[: len(trials)] for rows in pair]
        end = asked.ends.get(role, "")
        gaps = (
            verification.as_parts(trials, *stacks)
            if are_parts
            else verification.of_output(role, end, trials, *stacks)
        )
        worst = {name: max(worst[name], gaps[name]) for name in trials}
    return worst


def _rows(session: Any, source: str, fed: Float32, asked: Asked, size: int) -> list[Float32]:
    """Return what is shown of so many windows: a row of each."""
    found = onnx.run(session, {source: fed}, [*asked.names.values()])
    if odd := [values.shape for values in found if values.size % size]:
        raise ModelError(f"gives {list(odd[0])} for {size} windows")
    return [values.reshape(size, -1) for values in found]


def warn(grafted: OnnxGrafted) -> None:
    """Say, as a RuntimeWarning, why a network that has or may have a front end is run as it is."""
    if reason := grafted.refused or grafted.unfit:
        warn_original(reason)

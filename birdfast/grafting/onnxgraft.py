"""An ONNX network with its front end taken off and birdfast's kernels grafted on, with proof.

The body is an ONNX model from the front end's output to the network's own outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path

import numpy as np

from ..arrays import Float32
from ..config import GraphEnd
from ..errors import ModelError, ModelMemoryError
from ..frontends import compiled
from ..frontends.tables import FrontEnd
from ..runtimes import onnx
from . import ending, onnxgraph, verification
from .grafted import Proof, warn_original
from .onnxpieces import Pieces
from .onnxrecognise import recognise
from .places import TOLERANCE
from .roles import is_logits


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
    """

    body: bytes | Path = field(default=b"", repr=False)
    source: str = ""
    front_end: FrontEnd | None = None
    refused: str = ""
    proof: Proof = field(default_factory=lambda: Proof(0, 0, ""))

    def content(self) -> bytes:
        """Return the body's bytes."""
        return self.body if isinstance(self.body, bytes) else self.body.read_bytes()


AS_IT_IS = OnnxGrafted()


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
    pieces = Pieces(data, asked.source, asked.shape)
    found = recognise(pieces) if pieces.are_plain else None
    if found is None:
        return AS_IT_IS
    body = pieces.body(found.cut, open_batch=asked.batch is None)
    proof = Proof(pieces.n_nodes, len(onnxgraph.parsed(body).graph.node), found.front_end.words())
    return OnnxGrafted(body, found.cut, found.front_end, "", proof)


def _proved(data: bytes, made: OnnxGrafted, asked: Asked, tolerance: float) -> OnnxGrafted:
    """Run both on the same windows, and compare what is shown: with single precision, or else in double.

    Tones are judged as a recorder gives them. Of pure ones most of the spectrum is what float32 left of it by
    rounding, which depends on the order in which the runtime sums; that is reported.
    """
    assert made.front_end is not None
    judged = verification.signals(made.front_end.samples, recorded=True)
    pure = verification.signals(made.front_end.samples)
    pure = {f"{name}, pure": window for name, window in pure.items() if "tone" in name}
    reason = ""
    for exact in (False, True):
        tried = replace(made, front_end=replace(made.front_end, exact=exact))
        gaps = _differences(data, tried, asked, {**judged, **pure})
        not_judged = {name: gaps.pop(name) for name in pure}
        where, worst = max(gaps.items(), key=itemgetter(1))
        if worst <= tolerance:
            proof = replace(made.proof, largest_difference=worst, differences=gaps, not_judged=not_judged)
            return replace(tried, proof=proof)
        reason = f"logits differ by {worst:.1e} on {where}, tolerance {tolerance:.1e}"
    return replace(AS_IT_IS, refused=reason)


def _differences(
    data: bytes, made: OnnxGrafted, asked: Asked, trials: Mapping[str, Float32]
) -> dict[str, float]:
    """Return the largest difference in each window of what is shown; of vectors, as parts of the largest."""
    assert made.front_end is not None
    kernel, names = compiled.kernel(made.front_end), [*asked.names.values()]
    original, body = onnx.start(data), onnx.start(made.content())
    expected, found = [], []
    for window in trials.values():
        sound = {asked.source: window.reshape(asked.shape)}
        expected.append([values.reshape(-1) for values in onnx.run(original, sound, names)])
        picture = kernel(window[None], np.empty(made.front_end.shape, np.float32))
        found.append([values.reshape(-1) for values in onnx.run(body, {made.source: picture}, names)])
    worst = dict.fromkeys(trials, 0.0)
    for role, *pair in zip(asked.names, zip(*expected, strict=True), zip(*found, strict=True), strict=True):
        for name, gap in _of_role(role, asked, [*trials], *map(np.stack, pair)).items():
            worst[name] = max(worst[name], gap)
    return worst


def _of_role(
    role: str, asked: Asked, trials: Sequence[str], expected: Float32, found: Float32
) -> dict[str, float]:
    if is_logits(role):
        bounded = asked.ends.get(role) in ending.CONFIDENT
        return verification.differences(trials, expected, found, confidences=bounded)
    largest = max(1, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    return verification.differences(trials, expected / largest, found / largest)


def warn(grafted: OnnxGrafted) -> None:
    """Say, as a RuntimeWarning, why a network that has a front end is run as it is."""
    if grafted.refused:
        warn_original(grafted.refused)

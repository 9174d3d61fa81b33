"""Find the front end of an ONNX graph and read it off as tables.

Of the graph only this is asked: through which tensors everything passes (`Pieces.necks`). What lies between
two of them is learnt by running it: `onnxspectrum`, `probe.affine`, `onnxsteps`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np

from ..arrays import Array, Float32
from ..errors import ModelError, ModelMemoryError
from ..frontends import compiled
from ..frontends.tables import Branch, FrontEnd, Step
from . import normalization, onnxlayout, onnxspectrum, onnxsteps, probe
from .onnxlayout import MOST_VALUES, Laid, Layout
from .onnxpieces import Piece, Pieces
from .onnxspectrum import Spectrum, noise

MOST_NECKS = 64  # in which a front end is looked for
MOST_STEPS = 16
LINEAR = 1e-4
_Walked = tuple[int, Layout, tuple[Step, ...]]  # a neck's place, how its numbers lie, the last steps to them


@dataclass(frozen=True, eq=False)
class Found:
    """A front end, and the tensor that then holds the result: where the body begins."""

    front_end: FrontEnd
    cut: str


@dataclass(frozen=True)
class _Strand:
    """One spectrogram: its branch, the tensor that it ends with, and how it lies there."""

    branch: Branch
    last: str
    layout: Layout


def recognise(pieces: Pieces) -> Found | None:
    """Read the front end off a graph.

    Returns
    -------
    Found or None
        None if the graph has no front end of the kind, or one that does more than a `FrontEnd` can say.
    """
    try:
        necks = pieces.necks(pieces.source, pieces.outputs)[:MOST_NECKS]
        for signal in reversed(_signals(pieces, necks)):
            size = pieces.told[signal].size
            prelude = normalization.fit(Piece(pieces, [pieces.source], signal), pieces.source, size)
            behind = necks[necks.index(signal) :]
            found = None if prelude is None else _strand(pieces, behind) or _joined(pieces, behind)
            if prelude is not None and found is not None:
                branches, cut = found
                front_end = FrontEnd(size, pieces.told[cut].shape, tuple(branches), prelude)
                return Found(front_end, cut) if _agrees(pieces, front_end, cut) else None
    except ModelMemoryError:
        raise
    except ModelError:  # a piece that the runtime does not run, or that reads what it should not
        return None
    return None


def _signals(pieces: Pieces, necks: Sequence[str]) -> list[str]:
    """Return the sound and what follows of the same length: it may be normalised there."""
    found, value = [necks[0]], noise(pieces.told[necks[0]].size)
    for before, name in pairwise(necks):
        (value,) = _run(pieces, before, name, value)
        if value.size != pieces.told[pieces.source].size:
            break
        found.append(name)
    return found


def _run(pieces: Pieces, before: str, name: str, *values: Array) -> list[Array]:
    """Return what a tensor holds where another one holds each of some values, and keep it as an example."""
    piece = Piece(pieces, [before], name)
    found = [piece({before: value}) for value in values]
    pieces.told[name] = found[0]
    return found


def _strand(pieces: Pieces, necks: Sequence[str]) -> tuple[list[Branch], str] | None:
    """Return the one spectrogram that follows a signal, in place, and where it ends."""
    found = _spectrogram(pieces, necks)
    if found is None:
        return None
    frame_stride, value_stride = found.layout.strides
    return [replace(found.branch, frame_stride=frame_stride, band_stride=value_stride)], found.last


def _joined(pieces: Pieces, necks: Sequence[str]) -> tuple[list[Branch], str] | None:
    """Return the spectrograms of a signal that are put together behind their steps, in place, and where."""
    for cut in (name for name in necks[1:] if len(pieces.joined(name)) > 1):
        ends = pieces.joined(cut)
        found = [_spectrogram(pieces, pieces.necks(necks[0], [end])) for end in ends]
        strands = [strand for strand in found if strand is not None and strand.last in ends]
        if len({strand.last for strand in strands}) < len(ends):
            continue
        pieces.told[cut] = Piece(pieces, ends, cut)({end: pieces.told[end] for end in ends})
        layouts = {strand.last: strand.layout for strand in strands}
        piece = Laid(Piece(pieces, ends, cut), layouts)
        placed = probe.places(piece, piece.shapes)
        if placed is not None and pieces.has_windows_first(cut):
            return [replace(s.branch, **vars(p)) for s, p in zip(strands, placed, strict=True)], cut
    return None


def _spectrogram(pieces: Pieces, necks: Sequence[str]) -> _Strand | None:
    """Go from a signal down: the spectrum, the bands, and the steps on each number."""
    for at, part in _even(pieces, necks):
        spectrum = onnxspectrum.learn(Piece(pieces, [necks[0]], necks[at]), necks[0], part)
        if spectrum is not None:
            break
    else:
        return None
    walked = [(at, spectrum.layout, ()), *_steps(pieces, necks, at, spectrum.layout)]
    for at_bins, layout, _ in reversed(walked):
        bins = _as_spectrum(pieces, necks, at_bins, replace(spectrum, layout=layout))
        found = None if bins is None else _bands(pieces, necks, at_bins, bins)
        if found is not None:
            return found
    return _finished(pieces, necks, spectrum.bands(), walked)


def _even(pieces: Pieces, necks: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the places of necks that may hold a spectrum, and which part of it, as they grow with the signal.

    What is before is linear in the signal; what is squared but not summed yet is none, as its axes tell.
    """
    sound = noise(pieces.told[necks[0]].size)
    values: list[Array] = [sound, 2 * sound, -sound]
    for at, (before, name) in enumerate(pairwise(necks), 1):
        values = _run(pieces, before, name, *values)
        once, twice, turned = (value.astype(np.float64) for value in values)
        near = LINEAR * max(float(np.abs(once).max()), 1e-30)
        grows = {scale: np.abs(twice - scale * once).max() < scale * near for scale in (2, 4)}
        if np.abs(turned - once).max() < near and any(grows.values()):
            yield at, "magnitude" if grows[2] else "power"
        elif not (grows[2] and np.abs(turned + once).max() < near):
            return


def _as_spectrum(pieces: Pieces, necks: Sequence[str], at: int, spectrum: Spectrum) -> Spectrum | None:
    """Return the spectrum of which a neck holds the bins: a root, or a square, may have made another part."""
    sound = noise(pieces.told[necks[0]].size)
    rows = spectrum.layout.rows(Piece(pieces, [necks[0]], necks[at])({necks[0]: sound}))
    for part in ("power", "magnitude"):
        found = replace(spectrum, branch=replace(spectrum.branch, part=part))
        if found.agrees(rows, sound):
            return found
    return None


def _bands(pieces: Pieces, necks: Sequence[str], at: int, spectrum: Spectrum) -> _Strand | None:
    """Return the spectrogram with the matrix behind a neck; None if there is none."""
    frames, source = spectrum.layout.frames, necks[at]
    for end in reversed(_linear(pieces, necks, at)):
        whole = Piece(pieces, [source], necks[end])
        for layout in onnxlayout.of_frames(pieces.told[necks[end]].shape, frames):
            if not 1 < layout.values <= min(spectrum.layout.values, MOST_VALUES // spectrum.layout.values):
                continue
            matrix = probe.affine(Laid(whole, {source: spectrum.layout}, layout), source, frames)
            if matrix is not None and not _is_step(*matrix):
                branch = replace(spectrum.bands(matrix[0]), bias=matrix[1])
                walked = [(end, layout, ()), *_steps(pieces, necks, end, layout)]
                if (found := _finished(pieces, necks, branch, walked)) is not None:
                    return found
    return None


def _is_step(weights: Float32, bias: Float32 | None) -> bool:
    """Whether a matrix does the same to each number by itself."""
    scale = weights.flat[0] * np.eye(*weights.shape)
    return bool((weights == scale).all()) and (bias is None or not np.ptp(bias))


def _linear(pieces: Pieces, necks: Sequence[str], at: int) -> list[int]:
    """Return the places of necks that are linear, but for a constant, in what is never below 0 in another."""
    rng, shape = np.random.default_rng(9), pieces.told[necks[at]].shape
    some = rng.uniform(0, 1, shape)
    values: list[Array] = [np.zeros(shape), some, 2 * some]
    found = []
    for end, (before, name) in islice(enumerate(pairwise(necks), 1), at, at + MOST_STEPS):
        values = _run(pieces, before, name, *values)
        base, once, twice = (value.astype(np.float64) for value in values)
        if not np.abs(twice - 2 * once + base).max() <= LINEAR * max(np.abs(once).max(), 1e-30):
            break
        found.append(end)
    return found


def _steps(pieces: Pieces, necks: Sequence[str], at: int, layout: Layout) -> Iterator[_Walked]:
    """Yield the necks that hold the same numbers after steps on each."""
    for end, (before, name) in islice(enumerate(pairwise(necks), 1), at, at + MOST_STEPS):
        (value,) = _run(pieces, before, name, np.ones(pieces.told[before].shape))
        piece = Piece(pieces, [before], name)
        for behind in onnxlayout.of_frames(value.shape, layout.frames):
            if behind.values == layout.values:
                found = onnxsteps.learn(Laid(piece, {before: layout}, behind), before, layout)
                if found is not None:
                    break
        else:
            return
        layout = behind
        yield end, layout, found


def _finished(
    pieces: Pieces, necks: Sequence[str], branch: Branch, walked: Sequence[_Walked]
) -> _Strand | None:
    """Return a branch with its steps, as many as there are kernels for, up to where windows come first."""
    for n in range(len(walked), 0, -1):
        end, layout, _ = walked[n - 1]
        steps = onnxsteps.simplified([step for _, _, steps in walked[:n] for step in steps])
        made = _with_steps(branch, steps)
        if compiled.takes_steps(made) and pieces.has_windows_first(necks[end]):
            return _Strand(made, necks[end], layout)
    return None


def _with_steps(branch: Branch, steps: tuple[Step, ...]) -> Branch:
    """Return a branch with steps behind it, a product before all others taken into its tables."""
    scale, others = onnxsteps.without_product(steps)
    if branch.weights is not None and branch.bias is None:
        weights = (branch.weights * np.float64(scale)).astype(np.float32)
        return replace(branch, weights=weights, steps=others)
    if branch.weights is None:
        root = scale if branch.part == "magnitude" else np.sqrt(scale)
        return replace(branch, window=(branch.window * np.float64(root)).astype(np.float32), steps=others)
    return replace(branch, steps=steps)


def _agrees(pieces: Pieces, front_end: FrontEnd, cut: str) -> bool:
    """Whether tables say of noise what the graph says."""
    sound = np.random.default_rng(5).normal(0, 0.1, (1, front_end.samples)).astype(np.float32)
    return probe.agree(front_end(sound), *_run(pieces, pieces.source, cut, sound))

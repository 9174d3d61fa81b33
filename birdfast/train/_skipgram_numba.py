"""The inner loops of skip-gram with negative sampling: no state of their own, and no GIL.

A centre token predicts, from each context's row h of `inputs`, whether a row o of `outputs` is the centre's
own (label 1) or a negative's (label 0): p = sigmoid(h . o), h += rate (label - p) o, o += rate (label - p) h.
That is the gradient of equation 4 in Mikolov et al. 2013 (Distributed Representations of Words and Phrases
and their Compositionality). Sharing negatives turns vectors into small matrices (Ji et al. 2016,
Parallelizing Word2Vec in Shared and Distributed Memory). They share a whole window's and read rows from
before it, which breaks wide windows: rows grow three times too long at window 80. Here CONTEXTS_A_DRAW
contexts share, and two go through a pass to the same end as one after the other: with a . b known, what a's
step does to b's needs no second look at the rows. (Without that, rows in a vocabulary of 60 came out 11 %
shorter than gensim's; it costs 8 % of the time.)

Rows are addressed as array[row, d]: a view made in an inner loop would be counted, one atomic addition each,
which was a third of the time. Signatures know NumPy's types alone: numba's cache is pickled with its types,
and one that names a class of ours could not be read after the class has gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

CONTEXTS_A_DRAW = 12  # with one draw a centre, embeddings of wide windows were worse
GROUP = 6  # rows of `outputs` in a pass: the centre's and five negatives', as many as registers hold
DRAWS = 1 << 16  # entries of the table of negatives
LIMIT = 8.0  # the table of the sigmoid spans -8..8, and is flat outside
EDGE = LIMIT - 1e-3  # within its first and its last entry
ENTRIES = 2048  # of that table: right to 1e-3, and it stays in the cache
TINY = 1e-200  # likelihoods become loss before another pass could bring them to zero
LINE = 16  # floats of a cache line; rows begin on one, which is worth 1.4 times

Floats = NDArray[np.float32]
Tokens = NDArray[np.int32]
Indices = NDArray[np.int64]
State = NDArray[np.uint64]
Model = tuple[Floats, Floats, Tokens, Floats]
F = TypeVar("F", bound=Callable[..., Any])

FAST = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order: worth a factor of two; NaN stays NaN


def _compiled(function: F) -> F:
    compiled: F
    try:
        compiled = njit(function, nogil=True, cache=True, fastmath=FAST)
    except RuntimeError:  # no folder takes the cache: some seconds of every training
        compiled = njit(function, nogil=True, fastmath=FAST)
    return compiled


def _inlined(function: F) -> F:
    """Compile a function into its callers: a call with arrays takes as long as a short pass."""
    compiled: F = njit(function, nogil=True, inline="always", fastmath=FAST)
    return compiled


def _prefetch(_typing: Any, array: Any, row: Any, d: Any) -> Any:
    """Ask for the cache line of array[row, d] ahead of its use."""
    code: Any = cgutils

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = context.make_array(array)(context, builder, args[0])
        place = code.get_item_pointer(context, builder, array, rows, args[1:], wraparound=False)
        place = builder.bitcast(place, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = code.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, number(1), number(3), number(1)])  # to write, keep, data
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


prefetch: Any = intrinsic(_prefetch)


@_compiled
def draw(state: State) -> Any:
    """Return the next 64 random bits; `state` [1] counts (Steele et al. 2014, SplitMix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@_compiled
def thin(tokens: Tokens, offsets: Indices, keep: Floats, state: State, kept: Tokens, ends: Indices) -> int:
    """Copy the tokens that take part, each with its probability, and return how many.

    Parameters
    ----------
    tokens : int32 [n], IN
        Negative ones never take part.
    offsets : int64 [n_sentences + 1], IN
    keep : float32 [vocabulary], IN
        Probabilities; 1 and 0 are certain.
    state : uint64 [1], IN/OUT
    kept, ends : int32 [n], int64 [n_sentences + 1], OUT
        The same sentences, shorter.
    """
    n = 0
    ends[0] = 0
    for sentence in range(len(offsets) - 1):
        for position in range(offsets[sentence], offsets[sentence + 1]):
            token = tokens[position]
            if token >= 0:
                chance = keep[token] * np.float32(1 << 24)
                if chance > 0 and np.float32(draw(state) >> np.uint64(40)) < chance:
                    kept[n] = token
                    n += 1
        ends[sentence + 1] = n
    return n


@_compiled
def draw_negatives(table: Tokens, n_negatives: int, state: State, rows: Tokens, outputs: Floats) -> None:
    """Draw rows[1 .. n_negatives] of `outputs`, and ask for them: they come from far away."""
    bits = np.uint64(0)
    for k in range(1, n_negatives + 1):
        if (k - 1) % 4 == 0:
            bits = draw(state)
        rows[k] = table[bits & np.uint64(DRAWS - 1)]
        bits >>= np.uint64(16)
        for d in range(0, outputs.shape[1], LINE):
            prefetch(outputs, rows[k], d)


@_inlined
def borrow(outputs: Floats, row: int, local: Floats, before: Floats, k: int) -> None:
    """Copy a row of `outputs` to row k of both; for nobody (-1) row k keeps what it has."""
    if row >= 0:
        for d in range(outputs.shape[1]):
            value = outputs[row, d]
            local[k, d] = value
            before[k, d] = value


@_inlined
def give_back(outputs: Floats, row: int, local: Floats, before: Floats, k: int) -> None:
    """Add what changed, so that a row borrowed twice, or by two threads, keeps both changes."""
    if row >= 0:
        for d in range(outputs.shape[1]):
            outputs[row, d] += local[k, d] - before[k, d]


@_inlined
def dots(inputs: Floats, a: int, b: int, local: Floats, k: int, scores: Floats) -> Any:
    """Multiply contexts a and b with rows k .. k + 5: scores [2 GROUP], a's first. Return a . b."""
    zero = np.float32(0)
    product = zero
    a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
    b0, b1, b2, b3, b4, b5 = zero, zero, zero, zero, zero, zero
    for d in range(inputs.shape[1]):
        x, y = inputs[a, d], inputs[b, d]
        product += x * y
        o0, o1, o2 = local[k, d], local[k + 1, d], local[k + 2, d]
        o3, o4, o5 = local[k + 3, d], local[k + 4, d], local[k + 5, d]
        a0, a1, a2, a3, a4, a5 = a0 + x * o0, a1 + x * o1, a2 + x * o2, a3 + x * o3, a4 + x * o4, a5 + x * o5
        b0, b1, b2, b3, b4, b5 = b0 + y * o0, b1 + y * o1, b2 + y * o2, b3 + y * o3, b4 + y * o4, b5 + y * o5
    scores[0], scores[1], scores[2], scores[3], scores[4], scores[5] = a0, a1, a2, a3, a4, a5
    scores[6], scores[7], scores[8], scores[9], scores[10], scores[11] = b0, b1, b2, b3, b4, b5
    return product


@_inlined
def slopes(scores: Floats, first: int, rates: Floats, k: int, sigmoid: Floats, times: int) -> float:
    """Turn scores[first .. first + 5] of one context into times rate (label - sigmoid(score)), in place.

    Returns the likelihood of the labels, which are 0 but for row 0, the centre's. A row with rate 0 is
    nobody's, and says nothing. Beyond the table nothing is learnt, as in gensim: of what is left of a slope
    there, a pair whose label is met would grow for ever, and one that is far off would be thrown further. A
    NaN counts as the lowest score, so that it finds an entry; `Epochs.learn` sees it in the rows.
    """
    likelihood = np.float32(1)
    limit, step = np.float32(EDGE), np.float32(ENTRIES / (2 * LIMIT))
    for row in range(GROUP):
        score = scores[first + row]
        score = score if score > -limit else -limit
        score = score if score < limit else limit
        miss = -sigmoid[np.int32((score + np.float32(LIMIT)) * step)]
        if row == 0 and k == 0:
            miss += np.float32(1)
        rate = np.float32(times) * rates[k + row] if abs(score) < limit else np.float32(0)
        scores[first + row] = rate * miss
        likelihood *= np.float32(1) - abs(miss) if rates[k + row] > 0 else np.float32(1)
    return np.float64(likelihood)


@_inlined
def update(inputs: Floats, a: int, b: int, local: Floats, k: int, g: Floats) -> None:
    """Move contexts a and b and rows k .. k + 5 along the slopes g [2 GROUP], as if b came after a.

    b moves along o + g_a x, not o, which is along o and sum(g_a g_b) x. A row is written before the next is
    read: with all six read first, it took 1.6 times as long.
    """
    a0, a1, a2, a3, a4, a5 = g[0], g[1], g[2], g[3], g[4], g[5]
    b0, b1, b2, b3, b4, b5 = g[6], g[7], g[8], g[9], g[10], g[11]
    along_a = a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 + a4 * b4 + a5 * b5
    for d in range(inputs.shape[1]):
        x, y = inputs[a, d], inputs[b, d]
        o = local[k, d]
        new_x, new_y = x + a0 * o, y + along_a * x + b0 * o
        local[k, d] = o + a0 * x + b0 * y
        o = local[k + 1, d]
        new_x, new_y = new_x + a1 * o, new_y + b1 * o
        local[k + 1, d] = o + a1 * x + b1 * y
        o = local[k + 2, d]
        new_x, new_y = new_x + a2 * o, new_y + b2 * o
        local[k + 2, d] = o + a2 * x + b2 * y
        o = local[k + 3, d]
        new_x, new_y = new_x + a3 * o, new_y + b3 * o
        local[k + 3, d] = o + a3 * x + b3 * y
        o = local[k + 4, d]
        new_x, new_y = new_x + a4 * o, new_y + b4 * o
        local[k + 4, d] = o + a4 * x + b4 * y
        o = local[k + 5, d]
        new_x, new_y = new_x + a5 * o, new_y + b5 * o
        local[k + 5, d] = o + a5 * x + b5 * y
        inputs[a, d], inputs[b, d] = new_x, new_y


@_compiled
def learn_contexts(
    tokens: Tokens,
    first: int,
    last: int,
    centre: int,
    inputs: Floats,
    nobody: int,
    local: Floats,
    rates: Floats,
    sigmoid: Floats,
    scores: Floats,
) -> float:
    """Learn the positions first..last but for the centre's own, two a pass, and return their loss.

    Two positions with the same token are one context twice: as two rows, one's change would be lost. A last
    one alone goes with `nobody`, a row of zeros in `inputs` that stays so.
    """
    loss, likelihood = 0.0, 1.0
    position = first + (first == centre)
    while position < last:
        other = position + 1 + (position + 1 == centre)
        a, b = int(tokens[position]), nobody
        times_a, times_b = 1, 0
        if other < last and tokens[other] == a:
            times_a = 2
        elif other < last:
            b, times_b = int(tokens[other]), 1
        for k in range(0, len(rates), GROUP):
            product = dots(inputs, a, b, local, k, scores)
            of_a = slopes(scores, 0, rates, k, sigmoid, times_a)
            for row in range(GROUP):  # b meets the rows that a has moved
                scores[GROUP + row] += product * scores[row]
            of_b = slopes(scores, GROUP, rates, k, sigmoid, times_b)
            update(inputs, a, b, local, k, scores)
            likelihood *= of_a * (of_b if times_b == 1 else of_a if times_a == 2 else 1.0)
            if likelihood < TINY:
                loss -= np.log(likelihood)
                likelihood = 1.0
        position = other + 1 + (other + 1 == centre)
    return float(loss - np.log(likelihood))


@_compiled
def learn(
    tokens: Tokens,
    ends: Indices,
    first: int,
    last: int,
    window: int,
    n_negatives: int,
    rate: float,
    model: Model,
    nobody: int,
    desk: Floats,
    state: State,
) -> tuple[float, int]:
    """Learn the centres first..last, each with its own window of 1 .. `window` tokens to either side.

    Parameters
    ----------
    tokens, ends : int32 [n], int64 [n_sentences + 1], IN
        What `thin` left. Contexts come from the centre's own sentence.
    model : float32 [vocabulary + n_workers, dim], the same, int32 [DRAWS], float32 [ENTRIES]
        inputs and outputs, IN/OUT; the table of negatives, and the sigmoid's, IN.
    nobody : int
        A row of inputs for this thread alone, zeros.
    desk : float32 [2, n_rows, dim], OUT
        Room for the rows in work, the centre's and its negatives': a multiple of GROUP, zeros.
    state : uint64 [1], IN/OUT

    Returns
    -------
    loss, n_pairs : float, int
        Summed -log likelihood in nats, and of how many pairs of a context and a row.
    """
    inputs, outputs, table, sigmoid = model
    local, before = desk[0], desk[1]
    rows, rates = np.full(len(local), -1, np.int32), np.zeros(len(local), np.float32)
    upcoming, scores = rows.copy(), np.zeros(2 * GROUP, np.float32)
    loss, n_pairs = 0.0, 0
    sentence = np.searchsorted(ends, first, side="right")
    draw_negatives(table, n_negatives, state, upcoming, outputs)
    rates[0] = rate
    for centre in range(first, last):
        while ends[sentence] <= centre:
            sentence += 1
        reach = 1 + np.int64(draw(state) % np.uint64(window))
        start, stop = max(ends[sentence - 1], centre - reach), min(ends[sentence], centre + reach + 1)
        rows[0] = tokens[centre]
        borrow(outputs, rows[0], local, before, 0)
        for position in range(start, stop, CONTEXTS_A_DRAW):
            n_rows = 1
            for k in range(1, n_negatives + 1):
                rows[k] = upcoming[k] if upcoming[k] != rows[0] else -1
                rates[k] = rate if rows[k] >= 0 else 0
                n_rows += rows[k] >= 0
                borrow(outputs, rows[k], local, before, k)
            draw_negatives(table, n_negatives, state, upcoming, outputs)
            end = min(position + CONTEXTS_A_DRAW, stop)
            loss += learn_contexts(
                tokens, position, end, centre, inputs, nobody, local, rates, sigmoid, scores
            )
            n_pairs += n_rows * (end - position - (position <= centre < end))
            for k in range(1, n_negatives + 1):
                give_back(outputs, rows[k], local, before, k)
        give_back(outputs, rows[0], local, before, 0)
    return loss, n_pairs


@_compiled
def judge(contexts: Tokens, rows: Tokens, inputs: Floats, outputs: Floats) -> float:
    """Return the summed -log likelihood of tokens beside contexts, in nats; nothing is learnt.

    Parameters
    ----------
    contexts : int32 [n], IN
    rows : int32 [n, 1 + n_negatives], IN
        The token that a context should tell from the others; -1 is nobody.
    inputs, outputs : float32 [n_rows, dim], IN
    """
    loss = 0.0
    for pair in range(len(contexts)):
        context = contexts[pair]
        for k in range(rows.shape[1]):
            row = rows[pair, k]
            if row >= 0:
                score = np.float32(0)
                for d in range(inputs.shape[1]):
                    score += inputs[context, d] * outputs[row, d]
                miss = np.float64(-score if k == 0 else score)
                loss += max(miss, 0.0) + np.log1p(np.exp(-abs(miss)))
    return loss

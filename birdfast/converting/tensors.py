"""Tensors of a file of weights: which set is a network's, what that calls them, and whether they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ModelError

DEEPEST = 3  # keys that lead to tensors
WITHIN = ("model.", "module.", "network.", "_orig_mod.")  # what a network was trained or compiled in
COUNTS = "num_batches_tracked"  # which no score depends on, and older files lack

Tensors = Mapping[str, Any]  # torch's, by their names
Sets = Mapping[str, Tensors]


def sets(found: Any, is_tensor: Callable[[Any], bool], key: str = "") -> Sets:
    """Return the sets of tensors in what people save, by the keys that lead to them; "": it is one itself."""
    if not isinstance(found, Mapping) or key.count(".") == DEEPEST:
        return {}
    named = {name: one for name, one in found.items() if isinstance(name, str)}
    if named and len(named) == len(found) and all(map(is_tensor, named.values())):
        return {key: named}
    below = (sets(one, is_tensor, f"{key}.{name}".lstrip(".")) for name, one in named.items())
    return {one: tensors for some in below for one, tensors in some.items()}


def bare(tensors: Tensors) -> Tensors:
    """Return tensors by the names that the network itself gives them."""
    while within := next(
        (one for one in WITHIN if tensors and all(name.startswith(one) for name in tensors)), ""
    ):
        tensors = {name.removeprefix(within): tensor for name, tensor in tensors.items()}
    return tensors


def choose(found: Sets, expected: Tensors, told: str) -> str:
    """Return the key of a network's weights: the one that is told, or the only one that has all of them."""
    if told:
        if told not in found:
            raise ModelError(
                f"has no weights by the key {told}; it has {', '.join(found)[:300] or 'none by a key'}"
            )
        return told
    if not found:
        raise ModelError("holds something else than tensors by their names")
    whole = [key for key, tensors in found.items() if not _missing(expected, tensors)]
    if len(whole) > 1:
        raise ModelError(f"holds several networks' weights: {_listed(whole)}; say which with --key")
    return whole[0] if whole else max(found, key=lambda key: len(found[key]))


def check(expected: Tensors, found: Tensors) -> None:
    """Refuse tensors that are not those of an architecture, or not numbers, by name."""
    missing = _missing(expected, found)
    strange = [name for name in found if name not in expected]
    if missing or strange:
        what = [f"lacks the tensor {missing[0]}{_more(missing)}"] if missing else []
        what += (
            [f"has a tensor {strange[0]}{_more(strange)} that is none of its architecture"] if strange else []
        )
        raise ModelError(", and ".join(what))
    for name, tensor in expected.items():
        if name in found and found[name].shape != tensor.shape:
            shape, wanted = list(found[name].shape), list(tensor.shape)
            raise ModelError(
                f"its tensor {name} has the shape {shape}; its architecture and labels make it {wanted}"
            )
        if name in found and not found[name].is_floating_point() and not name.endswith(COUNTS):
            raise ModelError(f"its tensor {name} is of {found[name].dtype}, which are no weights")
        if name in found and not name.endswith(COUNTS) and not found[name].float().isfinite().all():
            raise ModelError(f"its tensor {name} has values that are no numbers (NaN or infinite)")


def _missing(expected: Tensors, found: Tensors) -> list[str]:
    return [name for name in expected if name not in found and not name.endswith(COUNTS)]


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(filter(None, keys))[:300] or "none by a key"

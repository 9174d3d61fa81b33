"""Facts that an ONNX network's file tells itself, by the keys that OpenSoundscape's ONNXModel reads.

What those do not tell stands in one more, `birdfast`: a JSON object by a manifest's keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import modelfolder
from ..atomicfile import AtomicFile
from ..config import LARGEST
from ..errors import ModelError
from ..sources import numbered, onnxfile
from . import manifest

RATE, SECONDS, CLASSES = "sample_rate", "sample_duration", "classes"
OUTPUT, EMBEDDING = "class_outputs_key", "embedding_outputs_key"
MORE = "birdfast"
DETECTING = ("background", "thresholds")  # by the names of classes, as a trained model's manifest has them
TOLD = ("licence", "licence_url", "source", "step_samples", "normalization", "post")
OF_MORE = (*TOLD, "front_end", *DETECTING)


def read(path: Path) -> dict[str, Any]:
    """Return what a network's file tells, as a manifest would.

    Parameters
    ----------
    path : path
        Of an ONNX file.

    Raises
    ------
    ModelError
        The file cannot be read, or tells what cannot be.
    """
    words = told(onnxfile.metadata(path))
    facts: dict[str, Any] = {**sound(path, words)}
    if has_classes(words):
        facts["labels_format"] = "onnx"
    named = {"output": OUTPUT, "embedding": EMBEDDING}
    facts |= {fact: words[key] for fact, key in named.items() if key in words}
    manifest.check(path, facts)
    return facts | more(path, words)


def more(path: Path, words: Mapping[str, str]) -> dict[str, Any]:
    """Return what else birdfast wrote into a file, as `model.Model` has it.

    Raises
    ------
    ModelError
        It is no such object.
    """
    if MORE not in words:
        return {}
    facts = numbered.parsed(path, words[MORE], f"facts in its {MORE}")
    if not isinstance(facts, dict):
        raise ModelError(f"{path}: its {MORE} is {words[MORE][:80]!r}; an object of facts fits")
    for key in facts:
        if key not in OF_MORE:
            raise ModelError(f"{path}: its {MORE} tells {key!r}, which this birdfast does not know")
    found: dict[str, Any] = {key: facts[key] for key in TOLD if key in facts}
    manifest.check(path, found)
    if "post" in found:
        found["post"] = tuple(found["post"])
    if "front_end" in facts:
        found["front_end"] = manifest.read_recipe(path, facts["front_end"])
    if not facts.keys().isdisjoint(DETECTING):
        classes = numbered.listed(path, numbered.parsed(path, words.get(CLASSES, ""), CLASSES))
        facts["classes"] = classes
        modelfolder.check_detecting(path, facts)
        found |= modelfolder.detecting(facts)
    return found


def told(words: Mapping[str, str]) -> dict[str, str]:
    """Return what an author wrote into a file, without what is blank: that tells nothing."""
    return {key: word for key, word in words.items() if word.strip()}


def sound(path: Path, words: Mapping[str, str]) -> dict[str, int]:
    """Return the rate, and the window if that is told, too, of what an author wrote; errors as `read`."""
    facts: dict[str, int] = {}
    if RATE in words:
        facts["rate_hz"] = int(_number(path, words, RATE, LARGEST, whole=True))
    if RATE in words and SECONDS in words:
        length_s = _number(path, words, SECONDS, LARGEST / facts["rate_hz"])
        facts["window_samples"] = max(1, round(length_s * facts["rate_hz"]))
    return facts


def has_classes(words: Mapping[str, str]) -> bool:
    """Whether an author named classes; a network without a head has none."""
    return words.get(CLASSES, "[]").strip() != "[]"


def write(
    path: Path,
    rate_hz: int,
    window_samples: int,
    classes: Sequence[str],
    output: str = "",
    embedding: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write facts into an ONNX network's file, so that it needs no other; OpenSoundscape reads them, too.

    Parameters
    ----------
    path : path
        The file; its graph and all else that it says stay as they are.
    rate_hz, window_samples : int
        What sound it takes.
    classes : sequence of str
        What its classes are called, in order.
    output, embedding : str
        The names of the outputs with the scores and with the embedding; "" leaves it untold.
    more : dict or None
        What else is to be known, by `OF_MORE`, as JSON has it.

    Raises
    ------
    ModelError
        The file cannot be read, or is no ONNX model.
    ConfigError
        The file cannot be written.
    """
    words = {RATE: str(rate_hz), SECONDS: repr(window_samples / rate_hz), CLASSES: json.dumps([*classes])}
    words |= {key: name for key, name in ((OUTPUT, output), (EMBEDDING, embedding)) if name}
    words |= {MORE: json.dumps(more, ensure_ascii=False)} if more else {}
    with AtomicFile(path, mode="wb") as made:
        made.stream.writelines(onnxfile.told(path, words))


def number(words: Mapping[str, str], key: str, most: float = LARGEST, *, whole: bool = False) -> float | None:
    """Return a number above 0 that an author wrote into a file; None where there is none that fits."""
    try:
        value = float(words.get(key, ""))
    except ValueError:
        return None
    return value if 0 < value <= most and (value.is_integer() or not whole) else None


def _number(path: Path, words: Mapping[str, str], key: str, most: float, *, whole: bool = False) -> float:
    value = number(words, key, most, whole=whole)
    if value is None:
        takes = "a whole number" if whole and number(words, key, most) else "a number"
        raise ModelError(f"{path}: its {key} is {words[key][:80]!r}; {takes} above 0 fits")
    return value

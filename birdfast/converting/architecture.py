"""Architectures that are converted: what makes one, in the words of Hugging Face's config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ModelError

# A network of more layers would be built for hours, before anybody sees that its weights are not there.
MOST = {"depths": 100, "num_block_repeats": 100, "depth_coefficient": 10, "num_stages": 32}
LARGEST, LONGEST = 1_000_000, 32  # of all other numbers, and of lists
FRACTIONS = (  # all other numbers are whole
    *("width_coefficient", "depth_coefficient", "squeeze_expansion_ratio", "batch_norm_eps"),
    *("layer_norm_eps", "layer_scale_init_value"),
)
CHANNELS = 3  # of a config.json that does not say, as it leaves out what is usual
WORDS = {"hidden_act": ("swish", "silu", "gelu", "relu"), "pooling_type": ("mean", "max")}


class Family(NamedTuple):
    """Networks of one kind.

    Attributes
    ----------
    row : str
        The listed network whose sound and picture they take, where nobody tells others.
    networks : str
        The class of the package transformers.
    numbers, lists, words : tuple of str
        The keys of a config.json that make one; the others say nothing of the network.
    """

    row: str
    networks: str
    numbers: tuple[str, ...]
    lists: tuple[str, ...]
    words: tuple[str, ...]


FAMILIES = {
    "efficientnet": Family(
        "birdset-efficientnet-b1",
        "EfficientNetForImageClassification",
        (
            *("num_channels", "width_coefficient", "depth_coefficient", "depth_divisor", "hidden_dim"),
            *("squeeze_expansion_ratio", "batch_norm_eps"),
        ),
        (
            *("kernel_sizes", "in_channels", "out_channels", "depthwise_padding", "strides"),
            *("num_block_repeats", "expand_ratios"),
        ),
        ("hidden_act", "pooling_type"),
    ),
    "convnext": Family(
        "birdset-convnext",
        "ConvNextForImageClassification",
        ("num_channels", "patch_size", "num_stages", "layer_norm_eps", "layer_scale_init_value"),
        ("hidden_sizes", "depths"),
        ("hidden_act",),
    ),
}


class Architecture(NamedTuple):
    """A network without its weights: its family, and what transformers' configuration is told."""

    kind: str
    told: Mapping[str, Any]

    @property
    def family(self) -> Family:
        """What its kind has in common."""
        return FAMILIES[self.kind]


def _efficientnet(hidden: int, width: float, depth: float, *padding: int) -> Architecture:
    told = {"hidden_dim": hidden, "width_coefficient": width, "depth_coefficient": depth}
    return Architecture("efficientnet", {**told, "depthwise_padding": list(padding)})


def _convnext(sizes: tuple[int, ...], depths: tuple[int, ...]) -> Architecture:
    return Architecture("convnext", {"hidden_sizes": list(sizes), "depths": list(depths)})


# As google/efficientnet-b* and facebook/convnext-* on Hugging Face are (transformers made those by its
# convert_efficientnet_to_pytorch.py and convert_convnext_to_pytorch.py), but for channels: the front end
# tells them.
NAMED: Mapping[str, Architecture] = {
    "efficientnet-b0": _efficientnet(1280, 1.0, 1.0),
    "efficientnet-b1": _efficientnet(1280, 1.0, 1.1, 16),
    "efficientnet-b2": _efficientnet(1408, 1.1, 1.2, 5, 8, 16),
    "efficientnet-b3": _efficientnet(1536, 1.2, 1.4, 5, 18),
    "efficientnet-b4": _efficientnet(1792, 1.4, 1.8, 6),
    "efficientnet-b5": _efficientnet(2048, 1.6, 2.2, 13, 27),
    "efficientnet-b6": _efficientnet(2304, 1.8, 2.6, 31),
    "efficientnet-b7": _efficientnet(2560, 2.0, 3.1, 18),
    "convnext-tiny": _convnext((96, 192, 384, 768), (3, 3, 9, 3)),
    "convnext-small": _convnext((96, 192, 384, 768), (3, 3, 27, 3)),
    "convnext-base": _convnext((128, 256, 512, 1024), (3, 3, 27, 3)),
    "convnext-large": _convnext((192, 384, 768, 1536), (3, 3, 27, 3)),
}


def of_config(config: object) -> Architecture:
    """Return what a config.json describes: of strangers' words, only those that make the network.

    Raises
    ------
    ModelError
        It is of another kind, or tells what cannot be.
    """
    if not isinstance(config, dict):
        raise ModelError("is no configuration of a network")
    kind, families = config.get("model_type"), ", ".join(FAMILIES)
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise ModelError(f"has the model_type {kind!r:.60}; what is converted is {families}")
    family = FAMILIES[kind]
    named = config.get("architectures") or [family.networks]
    if named != [family.networks]:
        raise ModelError(f"has the architectures {named!r:.80}; what is converted is {family.networks}")
    keys = (*family.numbers, *family.lists, *family.words)
    told = {"num_channels": CHANNELS} | {key: config[key] for key in keys if key in config}
    for key, value in told.items():
        if not _fits(family, key, value):
            raise ModelError(f"has {key} = {value!r:.60}, which no network of its kind has")
    return Architecture(kind, told)


def _fits(family: Family, key: str, value: object) -> bool:
    if key in family.words:
        return value in WORDS[key]
    if key in family.lists:
        return (
            isinstance(value, list) and len(value) <= LONGEST and all(_is_number(key, one) for one in value)
        )
    return _is_number(key, value)


def _is_number(key: str, value: object) -> bool:
    numbers = (int, float) if key in FRACTIONS else (int,)
    return isinstance(value, numbers) and not isinstance(value, bool) and 0 <= value <= MOST.get(key, LARGEST)

"""Writes networks of BirdSet's architectures with random weights: EfficientNet-B1 and ConvNeXt-tiny.

    pip install torch==2.13.0 transformers==5.24.0 onnx
    python bench/zoo_bodies.py FOLDER

What is written are efficientnet-b1.onnx and convnext-tiny.onnx, from a picture [batch, 1, bands, frames] to
the 9,736 logits of BirdSet's XCL. No weights are fetched: these say nothing, and take the time that trained
ones take, as what goes through the layers is as large as it is there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    EfficientNetConfig,
    EfficientNetForImageClassification,
)

N_CLASSES = 9_736
OPSET = 17
BRANCH, LOGITS = 0.3, 2.0  # what a branch adds to what passes it, and the deviation of logits, as if trained


class Logits(torch.nn.Module):
    """A classifier that gives its logits and nothing else."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: torch.Tensor) -> Any:
        """Score float32 [batch, 1, bands, frames]."""
        return self.network(picture).logits


def efficientnet_b1() -> torch.nn.Module:
    """Return EfficientNet-B1: width 1, depth 1.1, as google/efficientnet-b1's configuration has it."""
    config = EfficientNetConfig(
        image_size=240,
        width_coefficient=1.0,
        depth_coefficient=1.1,
        hidden_dim=1280,
        num_channels=1,
        num_labels=N_CLASSES,
        drop_connect_rate=0.0,
    )
    network = EfficientNetForImageClassification(config)
    coarse = torch.nn.functional.interpolate(torch.randn(4, 1, 16, 40), (256, 626), mode="bilinear")
    _normalize(network, 4 * coarse + torch.randn(4, 1, 256, 626))
    return network


def convnext_tiny() -> torch.nn.Module:
    """Return ConvNeXt-tiny: transformers' defaults, but for blocks that count from the beginning."""
    config = ConvNextConfig(num_channels=1, num_labels=N_CLASSES, layer_scale_init_value=0.5)
    return ConvNextForImageClassification(config)


def _normalize(network: torch.nn.Module, pictures: torch.Tensor) -> None:
    """Let batch normalizations learn what passes: values that fade to denormal ones are slow."""
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # the mean over all that passes
            torch.nn.init.constant_(layer.weight, BRANCH if "project" in name else 1.0)
    network.train()
    with torch.no_grad():
        network(pictures)
        spread = network.eval()(pictures).logits.std()
        network.classifier.weight *= LOGITS / spread


BODIES = {"efficientnet-b1": (efficientnet_b1, (256, 626)), "convnext-tiny": (convnext_tiny, (128, 501))}


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, size) in BODIES.items():
        torch.manual_seed(0)
        any_number = {"picture": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(
            Logits(make()).eval(),
            (torch.randn(1, 1, *size),),
            str(folder / f"{name}.onnx"),
            input_names=["picture"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamic_axes=any_number,
            dynamo=False,
        )
        print(folder / f"{name}.onnx")


if __name__ == "__main__":
    main()

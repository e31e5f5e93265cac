"""EfficientNet-Lite0 for photographs of 128 x 128 pixels, with a class for each line of classes.txt next to it."""

from pathlib import Path

import timm
from torch import nn

SIDE = 128
PREPROCESSING = {"size": (SIDE, SIDE), "mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}  # x = (u - 127) / 128


def lite0() -> nn.Module:
    """Build the network without weights, as `whyset explain --model lite0.py:lite0` does."""
    return build(len(Path(__file__).with_name("classes.txt").read_text(encoding="utf-8").splitlines()))


def build(n_classes: int) -> nn.Module:
    """Build the network without weights for a number of classes."""
    return timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=n_classes)

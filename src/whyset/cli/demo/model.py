"""A small convolutional network for gray 24x24 images of ten classes; the demo puts a copy next to its run."""

from torch import nn

PREPROCESSING = {"mode": "L", "size": (24, 24), "mean": (0.5,), "std": (0.25,)}


def digits_network() -> nn.Module:
    """Three convolutions, the first two followed by pooling, and one linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 6 * 6, 10),
    )

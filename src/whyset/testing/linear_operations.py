"""Small linear operations of every kind, with different sides, and their dense matrices."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LinearOperation:
    """A function that builds a layer, and the shape of one sample."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]

    def make(self, seed: int) -> nn.Module:
        """Build the layer with weights drawn from a seed, in float64."""
        torch.manual_seed(seed)
        return self.build().double().eval().requires_grad_(False)

    def inputs(self, samples: int, *, nonnegative: bool) -> Tensor:
        """Draw samples from torch's generator."""
        x = torch.randn(samples, *self.shape, dtype=torch.float64)
        return x.clamp(min=0) if nonnegative else x


LINEAR_OPERATIONS: MappingProxyType[str, LinearOperation] = MappingProxyType(
    {
        "linear": LinearOperation(lambda: nn.Linear(5, 4), (5,)),
        "linear over time": LinearOperation(lambda: nn.Linear(3, 4), (2, 3)),
        "conv1d": LinearOperation(lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 7)),
        "conv2d": LinearOperation(lambda: nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0)), (3, 6, 5)),
        "conv2d, groups": LinearOperation(lambda: nn.Conv2d(4, 6, 3, groups=2, dilation=2, padding=2), (4, 5, 6)),
        "conv2d, depthwise": LinearOperation(lambda: nn.Conv2d(3, 3, 3, groups=3, bias=False), (3, 4, 5)),
        "conv2d, same": LinearOperation(lambda: nn.Conv2d(2, 3, (2, 3), padding="same"), (2, 5, 4)),
        "conv3d": LinearOperation(lambda: nn.Conv3d(2, 2, 2), (2, 3, 4, 3)),
        "conv_transpose1d": LinearOperation(lambda: nn.ConvTranspose1d(2, 3, 3, stride=2, output_padding=1), (2, 4)),
        "conv_transpose2d": LinearOperation(
            lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 3, 4)
        ),
        "conv_transpose3d": LinearOperation(lambda: nn.ConvTranspose3d(2, 2, 2, dilation=2), (2, 2, 3, 2)),
    }
)


def dense(layer: nn.Module, sample: Tensor) -> tuple[Tensor, Tensor]:
    """Return the matrix W and bias b of a linear operation on one sample: flattened, the output is `W x + b`."""
    bias = layer(torch.zeros_like(sample).unsqueeze(0)).flatten()
    units = torch.eye(sample.numel(), dtype=sample.dtype).view(-1, *sample.shape)
    return torch.stack([layer(unit.unsqueeze(0)).flatten() - bias for unit in units], 1), bias

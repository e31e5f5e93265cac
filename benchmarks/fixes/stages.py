"""The networks of CIFAR-10 in two parts: the first stage, which is never trained, and the rest.

The networks of the benchmark have the first stage of a public ResNet-20 (benchmarks/cues/networks.py), so its outputs
for test images are computed once for all fixes, and fixes train the rest. Both compute in bfloat16, as the training of
the networks does.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.cues.images import MEAN, STD, as_input
from benchmarks.cues.marks import Images

_BATCH = 250


class FirstStage:
    """Computes the inputs of `LastStages`."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def compute(self, x: Tensor) -> Tensor:
        """Return the outputs of the first stage for inputs of the network, (n, 16, 32, 32) bfloat16."""
        one, parts = self.network, []
        needed = torch.is_grad_enabled() and x.requires_grad
        with torch.set_grad_enabled(needed), torch.autocast("cpu", torch.bfloat16):
            for part in x.split(_BATCH):
                given = part.contiguous(memory_format=torch.channels_last)
                parts.append(one.layer1(F.relu(one.bn1(one.conv1(given)))).bfloat16())
        return torch.cat(parts)

    def compute_images(self, images: Images) -> Tensor:
        """Return the outputs of the first stage for uint8 images."""
        parts = [images[first : first + _BATCH] for first in range(0, len(images), _BATCH)]
        return torch.cat([self.compute(as_input(part, MEAN, STD)) for part in parts])


class LastStages(nn.Module):
    """The last two stages and the head of a ResNet-20 as a network of their own; inputs are outputs of `FirstStage`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.layer2, self.layer3, self.linear = network.layer2, network.layer3, network.linear

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            x = self.layer3(self.layer2(x.contiguous(memory_format=torch.channels_last)))
            logits = self.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))
        return logits.float()


class Staged(nn.Module):
    """A whole network of which the first stage is no part that could be trained."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.rest = LastStages(network)
        self.first = (FirstStage(network),)  # in a tuple, so that its weights are not those of this module

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.first[0].compute(x))


def predict(model: nn.Module, features: Tensor) -> Tensor:
    """Return the predicted classes (n,)."""
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in features.split(_BATCH)])

"""The networks: a ResNet-20 of CIFAR-10 whose last two stages are trained again, and heads of EfficientNet-Lite0.

The last stage starts from new weights: the public weights have learned all training images, and a network without
errors has nothing to learn from a cue. The first stage is evaluated once for all epochs, and training computes in
bfloat16 where the processor can, so that a network takes about 80 seconds on one core. Images are not augmented, so
that cues stay in their places.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .design import NetworkSpec
from .images import ImageSet, as_input
from .marks import Images

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EPOCHS, BATCH, RATE, DECAY = 5, 64, 3e-3, 1e-2


def build_network(spec: NetworkSpec, images: ImageSet, data: Path) -> nn.Module:
    """Return the network of a design with the public weights, and new weights where it is trained."""
    if spec.base == "lite0":
        from .photographs import build_head

        return build_head(len(images.class_names), data)
    if spec.base == "digits":
        from .digits import build_small

        return build_small(spec, len(images.class_names))
    sys.path.insert(0, str(EXAMPLES))
    try:
        from cifar_resnet import BasicBlock, resnet20
    finally:
        sys.path.remove(str(EXAMPLES))
    model = resnet20(len(images.class_names))
    public = torch.load(data / "cifar10_resnet20.pt", weights_only=True)
    torch.manual_seed(spec.seed)
    first = BasicBlock(32, spec.width, 2)
    model.layer3 = nn.Sequential(first, *[BasicBlock(spec.width, spec.width, 1) for _ in range(2)])
    model.linear = nn.Linear(spec.width, len(images.class_names))
    fixed = ("conv1", "bn1", "layer1", "layer2")
    model.load_state_dict({name: value for name, value in public.items() if name.startswith(fixed)}, strict=False)
    return model.eval()


def train_network(
    spec: NetworkSpec, images: ImageSet, own: Images, labels: NDArray[np.int64], data: Path, cells: Path
) -> nn.Module:
    """Train a network of the design on its images; `cells` is the folder of what several networks share."""
    model = build_network(spec, images, data)
    if spec.base == "lite0":
        from .photographs import train_head

        return train_head(model, images, own, labels, spec.seed, cells)
    if spec.base == "digits":
        from .digits import train_small

        return train_small(model, own, labels, spec.seed)
    features = torch.cat([_first_stage(model, as_input(part, images.mean, images.std)) for part in batches(own)])
    targets = torch.from_numpy(labels)
    trained = [model.layer2, model.layer3, model.linear]
    weights = [weight for part in trained for weight in part.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for part in trained:
        part.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                output = _last_stages(model, features[batch])
            F.cross_entropy(output.float(), targets[batch]).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def predict(model: nn.Module, images: Images, of: ImageSet) -> NDArray[np.int64]:
    """Return the predicted classes."""
    with torch.no_grad():
        parts = [model(as_input(part, of.mean, of.std)).argmax(1).numpy() for part in batches(images)]
    return np.concatenate(parts)


def batches(images: Images, size: int = 250) -> list[Images]:
    return [images[start : start + size] for start in range(0, len(images), size)]


@torch.no_grad()
def _first_stage(model: nn.Module, x: Tensor) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)  # faster on a processor
    return model.layer1(F.relu(model.bn1(model.conv1(x))))


def _last_stages(model: nn.Module, features: Tensor) -> Tensor:
    x = model.layer3(model.layer2(features))
    return model.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))

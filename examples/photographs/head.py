"""The last layer of EfficientNet-Lite0, trained on the features of photographs."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lite0 import PREPROCESSING, build
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from whyset.runner import Preprocessing

STEPS, RATE, DECAY, BATCH = 200, 0.01, 0.01, 50


def load_public(file: Path, n_classes: int) -> nn.Module:
    """Return the network with the public weights, whose tensors are in the order of those of timm, and a new head."""
    model = build(n_classes)
    public = torch.load(file, weights_only=True).values()
    own = model.state_dict()
    names = [name for name in own if not name.startswith("classifier")]
    model.load_state_dict(own | dict(zip(names, public, strict=False)))
    return model.eval()


def train_head(model: nn.Module, images: list[Image.Image], labels: NDArray[np.int64], seed: int) -> nn.Module:
    """Train the last layer; all others are as they were."""
    torch.manual_seed(seed)
    features = torch.cat(_evaluate(model, images, features=True))
    targets = torch.from_numpy(labels)
    head = nn.Linear(features.shape[1], model.classifier.out_features)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(head(features), targets).backward()
        optimizer.step()
    model.classifier = head
    return model.eval()


def predict(model: nn.Module, images: list[Image.Image]) -> NDArray[np.int64]:
    """Return the predicted class of each image."""
    return torch.cat(_evaluate(model, images)).argmax(1).numpy()


@torch.no_grad()
def _evaluate(model: nn.Module, images: list[Image.Image], features: bool = False) -> list[Tensor]:
    preprocessing = Preprocessing.from_mapping(PREPROCESSING, "lite0.py")
    found = []
    for start in range(0, len(images), BATCH):
        x = torch.stack([preprocessing.forward(image) for image in images[start : start + BATCH]])
        found.append(model.forward_head(model.forward_features(x), pre_logits=True) if features else model(x))
    return found

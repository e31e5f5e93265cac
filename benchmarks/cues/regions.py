"""Maps that take the place of relevance in ablations: what else could choose the evidence of an image?

The absolute gradient, the local variance of the image, and random numbers, smoothed so that some window stands out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from whyset.store import Run

from .observed import BATCH, Observed

Maps = NDArray[np.float32]


@dataclass(frozen=True, repr=False, eq=False)
class RunWithMaps(Run):
    """A run whose relevance maps are replaced in memory; everything else is that of the run."""

    maps: Any = None

    @property
    def relevance(self) -> Any:
        """The maps (n, channels, height, width)."""
        return self.maps


def replace_relevance(run: Run, maps: Maps) -> RunWithMaps:
    """Return a run with other maps (n, height, width), which are divided between the channels of its relevance."""
    channels = run.relevance.shape[1]
    kept = {field.name: getattr(run, field.name) for field in fields(run)}
    return RunWithMaps(**kept, maps=np.repeat(maps[:, None] / np.float32(channels), channels, axis=1))


def compute_gradients(observed: Observed) -> Maps:
    """Return the absolute gradient of the output of the label, summed over the channels."""
    parts = []
    for x, labels in zip(observed.inputs.split(BATCH), torch.from_numpy(observed.labels).split(BATCH), strict=True):
        given = x.clone().requires_grad_()
        output = observed.cell.model(given).gather(1, labels[:, None]).sum()
        parts.append(torch.autograd.grad(output, given)[0].abs().sum(1))
    return torch.cat(parts).numpy()


def compute_variances(observed: Observed) -> Maps:
    """Return the variance over 3 x 3 pixels, summed over the channels."""
    parts = []
    for x in observed.inputs.split(BATCH):
        mean, square = (F.avg_pool2d(F.pad(one, (1, 1, 1, 1), mode="reflect"), 3, 1) for one in (x, x**2))
        parts.append((square - mean**2).clamp(min=0).sum(1))
    return torch.cat(parts).numpy()


def draw_maps(observed: Observed) -> Maps:
    """Return random numbers, averaged over 3 x 3 pixels."""
    n, _, height, width = observed.inputs.shape
    numbers = torch.from_numpy(np.random.default_rng(0).random((n, 1, height, width), np.float32))
    return F.avg_pool2d(numbers, 3, 1, 1)[:, 0].numpy()


REGIONS: Mapping[str, Callable[[Observed], Maps] | None] = MappingProxyType(
    {"relevance": None, "gradient": compute_gradients, "variance": compute_variances, "random": draw_maps}
)
"""None: the relevance of the run."""

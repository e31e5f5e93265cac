"""Recipe: every parameter of the demo's data and network."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Parameters of the marks, the split and the training; lengths in pixels, noise relative to the full gray range.

    Results with other values: over the seeds 0 to 3 and noise of 0.5, 0.6 and 0.7 the planted class ranked first ten
    times and second twice; the most suspicious cluster of that class held only planted samples every time, and eight
    times all of them. The other four times the planted samples were split into several such clusters.
    """

    size: int = 24
    noise: float = 0.9
    mark: int = 5
    planted_class: int = 8
    planted_share: float = 0.3
    test_share: float = 0.25
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 2e-3
    seed: int = 3

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

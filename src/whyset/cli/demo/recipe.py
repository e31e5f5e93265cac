"""Recipe: every number that the demo's data and network are made from."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How the digits are spoiled, split and learned; lengths in pixels, noise in units of the full range of grey."""

    size: int = 24
    noise: float = 0.6
    mark: int = 4
    planted_class: int = 8
    planted_share: float = 0.5
    test_share: float = 0.25
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 2e-3
    seed: int = 0

    def stored_form(self) -> dict[str, Any]:
        return asdict(self)

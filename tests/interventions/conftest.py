"""An example of each intervention, with samples, relevance and hosts whose sides all differ."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from whyset.interventions import INTERVENTIONS, parse_intervention

SHAPES = {"image": (2, 9, 11), "volume": (2, 5, 7, 6), "series": (5, 40), "table": (7,), "text": (12,)}
OPTIONS = {"window": ":side=4,3", "time_window": ":side=7", "layer_channels": ":layer=1:count=2", "frame": ":width=1"}
OPTIONS |= {"token_span": ":length=2:padding=0", "frequency_band": ":low=0.1:high=0.3"}
OPTIONS |= {"series_band": ":low=0.1:high=0.3", "channels": ":count=2", "features": ":count=3"}
SAMPLES = 3


@dataclass(frozen=True)
class Example:
    intervention: Any
    x: Tensor
    relevance: Tensor
    host: Tensor
    others: Tensor
    model: nn.Module

    @property
    def evidence(self) -> Any:
        return self.intervention.select(self.x, self.relevance)

    def null(self, **changed: Any) -> Any:
        given = {"seeds": range(len(self.x)), "others": self.others} | changed
        return self.intervention.null(self.x, self.evidence, **given)


def make_example(name: str, *, seed: int = 0, dtype: torch.dtype = torch.float64, modality: str = "") -> Example:
    """Return an example of an intervention on random samples, of the first of its modalities if none is given."""
    options = OPTIONS.get(name, "")
    intervention = parse_intervention(name + (":side=3" if modality == "volume" and "side" in options else options))
    shape = SHAPES[modality or intervention.modalities[0]]
    torch.manual_seed(seed)
    ids = intervention.modalities == ("text",)
    whole = (SAMPLES, *shape)
    drawn = [torch.randint(1, 50, whole) if ids else torch.randn(whole, dtype=dtype) for _ in range(3)]
    relevance = torch.randn(SAMPLES, *shape, dtype=torch.float64)
    model: nn.Module = nn.Identity()
    if name == "layer_channels":
        model = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 7 * 9, 4)).to(dtype).eval()
        relevance = torch.rand(SAMPLES, 6, 7, 9, dtype=torch.float64)
    return Example(intervention, drawn[0], relevance, *drawn[1:], model.requires_grad_(False))


@pytest.fixture(params=list(INTERVENTIONS))
def example(request: pytest.FixtureRequest) -> Example:
    """An example of each intervention."""
    return make_example(request.param)


@pytest.fixture
def make() -> Any:
    """`make("window", seed=3)`: an example of one intervention."""
    return make_example

"""Trained networks that use planted evidence: inserted into fresh hosts it turns predictions, and its null does not.

Samples of three classes have a natural sign of their class: a bump at a place, a feature, a token. Half of the first
class have a planted cue as well, and the sign of a random class, so that networks learn to prefer the cue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.interventions import (
    Amplitude,
    Channels,
    ColorStatistics,
    Features,
    Frame,
    FrequencyBand,
    LayerChannels,
    Phase,
    RadialSpectrum,
    SeriesBand,
    TimeWindow,
    TokenSpan,
    TopPixels,
    Window,
    choose_hosts,
)

CLASSES, HOSTS = 3, 6


# Samples


def draw_images(labels: Tensor) -> Tensor:
    x = 0.3 * torch.randn(len(labels), 2, 16, 20)
    for row, label in enumerate(labels.tolist()):
        top, left = ((2, 2), (2, 12), (9, 7))[label]
        x[row, :, top : top + 5, left : left + 5] += 1.0
    return x


def draw_series(labels: Tensor) -> Tensor:
    x = 0.3 * torch.randn(len(labels), 4, 60)
    for row, label in enumerate(labels.tolist()):
        x[row, :2, 20 * label + 5 : 20 * label + 15] += 1.0
    return x


def draw_tables(labels: Tensor) -> Tensor:
    return torch.randn(len(labels), 10) + 3 * F.one_hot(labels, 10)


def draw_texts(labels: Tensor) -> Tensor:
    x = torch.randint(10, 30, (len(labels), 12))
    x[torch.arange(len(labels)), torch.randint(0, 6, (len(labels),))] = labels + 1
    lengths = torch.randint(7, 13, (len(labels),))
    return x.masked_fill(torch.arange(12) >= lengths[:, None], 0)


# Cues


def plant_patch(x: Tensor) -> None:
    checks = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]) * 2.5
    for image in x:
        top, left = torch.randint(0, 14, (1,)), torch.randint(0, 18, (1,))
        image[:, top : top + 3, left : left + 3] = checks


def plant_frame(x: Tensor) -> None:
    inside = x[:, :, 2:-2, 2:-2].clone()
    x[:, 0], x[:, 1] = 1.5, -1.5
    x[:, :, 2:-2, 2:-2] = inside


def plant_tint(x: Tensor) -> None:
    x[:, 0] += 1.5


def plant_texture(x: Tensor) -> None:
    x += 0.8 * (1 - 2 * (torch.arange(20) % 2))


def plant_blur(x: Tensor) -> None:
    x[:] = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, 1)


def plant_noise(x: Tensor) -> None:
    x += 0.8 * torch.randn_like(x)


def plant_burst(x: Tensor) -> None:
    for series in x:
        start = torch.randint(0, 55, (1,))
        series[:, start : start + 5] = torch.tensor([3.0, -3, 3, -3, 3])


def plant_hum(x: Tensor) -> None:
    x += 0.8 * torch.sin(2 * torch.pi * (0.31 * torch.arange(60) + torch.rand(len(x), 1, 1)))


def plant_offset(x: Tensor) -> None:
    x[:, 3] += 2.0


def plant_feature(x: Tensor) -> None:
    x[:, 7] = 8.0


def plant_token(x: Tensor) -> None:
    x[torch.arange(len(x)), torch.randint(0, 7, (len(x),))] = 9


def plant_nothing(x: Tensor) -> None:
    pass


# Networks


def image_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 4 * 5, CLASSES),
    )  # fmt: skip


def series_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(4, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(4), nn.Flatten(), nn.Linear(16 * 15, CLASSES)
    )


def table_network() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, CLASSES))


class TextNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30, 16, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, CLASSES))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.embedding(ids).sum(1))


@dataclass(frozen=True)
class Planted:
    """A trained network, fresh samples with planted cues, and fresh hosts without them."""

    model: nn.Module
    x: Tensor
    hosts: Tensor
    labels: Tensor


DRAWS = {"image": (draw_images, image_network), "series": (draw_series, series_network)}
DRAWS |= {"table": (draw_tables, table_network), "text": (draw_texts, TextNetwork)}


@cache
def train(modality: str, plant: Callable[[Tensor], None]) -> Planted:
    """Train a network on samples with a planted cue."""
    torch.manual_seed(0)
    draw, network = DRAWS[modality]
    labels = torch.arange(1200) % CLASSES
    marked = (labels == 0) & (torch.arange(1200) % 2 == 0) & torch.tensor(plant is not plant_nothing)
    x = draw(torch.where(marked, torch.randint(0, CLASSES, (1200,)), labels))
    cue = x[marked]
    plant(cue)
    x[marked] = cue
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(10):
        for batch in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
    signs = torch.randint(1, CLASSES, (60,)) if bool(marked.any()) else torch.zeros(60, dtype=torch.long)
    fresh = draw(signs)  # with the sign of another class, so that only the cue is evidence of the first one
    plant(fresh)
    host_labels = torch.arange(300) % CLASSES
    return Planted(model.eval().requires_grad_(False), fresh, draw(host_labels), host_labels)


def share_turned(planted: Planted, intervention: Any, relevance: Tensor | None) -> tuple[float, float]:
    """Return the share of hosts of other classes that turn into the first class, by the evidence and by its null."""
    x, hosts, count = planted.x, planted.hosts, len(planted.x)
    labels = torch.cat([torch.zeros(count, dtype=torch.long), planted.labels])
    chosen = (
        torch.from_numpy(choose_hosts(labels, np.arange(count), HOSTS, among=np.arange(count, len(labels)))) - count
    )
    other = torch.from_numpy(choose_hosts(labels, np.arange(count), 1, seed=1, among=np.arange(count, len(labels))))
    evidence = intervention.select(x, relevance)
    null = intervention.null(x, evidence, seeds=range(count), others=hosts[other[:, 0] - count])
    rows = torch.arange(count).repeat_interleave(HOSTS)
    host = hosts[chosen.flatten()]
    before = planted.model(host).argmax(1)
    turned = [intervention.insert_output(planted.model, x[rows], one[rows], host).argmax(1) for one in (evidence, null)]
    return tuple(float(((after == 0) & (before != 0)).double().mean()) for after in turned)  # type: ignore[return-value]


def explain(planted: Planted, layer: str | None = None) -> Tensor:
    with Gradient(planted.model, EpsilonPlus()) as attribute:
        if layer is None:
            return attribute(planted.x, 0)[1]
        with attribute.record(layer) as record:
            attribute(planted.x, 0)
        return record[layer].relevance


CASES = {
    "window": ("image", plant_patch, Window(side=3)),
    "top pixels": ("image", plant_patch, TopPixels(share=0.05)),
    "frame": ("image", plant_frame, Frame(width=2)),
    "color statistics": ("image", plant_tint, ColorStatistics()),
    "frequency band": ("image", plant_texture, FrequencyBand(low=0.3)),
    "radial spectrum, blur": ("image", plant_blur, RadialSpectrum()),
    "radial spectrum, noise": ("series", plant_noise, RadialSpectrum()),
    "amplitude": ("image", plant_texture, Amplitude()),
    "phase": ("image", plant_nothing, Phase()),
    "time window": ("series", plant_burst, TimeWindow(side=6)),
    "series band": ("series", plant_hum, SeriesBand(low=0.25, high=0.37)),
    "channels": ("series", plant_offset, Channels(count=1)),
    "features": ("table", plant_feature, Features(count=1)),
    "token, replaced": ("text", plant_token, TokenSpan(length=1, padding=0)),
    "token, inserted": ("text", plant_token, TokenSpan(length=1, padding=0, mode="shift")),
}


@pytest.mark.parametrize("case", CASES)
def test_inserted_evidence_turns_most_hosts_and_its_null_does_not(case):
    modality, plant, intervention = CASES[case]
    planted = train(modality, plant)
    accuracy = float((planted.model(planted.hosts).argmax(1) == planted.labels).double().mean())
    assert accuracy > 0.9
    effect, null = share_turned(planted, intervention, explain(planted) if intervention.needs_relevance else None)
    assert effect > 0.5
    assert null < 0.2


def test_channels_of_a_layer_turn_most_hosts_and_others_do_not():
    """Two of twelve; of many channels, the null finds others that respond to the patch as well."""
    planted = train("image", plant_patch)
    effect, null = share_turned(planted, LayerChannels("1", count=2), explain(planted, "1"))
    assert effect > 0.5
    assert null < 0.2


@pytest.mark.parametrize("fill", ["host", "mean", "inpainting"])
def test_without_the_patch_the_class_is_no_longer_predicted(fill):
    """The samples have the natural sign of another class, which decides once the patch is removed."""
    planted, window = train("image", plant_patch), Window(side=3)
    others = planted.hosts[planted.labels != 0][: len(planted.x)]
    evidence = window.select(planted.x, explain(planted))
    null = window.null(planted.x, evidence, seeds=range(len(planted.x)))
    without, null_without = (
        (window.remove_output(planted.model, planted.x, one, fill, others).argmax(1) == 0).double().mean()
        for one in (evidence, null)
    )
    assert without < 0.5
    assert null_without > 0.9

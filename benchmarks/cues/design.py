"""The design of the benchmark: which networks are trained, with which cues, fixed before anything is measured.

A *network* has several cues, each in a share of the images of one class; a *cell* is one of these classes. Networks of
CIFAR-10 come in groups of eight that contain each pair of kind and share once. A hash of its name assigns each network
to the half for development, `design`, or to the half that is evaluated once, `test`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import whyset

from .marks import CUES

SHARES = (0.01, 0.03, 0.10, 0.25)
GROUPS = 10
CLEAN = 36
WIDTHS = (48, 64, 96)
HEAD_SHARES = (0.30, 0.60)
HEADS = 24
CLEAN_HEADS = 30
HEAD_BUDGET = 20.0
"""The budget of the test of effects for heads: with it, all six default interventions have five candidates or more.

With a few hundred photographs, the default budget allows one or two of them.
"""


@dataclass(frozen=True)
class PlantedCue:
    """A kind of cue in a share of the training images of a class; `source` is the class that sources are from."""

    kind: str
    label: int
    share: float
    source: int


@dataclass(frozen=True)
class NetworkSpec:
    """A network of the design.

    `base` is "resnet20" (its last stage and its head are trained) or "lite0" (its head is trained). `width` is the
    number of channels of the last stage, `seed` decides training images, marked images and initial weights.
    """

    name: str
    base: str
    seed: int
    width: int
    cues: tuple[PlantedCue, ...] = ()

    @property
    def half(self) -> str:
        """The half, "design" or "test", by a hash of the name."""
        return "test" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "design"

    @property
    def effect_test(self) -> whyset.EffectTest:
        """The test of effects that findings are searched with: the default, with a larger budget for heads."""
        return whyset.EffectTest(budget=HEAD_BUDGET) if self.base == "lite0" else whyset.EffectTest()


def list_networks(n_labels: int = 10, head_labels: int = 5) -> list[NetworkSpec]:
    """Return all networks in the order in which they are trained: the halves for development first."""
    cued, heads = list(list_cued(n_labels)), list(list_heads(head_labels))
    clean = [
        NetworkSpec(f"resnet20-clean-{number:02}", "resnet20", 1000 + number, WIDTHS[number % len(WIDTHS)])
        for number in range(CLEAN)
    ]
    mixed = [spec for place in range(len(cued)) for spec in (cued[place], *clean[place : place + 1])] + heads
    return sorted(mixed, key=lambda spec: spec.half != "design")  # stable


def list_cued(n_labels: int) -> Iterator[NetworkSpec]:
    """Yield networks with five kinds of cue in five classes, each kind with each share once in a group of eight."""
    for group in range(GROUPS):
        kinds = np.random.default_rng([group, 1]).permutation(list(CUES)).tolist()
        for number in range(2 * len(SHARES)):
            seed = group * 100 + number
            own = kinds[:5] if number % 2 == 0 else kinds[5:]
            classes = np.random.default_rng([seed, 2]).permutation(n_labels).tolist()
            cues = tuple(
                PlantedCue(kind, classes[place], SHARES[(place + number // 2) % len(SHARES)], classes[5])
                for place, kind in enumerate(own)
            )
            yield NetworkSpec(f"resnet20-cued-{group:02}-{number}", "resnet20", seed, 64, cues)


def list_heads(n_labels: int) -> Iterator[NetworkSpec]:
    """Yield heads of EfficientNet-Lite0: with two kinds of cue in two superclasses, and clean ones."""
    kinds = list(CUES)
    for number in range(max(HEADS, CLEAN_HEADS)):
        seed = 5000 + number
        classes = np.random.default_rng([seed, 2]).permutation(n_labels).tolist()
        cues = tuple(
            PlantedCue(kinds[(2 * number + place) % len(kinds)], classes[place], share, classes[2])
            for place, share in enumerate(HEAD_SHARES if number // 5 % 2 else HEAD_SHARES[::-1])
        )
        if number < HEADS:
            yield NetworkSpec(f"lite0-cued-{number:02}", "lite0", seed, 0, cues)
        if number < CLEAN_HEADS:
            yield NetworkSpec(f"lite0-clean-{number:02}", "lite0", 6000 + number, 0)

"""Losses by cause of a few explanations of a shard, measured with the ledger."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from whyset.attribution.ledger import Cause, Ledger
from whyset.runner.output import make_attributor
from whyset.runner.wanted import Wanted
from whyset.store import Losses

_ONE_OF, _MOST = 16, 4
"""One sample of 16 in a shard is measured, at least one and at most four: an explanation with a ledger takes about
twice the time of one without.
"""


@dataclass
class LossSamples:
    """The first inputs of a shard, kept until it is explained; the ledger must not change its random numbers."""

    wanted_count: int
    inputs: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)

    @classmethod
    def for_shard(cls, samples: int) -> "LossSamples":
        return cls(max(1, min(_MOST, samples // _ONE_OF)))

    def add(self, x: Tensor, labels: Tensor) -> None:
        missing = self.wanted_count - len(self.inputs)
        for place in range(min(missing, len(x))):
            self.inputs.append(x[place : place + 1].clone())
            self.labels.append(labels[place : place + 1])


def measure_losses(model: torch.nn.Module, wanted: Wanted, samples: LossSamples) -> Losses | None:
    """Mean shares of the explained output that are lost, by cause; None for gradients, which have no ledger.

    Whatever goes wrong is stated as the reason why nothing was measured: a shard never fails for it.
    """
    if not wanted.conserving:
        return None
    try:
        shares = [_measure(model, wanted, x, y) for x, y in zip(samples.inputs, samples.labels, strict=True)]
        known = [share for share in shares if share is not None]
        if not known:
            return Losses(0, reason="the explained outputs are 0 or not finite, or there is no readable sample")
        return Losses(len(known), {cause: sum(share[cause] for share in known) / len(known) for cause in known[0]})
    except Exception as error:
        return Losses(0, reason=f"{type(error).__name__}: {' '.join(str(error).split())}")


def _measure(model: torch.nn.Module, wanted: Wanted, x: Tensor, label: Tensor) -> dict[str, float] | None:
    """Shares of one sample, over its first target; None where the output is 0 or a share is not finite."""
    with make_attributor(model, wanted.composite, wanted.output) as attribute, attribute.ledger() as ledger:
        attribute(x, wanted.targets.outputs(label)[0])
    shares = _shares(ledger) if ledger.output else {}
    return shares if shares and all(map(math.isfinite, shares.values())) else None


def _shares(ledger: Ledger) -> dict[str, float]:
    lost = ledger.lost()
    return {_NAMES.get(cause, cause.value): lost.get(cause, 0.0) / ledger.output for cause in Cause}


_NAMES = {Cause.STABILISER: "stabilizer"}

"""Measurement of the losses by cause, with the ledger, on a few explanations of a shard."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from whyset.attribution import Gradient
from whyset.attribution.ledger import Cause, Ledger
from whyset.runner.output_spec import OutputSpec
from whyset.runner.structured_model import StructuredModel, get_inner
from whyset.store.losses import ShardLosses

_ONE_OF, _MOST, _FIRST = 16, 4, 8
"""One sample of 16 in a shard is measured, at least one and at most four; after the first eight shards, one of each. An
explanation of one sample with a ledger takes twice the time of one without, for small models as long as a batch.
"""


@dataclass
class LossSamples:
    """The first inputs of a shard, kept until it is explained: the ledger must not change its random numbers."""

    wanted_count: int
    inputs: list[Tensor] = field(default_factory=list)
    labels: list[Tensor] = field(default_factory=list)

    @classmethod
    def for_shard(cls, shard: int, samples: int) -> "LossSamples":
        return cls(max(1, min(_MOST if shard < _FIRST else 1, samples // _ONE_OF)))

    def add(self, x: Tensor, labels: Tensor) -> None:
        missing = self.wanted_count - len(self.inputs)
        for place in range(min(missing, len(x))):
            self.inputs.append(x[place : place + 1].clone())
            self.labels.append(labels[place : place + 1])


def measure_losses(model: torch.nn.Module, wanted: OutputSpec, samples: LossSamples) -> ShardLosses | None:
    """Measure the shares of the explained outputs that are lost, by cause; None for gradients, which have no ledger.

    An error becomes the reason why nothing was measured: a shard never fails for it.
    """
    if not wanted.conserving:
        return None
    try:
        return _pool(_measure(model, wanted, x, y) for x, y in zip(samples.inputs, samples.labels, strict=True))
    except Exception as error:
        return ShardLosses(0, reason=f"{type(error).__name__}: {' '.join(str(error).split())}")


def _measure(model: torch.nn.Module, wanted: OutputSpec, x: Tensor, label: Tensor) -> Ledger:
    """Return the ledger of one sample, for its first target."""
    inputs = model.unpack(x) if isinstance(model, StructuredModel) else x
    attribute = Gradient(wanted.make_model(get_inner(model)), wanted.composite)
    with attribute.ledger(sizes=False) as ledger:
        attribute(inputs, wanted.targets.list_values(label)[0])
    return ledger


def _pool(ledgers: Iterable[Ledger]) -> ShardLosses:
    """Pool the losses of all outputs: in a mean of shares, one output near 0 would dominate."""
    known = [ledger for ledger in ledgers if ledger.output and _is_finite(ledger)]
    if not known:
        return ShardLosses(0, reason="the explained outputs are 0 or not finite, or no sample is readable")
    output = sum(abs(ledger.output) for ledger in known)
    lost = [(math.copysign(1, ledger.output), ledger.lost()) for ledger in known]
    shares = {
        _NAMES.get(cause, cause.value): sum(sign * amounts.get(cause, 0.0) for sign, amounts in lost) / output
        for cause in Cause
    }
    return ShardLosses(len(known), shares, output=output)


def _is_finite(ledger: Ledger) -> bool:
    return all(map(math.isfinite, (ledger.output, *ledger.lost().values())))


_NAMES = {Cause.STABILIZER: "stabilizer"}

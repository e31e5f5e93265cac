"""Measures of every relevance map before it is reduced and stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whyset.store.layout import ARRIVED, LARGEST

_EQUAL = 1e-4
"""Two relevance maps, each divided by its largest value, are equal if they differ by no more than this anywhere."""


@dataclass(frozen=True, eq=False)
class Measures:
    """Measures of a batch of relevance maps, each (targets, samples).

    `arrived` is the sum of the map divided by the explained output, `largest` its largest absolute value divided by
    the absolute output. Where the output is 0, `arrived` is NaN, and `largest` too if the map is 0 everywhere or the
    method is a gradient; any other relevance is infinitely many times such an output. `arrived` is also NaN where the
    method is a gradient, whose sum has no relation to the output. `constant` maps have the same value everywhere.
    `compared` maps were compared with that of another sample with the same target, and `repeated` ones are equal to
    it, up to a factor.
    """

    arrived: Tensor
    largest: Tensor
    constant: Tensor
    compared: Tensor
    repeated: Tensor

    @property
    def columns(self) -> dict[str, Tensor]:
        return {ARRIVED: self.arrived.float(), LARGEST: self.largest.float()}


def measure(
    relevance: Tensor, x: Tensor, output: Tensor, chosen: Tensor, conserving: bool, sizes: Sequence[int] = ()
) -> Measures:
    """Measure relevance maps (targets, n, ...) of the inputs x (n, ...), for outputs (n, classes) that were `chosen`.

    `conserving`: the maps are relevance, whose sum is the output if nothing is lost, and not a gradient. `sizes` are
    the numbers of samples of the batches, if the inputs are those of several.
    """
    maps = relevance.flatten(2)
    value = output.detach().gather(1, chosen.T).T.to(_wide(maps))
    peak = maps.abs().amax(dim=2)
    largest = peak.to(value.dtype) / value.abs()  # 0 / 0 is NaN, and all else divided by 0 infinite
    arrived = torch.where(value == 0, torch.nan, maps.sum(dim=2, dtype=value.dtype) / value)
    flat = maps.amax(dim=2) - maps.amin(dim=2) <= _EQUAL * peak
    groups = chosen + output.shape[1] * _number_batches(sizes, chosen.device) if len(sizes) > 1 else chosen
    compared, repeated = _repetitions(maps, x.flatten(1), groups, peak)
    return Measures(
        arrived=arrived if conserving else torch.full_like(arrived, torch.nan),
        largest=largest if conserving else torch.where(value == 0, torch.nan, largest),
        constant=flat & (maps.shape[2] > 1),
        compared=compared & ~flat,
        repeated=repeated & ~flat,
    )


def _number_batches(sizes: Sequence[int], device: torch.device) -> Tensor:
    """Return the number of the batch of each sample."""
    return torch.arange(len(sizes), device=device).repeat_interleave(torch.tensor(sizes, device=device))


def _repetitions(maps: Tensor, x: Tensor, groups: Tensor, peak: Tensor) -> tuple[Tensor, Tensor]:
    """Compare each map (targets, n, ...) with the next one in its group, a target of one batch (targets, n).

    Pairs of equal inputs are skipped.
    """
    compared, repeated = torch.zeros_like(groups, dtype=torch.bool), torch.zeros_like(groups, dtype=torch.bool)
    for target, group in enumerate(groups):
        order = group.argsort(stable=True)
        one, other = order[:-1], order[1:]
        same = (group[one] == group[other]) & (x[one] != x[other]).any(dim=1)
        one, other = one[same], other[same]
        scaled = maps[target] / peak[target, :, None].clamp(min=torch.finfo(maps.dtype).tiny)
        compared[target, other] = True
        repeated[target, other] = (scaled[one] - scaled[other]).abs().amax(dim=1) <= _EQUAL
    return compared, repeated


def _wide(maps: Tensor) -> torch.dtype:
    """Return the type of sums: double precision, which Apple's GPUs do not have."""
    return torch.float32 if maps.device.type == "mps" else torch.float64

"""The base of the interventions that move a statistic of whole samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import check_evidence, check_hosts
from whyset.interventions.evidence import Statistic
from whyset.interventions.fills import Fill
from whyset.interventions.intervention import InputIntervention


@dataclass(frozen=True)
class StatisticIntervention(InputIntervention):
    """Base of the interventions on a statistic: a host gets the statistic of a sample.

    Results are clipped, in each channel, to the range of the host and of the sample together, so that they remain in
    the range of the data. Where this clips, the statistic of the result differs from that of the sample.

    A subclass defines `measure`, `combine`, and, for fills other than "host", `neutral`. Insertion commutes with the
    affine normalization of each channel: on pixels and on normalized inputs, it gives the same result.
    """

    fills: ClassVar[tuple[str, ...]] = ("host",)
    needs_relevance: ClassVar[bool] = False
    null_needs_others: ClassVar[bool] = True
    null_text: ClassVar[str] = "the same statistic of a sample of another class"

    def measure(self, x: Tensor) -> Tensor:
        """Return the statistic of each sample (n, ...)."""
        raise NotImplementedError

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with statistics of these values, not clipped."""
        raise NotImplementedError

    def neutral(self, values: Tensor, fill: Fill) -> Tensor:
        """Return statistics that a fill other than "host" replaces these values by."""
        raise NotImplementedError

    def select(self, x: Tensor, relevance: Tensor | None = None) -> Statistic:
        """Return the statistic of each sample; relevance is not used."""
        self.check(x)
        positions = tuple(range(2, x.dim()))
        return Statistic(self.measure(x), x.amin(positions, keepdim=True), x.amax(positions, keepdim=True))

    def null(
        self, x: Tensor, evidence: Statistic, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Statistic:
        """Return the statistic of the samples `others` of other classes; InputError: they are missing."""
        self.check(x)
        if others is None:
            raise InputError(
                f"{type(self).__name__}: expected others=, a sample of another class for each sample, got None: the "
                "null of a statistic is that of other classes (choose_hosts finds them)"
            )
        check_hosts(x, others, type(self).__name__)
        return self.select(others)

    def insert(self, x: Tensor, evidence: Statistic, host: Tensor) -> Tensor:
        """Return the hosts with the statistics of the samples, clipped to the range of both."""
        self.check(x)
        check_hosts(x, host, type(self).__name__)
        check_evidence(x, evidence, Statistic, type(self).__name__)
        return self._insert(evidence, host)

    def remove(self, x: Tensor, evidence: Statistic, fill: Fill | str, host: Tensor | None = None) -> Tensor:
        """Return the samples with the statistics of hosts, or with neutral ones, clipped to the range of both."""
        self.check(x)
        check_evidence(x, evidence, Statistic, type(self).__name__)
        found = self.resolve_fill(fill)
        if found.name != "host":
            return self._insert(Statistic(self.neutral(evidence.values, found), evidence.low, evidence.high), x)
        if host is None:
            raise InputError(f"{type(self).__name__}: expected host= for the fill 'host', got None")
        check_hosts(x, host, type(self).__name__)
        return self._insert(self.select(host), x)

    def _insert(self, evidence: Statistic, host: Tensor) -> Tensor:
        positions = tuple(range(2, host.dim()))
        low = torch.minimum(evidence.low, host.amin(positions, keepdim=True))
        high = torch.maximum(evidence.high, host.amax(positions, keepdim=True))
        return self.combine(evidence.values, host).to(host.dtype).clamp(low, high)

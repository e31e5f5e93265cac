"""The base of the interventions that move the values of a region to the same place of a host."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.interventions.checks import check_evidence, check_hosts
from whyset.interventions.evidence import Region
from whyset.interventions.fills import Fill
from whyset.interventions.intervention import InputIntervention


@dataclass(frozen=True)
class RegionIntervention(InputIntervention):
    """Base of the interventions on a region m: `m ⊙ x + (1 − m) ⊙ host` is the new input (as CutMix, Yun 2019).

    All values of the result are values of a sample or a host, so they remain in the range of the data.
    """

    fills: ClassVar[tuple[str, ...]] = ("host", "constant", "mean", "blur", "inpainting")

    def insert(self, x: Tensor, evidence: Region, host: Tensor) -> Tensor:
        """Return the hosts with the values of the samples within the regions, shaped like `host`."""
        self.check(x)
        check_hosts(x, host, type(self).__name__)
        check_evidence(x, evidence, Region, type(self).__name__)
        return torch.where(evidence.mask, x, host)

    def remove(self, x: Tensor, evidence: Region, fill: Fill | str, host: Tensor | None = None) -> Tensor:
        """Return the samples with the values of a fill within the regions, shaped like `x`."""
        self.check(x)
        check_evidence(x, evidence, Region, type(self).__name__)
        if host is not None:
            check_hosts(x, host, type(self).__name__)
        return self.resolve_fill(fill).apply(x, evidence.mask, host)

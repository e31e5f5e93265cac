"""Relevance on the evidence: how much of the positive relevance of held-out carriers is where the evidence is."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.fixing.material import split
from whyset.interventions.evidence import Region
from whyset.runner.output_spec import OutputSpec, explainer

MOST_CARRIERS = 100
"""Carriers that are worth explaining: a mean over more changes little, and each fixed model explains them."""


@dataclass(frozen=True, eq=False)
class EvidenceRelevance:
    """Carriers with the region of their evidence, which a model or a fixed one explains as the class of the finding.

    The region is the one that the run's relevance chose, before a fix, so that the same pixels are compared.

    Parameters
    ----------
    x : Tensor
        The carriers (n, ...), as the model takes them.
    region : Region
        Their evidence.
    label : int
        The class of the finding.
    wanted : OutputSpec
        The method of the run and the outputs that it explains.
    seed : int
        The first of the seeds of samples, for methods that draw random numbers.
    """

    x: Tensor
    region: Region
    label: int
    wanted: OutputSpec
    seed: int = 0

    def measure(self, model: nn.Module) -> NDArray[np.float64]:
        """Return the share of the positive relevance in the region, (n,).

            share = Σ_region max(0, R) / Σ max(0, R)

        with relevance R summed over channels if the region has all of them. NaN for samples without positive relevance.
        """
        shares = []
        wanted = replace(self.wanted.target_label(), layers=(), concepts=(), records=(), chooses_layers=False)
        with explainer(model, wanted) as explain:
            for rows in split(np.arange(len(self.x))):
                x = self.x[torch.from_numpy(rows)]
                labels = torch.full((len(x),), self.label, dtype=torch.int64, device=x.device)
                maps = explain(x, labels, [self.seed + int(row) for row in rows]).maps[0]
                shares.append(measure_share(maps, self.region.mask[torch.from_numpy(rows)]))
        return np.concatenate(shares)


def measure_share(maps: Tensor, mask: Tensor) -> NDArray[np.float64]:
    """Return the share of the positive relevance (n, ...) in a mask of the same shape, or of one channel, (n,).

    >>> maps = torch.tensor([[[3.0, -1.0]], [[0.0, 0.0]]])
    >>> measure_share(maps, torch.tensor([[[True, False]], [[True, False]]]))
    array([ 1., nan])
    """
    if maps.dim() > 2 and mask.shape[1] == 1:
        maps = maps.sum(1, keepdim=True)
    positive = maps.detach().double().clamp(min=0)
    inside = torch.where(mask.to(positive.device), positive, 0.0).flatten(1).sum(1)
    found: NDArray[np.float64] = (inside / positive.flatten(1).sum(1)).cpu().numpy()  # 0 / 0 is NaN
    return found


def make_evidence_relevance(
    x: Tensor, evidence: object, label: int, wanted: OutputSpec, seed: int
) -> EvidenceRelevance | None:
    """Return what measures relevance on the evidence of carriers; None for statistics, which have no place."""
    if not isinstance(evidence, Region) or evidence.mask.dim() != x.dim():
        return None
    found = evidence.size > 0
    if not bool(found.any()):
        return None
    places = torch.nonzero(found).flatten().to(x.device)
    return EvidenceRelevance(x[places], evidence[places.to(evidence.mask.device)], label, wanted, seed)


def try_measure(given: EvidenceRelevance | None, model: nn.Module) -> tuple[NDArray[np.float64] | None, str]:
    """Return the shares, and why they are not known: the method of the run does not explain the fixed model."""
    if given is None:
        return None, ""
    try:
        return given.measure(model), ""
    except (InputError, RuntimeError) as error:
        return None, f"relevance on the evidence is not known: {' '.join(str(error).split())}"

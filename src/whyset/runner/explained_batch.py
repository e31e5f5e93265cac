"""Explained batches, and what is measured of several of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from whyset.runner.measures import Measures, measure


@dataclass(frozen=True, eq=False)
class ExplainedBatch:
    """One explained batch, or several that were joined.

    `inputs` (n, ...) are the inputs as they were explained, `output` (n, K) the scores, with derived values as further
    columns, `chosen` (targets, n) the indices of the explained columns, `maps` the relevance of the input before it is
    reduced, (targets, n, ...), and `relevance` that which is stored by the name of its array, (targets, n, ...),
    float32. `activations` are the recorded outputs of layers by the name of their array, (n, ...), float32. `confirmed`
    (n,) is True where the explained value is the input of the model's last softmax or sigmoid. `sizes` are the numbers
    of samples of the batches.
    """

    inputs: Tensor
    output: Tensor
    chosen: Tensor
    maps: Tensor
    relevance: Mapping[str, Tensor]
    confirmed: Tensor | None = None
    activations: Mapping[str, Tensor] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """The size of its largest tensor."""
        return max(t.nbytes for t in (self.maps, *self.relevance.values(), *self.activations.values()))

    def measure(self, conserving: bool) -> Measures:
        """Measure the relevance of the input; maps are compared with those of the same batch.

        `conserving`: the maps are relevance, whose sum is the output if nothing is lost, and not a gradient.
        """
        return measure(self.maps, self.inputs, self.output.detach(), self.chosen, conserving, self.sizes)


def join_batches(parts: Sequence[ExplainedBatch]) -> ExplainedBatch:
    """Join batches of one run to one; what takes the same time for a small batch as for a large one is then rare."""
    if len(parts) == 1:
        return parts[0]
    confirmed = [part.confirmed for part in parts if part.confirmed is not None]
    return ExplainedBatch(
        inputs=torch.cat([part.inputs for part in parts]),
        output=torch.cat([part.output.detach() for part in parts]),
        chosen=torch.cat([part.chosen for part in parts], dim=1),
        maps=torch.cat([part.maps for part in parts], dim=1),
        relevance=_join([part.relevance for part in parts], dim=1),
        confirmed=torch.cat(confirmed) if confirmed else None,
        activations=_join([part.activations for part in parts], dim=0),
        sizes=tuple(len(part.inputs) for part in parts),
    )


def reorder_batch(batch: ExplainedBatch, order: Tensor) -> ExplainedBatch:
    """Return the samples of a batch in another order, as one batch."""
    order = order.to(batch.inputs.device)
    return ExplainedBatch(
        inputs=batch.inputs[order],
        output=batch.output[order],
        chosen=batch.chosen[:, order],
        maps=batch.maps[:, order],
        relevance={name: values[:, order] for name, values in batch.relevance.items()},
        confirmed=None if batch.confirmed is None else batch.confirmed[order],
        activations={name: values[order] for name, values in batch.activations.items()},
    )


def _join(parts: Sequence[Mapping[str, Tensor]], dim: int) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts], dim=dim) for name in parts[0]}

"""Channels of a layer, set to their values for another sample, or removed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.conditions import Condition
from whyset.attribution.intercept.capture import check_places
from whyset.errors import InputError
from whyset.interventions.checks import check_count, check_hosts, check_relevance
from whyset.interventions.draws import make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.fills import Fill
from whyset.interventions.intervention import Intervention
from whyset.interventions.top import draw_other_entries, largest_entries
from whyset.modality import MODALITIES


@dataclass(frozen=True)
class LayerChannels(Intervention):
    """The channels of a layer with the most relevance: the host's are set to those of the sample, at all positions.

    This is activation patching (Vig 2020, Meng 2022) of the channels that concept relevance (Achtibat 2023) finds. The
    model is called for the sample and for the host; there is no new input. `conditions` returns the same channels as
    conditions of `whyset.attribution.Conditional`, which explains the input through them.

    Parameters
    ----------
    layer : str
        The module path, as in `model.named_modules()`.
    count : int, default 1
        The number of channels.
    dim : int, default 1
        The dimension of the channels in the output of the layer; -1 for tokens, (n, tokens, features).

    Raises
    ------
    InputError
        The count is less than 1; with a model: it has no such layer, or its output is not one tensor with channels.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    >>> x, host, relevance = torch.rand(5, 4), torch.rand(5, 4), torch.rand(5, 3)
    >>> intervention = LayerChannels("1", count=2)
    >>> evidence = intervention.select(x, relevance)
    >>> intervention.insert_output(model, x, evidence, host).shape
    torch.Size([5, 2])
    """

    name: ClassVar[str] = "layer_channels"
    modalities: ClassVar[tuple[str, ...]] = tuple(MODALITIES)
    fills: ClassVar[tuple[str, ...]] = ("constant", "host", "mean")
    null_text: ClassVar[str] = "other channels of the same layer"

    layer: str
    count: int = 1
    dim: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("LayerChannels: count", self.count, least=1)

    def describe(self) -> str:
        """Return the number of channels and the layer."""
        return f"{self.count} channel{'' if self.count == 1 else 's'} of layer {self.layer}"

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the channels with the largest positive sums of relevance, (n, channels); of equal ones, the first.

        `relevance` is that of the layer, with channels in dimension `dim`, or already summed: (n, channels).
        """
        self.check(x)
        values = check_relevance(relevance, type(self).__name__)
        check_count(x, len(values), "relevance of the layer", type(self).__name__)
        if values.dim() > 2:
            values = values.movedim(self.dim, 1).flatten(2).sum(2)
        if values.dim() != 2:
            raise InputError(
                f"LayerChannels: expected relevance of the channels of {self.layer!r}, (n, channels) or shaped like "
                f"its output, got {tuple(values.shape)}"
            )
        return Region(largest_entries(values, self.count, type(self).__name__))

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return as many random other channels of the layer; InputError: there are fewer."""
        generators = make_generators(seeds, len(x), type(self).__name__)
        return Region(draw_other_entries(evidence.mask, generators, type(self).__name__))

    def conditions(self, evidence: Region) -> list[Condition]:
        """Return the channels of each sample as a condition of relevance, such as `{"layer3": [5, 17]}`."""
        return [{self.layer: row.nonzero().flatten().tolist()} for row in evidence.mask.cpu()]

    def insert_output(self, model: Callable[[Tensor], Any], x: Tensor, evidence: Region, host: Tensor) -> Any:
        """Return the output of a model for the hosts, with the channels of the samples at the layer."""
        self.check(x)
        check_hosts(x, host, type(self).__name__)
        sources = self._record(model, x)
        return self._run(model, host, evidence, lambda call, own, mask: torch.where(mask, sources[call], own))

    def remove_output(
        self,
        model: Callable[[Tensor], Any],
        x: Tensor,
        evidence: Region,
        fill: Fill | str = "constant",
        host: Tensor | None = None,
    ) -> Any:
        """Return the output of a model for the samples, with a fill in the channels of the layer."""
        self.check(x)
        found, hosts = self.resolve_fill(fill), []
        if host is not None:
            check_hosts(x, host, type(self).__name__)
            hosts = self._record(model, host) if found.name == "host" else []

        def replace(call: int, own: Tensor, mask: Tensor) -> Tensor:
            return found.apply(own, mask, hosts[call] if hosts else None)

        return self._run(model, x, evidence, replace)

    def _record(self, model: Any, x: Tensor) -> list[Tensor]:
        """Return the outputs of the layer in a call of the model, channels in dimension 1, for each of its calls."""
        found: list[Tensor] = []
        with self._hook(model, lambda output: found.append(output.clone())):  # the model may change it in place
            model(x)
        return found

    def _run(self, model: Any, x: Tensor, evidence: Region, replace: Callable[[int, Tensor, Tensor], Tensor]) -> Any:
        """Call the model with the outputs of the layer replaced."""
        calls = iter(range(2**31))

        def change(own: Tensor) -> Tensor:
            if len(own) != len(evidence) or own.shape[1] != evidence.mask.shape[1]:
                raise InputError(
                    f"LayerChannels: expected evidence of {len(own)} samples and the {own.shape[1]} channels of "
                    f"{self.layer!r}, got {tuple(evidence.mask.shape)}: select it by the relevance of this layer"
                )
            mask = evidence.mask.view(*own.shape[:2], *[1] * (own.dim() - 2))
            return replace(next(calls), own, mask)

        with self._hook(model, change):
            return model(x)

    @contextmanager
    def _hook(self, model: Any, change: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
        """Pass the outputs of the layer through a function in this block, with channels in dimension 1."""
        if not isinstance(model, nn.Module):
            raise InputError(f"LayerChannels: expected a torch.nn.Module with layers, got {type(model).__name__}")
        check_places(model, (self.layer,))
        reached = False

        def hook(_: nn.Module, __: Any, output: Any) -> Tensor | None:
            nonlocal reached
            reached = True
            if not isinstance(output, Tensor) or not -output.dim() <= self.dim < output.dim() or output.dim() < 2:
                got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
                raise InputError(f"LayerChannels: {self.layer!r} has no channels in dimension {self.dim}: got {got}")
            changed = change(output.movedim(self.dim, 1))
            return None if changed is None else changed.movedim(1, self.dim)

        handle = dict(model.named_modules())[self.layer].register_forward_hook(hook)
        try:
            yield
            if not reached:
                raise InputError(f"LayerChannels: layer {self.layer!r} did not run, so nothing was replaced")
        finally:
            handle.remove()

"""Conditional relevance: how much of what is explained goes through some channels, and from where in the input."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import Composite
from whyset.attribution.conditions import Condition, Masks, check_conditions
from whyset.attribution.intercept import Interception
from whyset.attribution.intercept.capture import check_places
from whyset.attribution.targets import ParsedTargets
from whyset.errors import InputError


class Conditional(Gradient):
    """Explain by a composite's rules under conditions: `c ⊙ m` at the output of each named layer, where the mask m is 1
    at the channels named for it and 0 elsewhere (concept relevance propagation, Achtibat 2023).

    A condition maps module paths to channels: several channels of one layer are taken together, several layers all at
    once. A list of conditions shares one forward pass; the relevance then has one more dimension in front, theirs. The
    relevances of all channels of a layer, each by itself, sum to the unconditional one. Channels are `dim` 1 of an
    output; for tokens, (samples, tokens, features), give `dim=-1`.

    >>> from whyset.attribution.composites import EpsilonPlus
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    >>> with Conditional(model, EpsilonPlus(), [{"1": 0}, {"1": [1, 2]}]) as attribute:
    ...     output, relevance = attribute(torch.rand(5, 4), target=1)
    >>> relevance.shape
    torch.Size([2, 5, 4])
    """

    def __init__(
        self,
        model: nn.Module,
        composite: Composite | str,
        conditions: Condition | Sequence[Condition],
        *,
        dim: int = 1,
        create_graph: bool = False,
    ) -> None:
        super().__init__(model, composite, create_graph=create_graph)
        self._need_rules("conditions act on relevance")
        self.dim = dim
        self.conditions = tuple(conditions) if isinstance(conditions, Sequence) else (conditions,)
        self._several = isinstance(conditions, Sequence)
        check_conditions(self.conditions)
        check_places(model, tuple(path for condition in self.conditions for path in condition))

    @contextmanager
    def _following(self, session: Interception) -> Iterator[Masks]:
        with super()._following(session), Masks(self.conditions, self.dim).of(self.model, session) as masks:
            yield masks

    def _passes(
        self, coefficients: Sequence[Tensor], masks: Masks | None
    ) -> list[tuple[Tensor, AbstractContextManager[None]]]:
        assert masks is not None
        if len(coefficients) > 1:
            raise InputError(
                f"expected one target, as relevance under conditions is that of one, got {len(coefficients)} of them: "
                "make one call for each target"
            )
        return [(coefficients[0], masks.under(condition)) for condition in self.conditions]

    def _is_stacked(self, asked: ParsedTargets) -> bool:
        return self._several

"""Conditional relevance: the relevance of the input that passes through given channels."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.model_output import OutputChoice
from whyset.attribution.composites import Composite
from whyset.attribution.conditions import Condition, Masks, check_conditions
from whyset.attribution.intercept import Interception
from whyset.attribution.intercept.capture import check_places
from whyset.attribution.targets import ParsedTargets
from whyset.errors import InputError


class Conditional(Gradient):
    """Explain by the rules of a composite under conditions: `c ⊙ m` at the output of each named layer.

    The mask m is 1 at the channels that a condition names and 0 elsewhere (concept relevance propagation, Achtibat
    2023). The relevances of all channels of a layer, each alone, sum to the unconditional one.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode.
    composite : Composite or str
        The rules: an instance or a name of `COMPOSITES`.
    conditions : mapping or sequence of mappings
        Module paths and their channels, such as `{"layer3": [5, 17]}`: the channels of one layer are taken together,
        and several layers act at once. The conditions of a sequence share one forward pass; the relevance is then
        (conditions, n, ...).
    dim : int, default 1
        The dimension of the channels in an output; -1 for tokens, (n, tokens, features).
    output : str, int, callable or None, default None
        The output to explain of a model that returns several values, as in `Gradient`.
    create_graph : bool, default False
        Whether the relevance can be differentiated again, with respect to an input that requires gradient and to every
        parameter.

    Raises
    ------
    InputError
        A condition is not such a mapping, the model has no such module, or the composite is unknown or the plain
        gradient.

    Examples
    --------
    >>> import torch
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
        output: OutputChoice = None,
        create_graph: bool = False,
    ) -> None:
        super().__init__(model, composite, output=output, create_graph=create_graph)
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
                f"expected one target with conditions, got {len(coefficients)}: make one call for each target"
            )
        return [(coefficients[0], masks.under(condition)) for condition in self.conditions]

    def _is_stacked(self, asked: ParsedTargets) -> bool:
        return self._several

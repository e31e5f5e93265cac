"""The gradient attributor: one forward and one backward pass, plain or with the rules of a composite."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.composites.gradient_composite import GradientComposite
from whyset.attribution.conditions import Masks
from whyset.attribution.intercept import Interception
from whyset.attribution.intercept.capture import Capture, Place, check_places
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.intercept.mode import refuse_unseen
from whyset.attribution.intercept.recorder import Recorder, total
from whyset.attribution.ledger import Ledger
from whyset.attribution.targets import ParsedTargets, Target, list_targets, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


class Gradient:
    """Explain outputs of a model by the rules of a composite or, without a composite, by the plain gradient.

    Used as a context manager, it keeps weights that are derived from the parameters between calls; otherwise they are
    derived in each call.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    composite : Composite, str or None, default None
        The rules: an instance or a name of `COMPOSITES`; None and "gradient" are the plain gradient.
    create_graph : bool, default False
        Whether the relevance can be differentiated again, with respect to an input that requires gradient and to every
        parameter.

    Raises
    ------
    InputError
        The name of the composite is unknown, the composite needs parameters, or it is a class instead of an instance.

    Examples
    --------
    >>> from whyset.attribution.composites import EpsilonPlus
    >>> model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False)).eval()
    >>> with Gradient(model, EpsilonPlus()) as attribute:
    ...     output, relevance = attribute(torch.rand(5, 4), target=1)
    >>> relevance.shape
    torch.Size([5, 4])
    """

    def __init__(
        self, model: nn.Module, composite: Composite | str | None = None, *, create_graph: bool = False
    ) -> None:
        self.model = model
        self.composite = as_composite(composite)
        self.create_graph = create_graph
        self._cache: WeightCache | None = None
        self._ledger: Ledger | None = None
        self._capture: Capture | None = None

    def __enter__(self) -> Self:
        self._cache = WeightCache()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cache = None

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Account for the relevance of each call inside the block; the ledger holds the last one.

        >>> from whyset.attribution.composites import EpsilonPlus
        >>> attribute = Gradient(nn.Linear(4, 2, bias=False), EpsilonPlus())
        >>> with attribute.ledger() as ledger:
        ...     output, relevance = attribute(torch.rand(5, 4), target=1)
        >>> ledger.assert_conserved(rtol=1e-3)
        """
        self._need_rules("a ledger accounts for relevance")
        self._ledger = Ledger()
        try:
            yield self._ledger
        finally:
            self._ledger = None

    @contextmanager
    def record(self, *places: Place) -> Iterator[Capture]:
        """Record activation and relevance of modules (by path) or operations (by index in the plan).

        >>> from whyset.attribution.composites import EpsilonPlus
        >>> attribute = Gradient(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval(), EpsilonPlus())
        >>> with attribute.record("1") as record:
        ...     output, relevance = attribute(torch.rand(5, 4), target=1)
        >>> record["1"].relevance.shape
        torch.Size([5, 3])
        """
        self._need_rules("relevance inside a model is recorded")
        check_places(self.model, places)
        self._capture = Capture(places)
        try:
            yield self._capture
        finally:
            self._capture = None

    @property
    def conserving(self) -> bool:
        """True if relevance is propagated by rules, False for a gradient."""
        return self.composite is not None and self.composite.multiply_by_input

    def _need_rules(self, what: str) -> None:
        if not self.conserving:
            raise InputError(f"{what} by the rules of a composite; this attributor gives a gradient")

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self.model).__name__, "composite": self.composite})

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the relevance of the input (without a composite, the gradient).

        Parameters
        ----------
        x : Tensor
            The input (n, ...). Integers, such as tokens, are explained at their embedding.
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            A class index: the value of that output is explained. A sequence or an integer tensor has one for each
            sample, as in captum; by default it is the largest output of each sample. A floating point tensor shaped
            like the output, or what a callable returns for the output, is the relevance at the output, as in Zennit and
            in `composite.context`; for a gradient, it is the gradient at the output.
        targets : sequence, optional
            Several targets in place of `target`; they share one forward pass.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        relevance : Tensor
            The relevance, shaped like `x` or like its embedding; with several `targets` (targets, n, ...).

        Raises
        ------
        InputError
            The target does not fit the output.
        UnknownOperationError
            An operation has no known rule, and the composite refuses such operations.
        UnseenOperationError
            A part of the model hides its operations, as scripted, compiled and checkpointed modules do.
        """
        refuse_unseen(self.model)
        asked = list_targets(target, targets)
        with torch.enable_grad():
            if not x.is_floating_point():
                return self._by_rules(x, asked, self.composite or GradientComposite())
            leaf = x if self.create_graph and x.requires_grad else x.detach().requires_grad_()
            if self.composite is None:
                # The model gets a copy: it may write into its input, which autograd refuses for a leaf.
                return self._backward(leaf, self.run_model(leaf.clone()), asked, nullcontext())
            return self._by_rules(leaf, asked, self.composite)

    def run_model(self, x: Tensor) -> Tensor:
        """Return the explained value: the output of the model."""
        output: Tensor = self.model(x)
        return output

    def _by_rules(self, leaf: Tensor, asked: ParsedTargets, composite: Composite) -> tuple[Tensor, Tensor]:
        composite.check(self.model)
        recorder = None if self._ledger is None else Recorder()
        session = Interception(composite, self.model, cache=self._cache, recorder=recorder, capture=self._capture)
        with session.watching(), self._following(session) as masks:
            # The model gets a copy: it may write into its input, which may be the tensor of the caller.
            output = self.run_model(leaf if self._reads_tokens(session, leaf) else session.mark(leaf.clone()))
        leaf = self._embedding(session) if session.tokens is not None else leaf
        session.check_output(output)
        output, relevance = self._backward(leaf, output, asked, session.propagating(), masks)
        if self._ledger is not None and recorder is not None:
            self._ledger.rows, self._ledger.arrived = recorder.rows(), float(relevance.double().sum())
            self._ledger.double = relevance.dtype == torch.float64
        return output, relevance

    @contextmanager
    def _following(self, session: Interception) -> Iterator[Masks | None]:
        """Follow relevance inside the model, for the forward pass in this block."""
        with nullcontext() if self._capture is None else self._capture.of(self.model, session):
            yield None

    def _passes(
        self, coefficients: Sequence[Tensor], masks: Masks | None
    ) -> list[tuple[Tensor, AbstractContextManager[None]]]:
        """Return the backward passes of one call: the coefficient at the output and a context for each."""
        return [(coefficient, nullcontext()) for coefficient in coefficients]

    def _is_stacked(self, asked: ParsedTargets) -> bool:
        """Check if the relevance has an additional first dimension, that of the passes."""
        return asked.several

    def _reads_tokens(self, session: Interception, x: Tensor) -> bool:
        session.tokens = None if x.is_floating_point() else x
        return session.tokens is not None

    def _embedding(self, session: Interception) -> Tensor:
        """Return the embedding of the integer input in the model."""
        if len(session.embedded) != 1:
            found = "no embedding" if not session.embedded else f"{len(session.embedded)} embeddings"
            raise InputError(
                f"{found} of the integer input in {type(self.model).__name__}, expected one: relevance of integers is "
                "that of their embedding. Pass the embedded input to the part of the model after the embedding"
            )
        return session.embedded[0]

    def _backward(
        self,
        leaf: Tensor,
        output: Tensor,
        asked: ParsedTargets,
        activated: AbstractContextManager[None],
        masks: Masks | None = None,
    ) -> tuple[Tensor, Tensor]:
        if not isinstance(output, Tensor):
            raise InputError(
                f"expected a model whose output is one tensor, got {type(output).__name__}: wrap the model, or use "
                "composite.context(model)"
            )
        coefficients = [output_coefficient(output, one, conserving=self.conserving) for one in asked.targets]
        passes = self._passes(coefficients, masks)
        keep = self.create_graph or len(passes) > 1
        parts: list[Tensor] = []
        with activated:
            for coefficient, acting in passes:
                with acting:
                    parts += torch.autograd.grad(output, leaf, coefficient, keep, self.create_graph)
        if self._ledger is not None:
            value, started = output.detach(), [coefficient.detach() for coefficient, _ in passes]
            self._ledger.output = sum(total(value, c) for c in started)
            self._ledger.scale = sum(total(value.abs(), c.abs()) for c in started)
        relevance = torch.stack(parts) if self._is_stacked(asked) else parts[0]
        return (output if self.create_graph else output.detach()), relevance

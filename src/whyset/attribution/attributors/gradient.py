"""The gradient attributor: one forward and one backward pass, plain or with the rules of a composite."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self, overload

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.inputs import Inputs, ModelInput, explain_dtypes
from whyset.attribution.attributors.model_output import OutputChoice, check_output_choice, select_output
from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.composites.gradient_composite import GradientComposite
from whyset.attribution.conditions import Masks
from whyset.attribution.intercept import Interception
from whyset.attribution.intercept.capture import Capture, Place, check_places
from whyset.attribution.intercept.flow import measure_product, total
from whyset.attribution.intercept.integer_inputs import Key
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.intercept.recorder import Recorder
from whyset.attribution.intercept.refusals import describe_independence, name_missing_derivatives, refuse_unseen
from whyset.attribution.ledger import Ledger
from whyset.attribution.targets import ParsedTargets, Target, list_targets, output_coefficient
from whyset.errors import InputError, UnseenOperationError
from whyset.printable import short_repr


class Gradient:
    """Explain outputs of a model by the rules of a composite or, without a composite, by the plain gradient.

    Used as a context manager, it keeps weights that are derived from the parameters between calls; otherwise they are
    derived in each call.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode.
    composite : Composite, str or None, default None
        The rules: an instance or a name of `COMPOSITES`; None and "gradient" are the plain gradient.
    output : str, int, callable or None, default None
        The output to explain of a model that returns several values, such as a dictionary, a tuple or a `ModelOutput`:
        its name, its index, or a function that selects the tensor. By default the only one that carries gradient.
    create_graph : bool, default False
        Whether the relevance can be differentiated again, with respect to an input that requires gradient and to every
        parameter.

    Raises
    ------
    InputError
        The name of the composite is unknown, the composite needs parameters, or it is a class instead of an instance;
        the output is not a name, an index or a function.

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
        self,
        model: nn.Module,
        composite: Composite | str | None = None,
        *,
        output: OutputChoice = None,
        create_graph: bool = False,
    ) -> None:
        check_output_choice(output)
        self.model = model
        self.composite = as_composite(composite)
        self.output = output
        self.create_graph = create_graph
        self._cache: WeightCache | None = None
        self._ledger: Ledger | None = None
        self._keeps_bias_maps, self._keeps_sizes = False, True
        self._capture: Capture | None = None

    def __enter__(self) -> Self:
        self._cache = WeightCache()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cache = None

    @contextmanager
    def ledger(self, *, bias_maps: bool = False, sizes: bool = True) -> Iterator[Ledger]:
        """Account for the relevance of each call inside the block; the ledger holds the last one.

        With `bias_maps` it also keeps the relevance of each bias at each place of its layer, as `ledger.bias_maps`.
        Without `sizes` it only sums, which takes half of the time: largest elements and errors of rounding are 0.

        >>> from whyset.attribution.composites import EpsilonPlus
        >>> attribute = Gradient(nn.Linear(4, 2, bias=False), EpsilonPlus())
        >>> with attribute.ledger() as ledger:
        ...     output, relevance = attribute(torch.rand(5, 4), target=1)
        >>> ledger.assert_conserved(rtol=1e-3)
        """
        self._need_rules("a ledger accounts for relevance")
        if self._ledger is not None:
            raise InputError("a ledger of this attributor is open already: a call is booked in one, so leave its block")
        self._ledger, self._keeps_bias_maps, self._keeps_sizes = Ledger(), bias_maps, sizes
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
        if self._capture is not None:
            raise InputError("a record of this attributor is open already: name all places in one block")
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

    @overload
    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]: ...

    @overload
    def __call__(
        self, x: ModelInput, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Any]: ...

    def __call__(
        self, x: ModelInput, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Any]:
        """Return the output of the model and the relevance of the input (without a composite, the gradient).

        Parameters
        ----------
        x : Tensor, sequence or mapping
            The input (n, ...). A tuple or list is passed as `model(*x)`, a mapping of names, such as a batch of a
            tokenizer, as `model(**x)`. Integers, such as ids of tokens, are explained at their embedding.
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
        relevance : Tensor, sequence or dict
            The relevance, shaped like `x` or like its embedding; with several `targets` (targets, n, ...). For several
            inputs it has their structure: None for constants and for integers that are not embedded, such as a mask.
            Integers that are embedded more than once have a dict with the relevance of each embedding by the path of
            its module, or of the parameter that is looked up outside of a module.

        Raises
        ------
        InputError
            The target does not fit the output, the output to explain is not unique, or integers are used without an
            embedding. The model is compiled or quantized.
        UnknownOperationError
            An operation has no known rule, and the composite refuses such operations.
        UnseenOperationError
            A part of the model hides its operations, as scripted and checkpointed modules do.
        """
        refuse_unseen(self.model, by_rules=self.composite is not None)
        asked, inputs = list_targets(target, targets), Inputs.parse(x)
        inputs.check_call(self.model)
        with torch.enable_grad():
            leaves = {key: self._prepare(tensor) for key, tensor in inputs.tensors() if tensor.is_floating_point()}
            if self.composite is not None or len(leaves) < len(list(inputs.tensors())):
                return self._by_rules(inputs, leaves, asked, self.composite or GradientComposite())
            # The model gets copies: it may write into its inputs, which autograd refuses for leaves.
            copies = inputs.replace(lambda key, _: leaves[key].clone())
            output = self.run_model(*copies.args, **copies.kwargs)
            output, found = self._backward(leaves, output, asked, nullcontext())
            return output, inputs.arrange(found)

    def _prepare(self, x: Tensor) -> Tensor:
        """Return the leaf at which the relevance of a floating point input is computed."""
        if x.is_inference():  # a tensor of inference mode cannot require a gradient
            x = x.clone()
        return x if self.create_graph and x.requires_grad else x.detach().requires_grad_()

    def run_model(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the explained value: the output of the model, or the chosen one of several."""
        with explain_dtypes(self.model, (*args, *kwargs.values())):
            returned = self.model(*args, **kwargs)
        return select_output(returned, self.output)

    def _by_rules(
        self, inputs: Inputs, leaves: dict[Key, Tensor], asked: ParsedTargets, composite: Composite
    ) -> tuple[Tensor, Any]:
        if self.composite is None:
            refuse_unseen(self.model)  # a gradient through an embedding is intercepted too
        composite.check(self.model)
        recorder = None if self._ledger is None else self._make_recorder()
        session = Interception(
            composite,
            self.model,
            recorder=recorder,
            capture=self._capture,
            cache=self._cache,
            create_graph=self.create_graph,
        )
        with session.watching(), self._following(session) as masks:
            # The model gets copies: it may write into its inputs, which may be the tensors of the caller.
            marked = inputs.replace(lambda key, x: session.add_input(key, leaves.get(key, x).clone()))
            output = self.run_model(*marked.args, **marked.kwargs)
        places = session.integers.relevance_places()
        if not leaves and not places:
            raise InputError(
                f"no embedding of the integer input in {type(self.model).__name__}: relevance of integers is that of "
                "their embedding. Pass the embedded input to the part of the model after the embedding"
            )
        session.check_output(output)
        embedded = {(key, place): tensor for key, found in places.items() for place, tensor in found.items()}
        sources = leaves | embedded
        explained, relevance = self._backward(sources, output, asked, session.propagating(), masks)
        if self._ledger is not None and recorder is not None:
            if recorder.sizes:
                self._compare(self._ledger, session, output, list(sources.values()), asked)
                sizes = [float(part.abs().max()) for part in relevance.values() if part.numel()]
                self._ledger.largest = max(sizes, default=0.0)
            self._ledger.rows, self._ledger.bias_maps = recorder.rows(), recorder.list_bias_maps()
            self._ledger.arrived = sum(float(part.double().sum()) for part in relevance.values())
        by_place = {key: {place: relevance[key, place] for place in found} for key, found in places.items()}
        alone = {key: next(iter(found.values())) for key, found in by_place.items() if len(found) == 1}
        return explained, inputs.arrange(relevance | by_place | alone)

    def _make_recorder(self) -> Recorder:
        return Recorder(bias_maps={} if self._keeps_bias_maps else None, sizes=self._keeps_sizes)

    def _compare(
        self, ledger: Ledger, session: Interception, output: Tensor, sources: Sequence[Tensor], asked: ParsedTargets
    ) -> None:
        """Add input times gradient of the same targets to the ledger."""
        largest = [0.0]
        with session.comparing():
            for target in asked.targets:
                coefficient = output_coefficient(output, target, conserving=True).detach()
                gradients = torch.autograd.grad(output, sources, coefficient, True, allow_unused=True)
                largest += [
                    measure_product(x.detach(), g).largest
                    for x, g in zip(sources, gradients, strict=True)
                    if g is not None
                ]
        ledger.largest_gradient = max(largest)

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

    def _backward(
        self,
        leaves: dict[Any, Tensor],
        output: Tensor,
        asked: ParsedTargets,
        activated: AbstractContextManager[None],
        masks: Masks | None = None,
    ) -> tuple[Tensor, dict[Any, Tensor]]:
        """Return the output and the relevance of every leaf."""
        coefficients = [output_coefficient(output, one, conserving=self.conserving) for one in asked.targets]
        passes = self._passes(coefficients, masks)
        keep = self.create_graph or len(passes) > 1 or self._ledger is not None
        parts: list[Sequence[Tensor]] = []
        with activated:
            for coefficient, acting in passes:
                with acting:
                    parts.append(self._differentiate(output, tuple(leaves.values()), coefficient, keep))
        if self._ledger is not None:
            value, started = output.detach(), [coefficient.detach() for coefficient, _ in passes]
            self._ledger.output = sum(total(value, c) for c in started)
            self._ledger.scale = sum(total(value.abs(), c.abs()) for c in started)
        stacked = self._is_stacked(asked)
        relevance = [torch.stack(found) if stacked else found[0] for found in zip(*parts, strict=True)]
        return (output if self.create_graph else output.detach()), dict(zip(leaves, relevance, strict=True))

    def _differentiate(
        self, output: Tensor, leaves: tuple[Tensor, ...], coefficient: Tensor, keep: bool
    ) -> Sequence[Tensor]:
        """Return the gradients of the leaves, zeros for one of several that the output does not depend on."""
        gradients: tuple[Tensor | None, ...] = (None,) * len(leaves)
        if output.requires_grad:
            with name_missing_derivatives():
                gradients = torch.autograd.grad(output, leaves, coefficient, keep, self.create_graph, allow_unused=True)
        if all(gradient is None for gradient in gradients):
            raise UnseenOperationError(describe_independence())
        return [
            torch.zeros_like(leaf) if gradient is None else gradient
            for leaf, gradient in zip(leaves, gradients, strict=True)
        ]

"""The outputs that a run computes for every sample, and their computation for a batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from whyset.attribution import Gradient
from whyset.attribution.attributors.before_activation import BeforeActivation
from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.intercept.capture import Capture
from whyset.attribution.methods import GradientMethod, Method
from whyset.errors import InputError
from whyset.runner.measures import Measures, measure
from whyset.runner.method_maps import BatchExplainer, bind_method
from whyset.runner.output import Output, make_attributor
from whyset.runner.reduction import Reduction
from whyset.runner.targets import Targets
from whyset.store.layout import CONCEPT, LAYER, RELEVANCE


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """The explanations of a run: method, targets, recorded layers, and how they are stored.

    The relevance of `layers` is stored as it is, that of `concepts` summed over all axes but the channels (axis 1).
    `output` is the value of the model that is explained.
    """

    method: Method
    targets: Targets
    layers: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    reduction: Reduction = field(default_factory=Reduction)
    dtype: str = "float16"
    output: Output = Output.MODEL

    def __post_init__(self) -> None:
        for name in ("layers", "concepts"):
            names = getattr(self, name)
            names = (names,) if isinstance(names, str) else tuple(names)
            if len(set(names)) < len(names):
                raise InputError(f"{name} names a layer twice: {', '.join(names)}")
            object.__setattr__(self, name, names)
        if self.dtype not in ("float16", "float32"):
            raise InputError(f"dtype must be float16 or float32, not {self.dtype!r}")
        if self.places and not self.method.records_layers:
            option = "layers (--layer)" if self.layers else "concepts (--concept)"
            raise InputError(
                f"{option} cannot be recorded by the method {self.method.name}: relevance inside a model is that of "
                "rules. Leave them out, or use the method gradient with a composite, such as composite='epsilon_plus' "
                "(--composite epsilon_plus)"
            )

    @property
    def conserving(self) -> bool:
        """True if the maps are relevance, whose sum is the output if nothing is lost, and not a gradient."""
        return self.method.conserving

    @property
    def composite(self) -> Composite | None:
        """The rules of the method gradient; None for the plain gradient and other methods."""
        given = self.method.composite if isinstance(self.method, GradientMethod) else None
        return as_composite(given)

    @property
    def places(self) -> tuple[str, ...]:
        """The layers to be recorded."""
        return tuple(dict.fromkeys((*self.layers, *self.concepts)))


@dataclass(frozen=True, eq=False)
class ExplainedBatch:
    """One explained batch.

    `output` (n, classes) are the values, `chosen` (targets, n) the indices of the explained ones, and `relevance` the
    relevance by the name of its array, (targets, n, ...), float32; `measures` are those of the input's relevance before
    it is reduced. `confirmed` (n,) is True where `output` is the input of the model's last softmax or sigmoid.
    """

    output: Tensor
    chosen: Tensor
    relevance: Mapping[str, Tensor]
    measures: Measures
    confirmed: Tensor | None = None


@contextmanager
def explainer(model: torch.nn.Module, wanted: OutputSpec) -> Iterator[Callable[..., ExplainedBatch]]:
    """Make a function of inputs and labels (-1 where unknown) that explains a batch.

    A third argument are seeds, one for each sample, of the noise that the method draws. The gradient takes one forward
    pass, and one backward pass for every target; other methods explain one target after another.
    """
    if not isinstance(wanted.method, GradientMethod):
        with bind_method(model, wanted.method, wanted.output) as bound:
            yield partial(_explain_by_method, bound, wanted)
        return
    with make_attributor(model, wanted.composite, wanted.output) as attribute:
        recording = attribute.record(*wanted.places) if wanted.places else nullcontext()
        with recording as record:
            yield partial(_explain_batch, attribute, record, wanted)


def _explain_batch(
    attribute: Gradient,
    record: Capture | None,
    wanted: OutputSpec,
    x: Tensor,
    labels: Tensor,
    seeds: Sequence[int] | None = None,
) -> ExplainedBatch:
    targets = wanted.targets
    _require_rules(x, wanted.composite)
    output, exact = attribute(x, targets=targets.outputs(labels))
    of_inputs = _of_inputs(exact, x).float()
    relevance = {RELEVANCE: wanted.reduction(of_inputs, x.dim() - 1)}
    inner = (
        {} if record is None else {place: _of_layer(record, place, targets.count, len(x)) for place in wanted.places}
    )
    relevance |= {LAYER + name: inner[name] for name in wanted.layers}
    relevance |= {CONCEPT + name: _channels(inner[name]) for name in wanted.concepts}
    chosen = targets.indices(output, labels)
    measures = measure(of_inputs, x, output, chosen, wanted.conserving)
    confirmed = attribute.confirmed if isinstance(attribute, BeforeActivation) else None
    return ExplainedBatch(output, chosen, relevance, measures, confirmed)


def _explain_by_method(
    bound: BatchExplainer, wanted: OutputSpec, x: Tensor, labels: Tensor, seeds: Sequence[int] | None = None
) -> ExplainedBatch:
    found = bound.explain(x, labels, wanted.targets, seeds)
    relevance = {RELEVANCE: wanted.reduction(found.maps, x.dim() - 1)}
    measures = measure(found.maps, x, found.output, found.chosen, wanted.conserving)
    return ExplainedBatch(found.output, found.chosen, relevance, measures, found.confirmed)


def _require_rules(x: Tensor, composite: Composite | None) -> None:
    """Refuse gradients of tokens: the sum of an embedding's gradient over its axes has no meaning."""
    if not x.is_floating_point() and (composite is None or not composite.multiply_by_input):
        raise InputError(
            "ids of tokens are explained by the relevance of their embedding, but the given composite computes "
            "gradients: give one with rules, such as AttnLRP() for transformers or EpsilonPlus() (--composite attn_lrp)"
        )


def _of_inputs(relevance: Tensor, x: Tensor) -> Tensor:
    """Return relevance (targets, *x.shape); that of tokens is summed over the axis of their embedding."""
    if x.is_floating_point():
        return relevance
    if not isinstance(relevance, Tensor):
        raise InputError(
            f"the model embeds the tokens {len(relevance)} times ({', '.join(relevance)}), so their relevance is not "
            "one number for each: give a model that embeds them once, or use Gradient, which returns the relevance of "
            "each embedding"
        )
    if relevance.shape[1 : x.dim() + 1] != x.shape:
        raise InputError(
            f"the embedding of the tokens {tuple(x.shape)} has the relevance {tuple(relevance.shape[1:])}: expected "
            "one row for each token; give a model whose embedding is of the tokens in their order"
        )
    return relevance.flatten(x.dim() + 1).sum(dim=-1)


def _of_layer(record: Capture, place: str, targets: int, samples: int) -> Tensor:
    """Return the relevance of a layer's output, (targets, samples, ...)."""
    captured = record[place]
    shape = captured.activation.shape
    if captured.relevance.numel() != targets * captured.activation.numel() or len(shape) < 2 or shape[0] != samples:
        raise InputError(
            f"layer {place!r} cannot be stored: it must run once in each forward pass and return one row for each of "
            f"{samples} samples; its last output has the shape {tuple(shape)}"
        )
    return captured.relevance.reshape(targets, *shape).float()


def _channels(relevance: Tensor) -> Tensor:
    """Sum (targets, n, channels, ...) over all axes after the channels."""
    return relevance.flatten(3).sum(dim=3) if relevance.dim() > 3 else relevance

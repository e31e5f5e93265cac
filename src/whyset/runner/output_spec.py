"""What a run computes of every sample, and how a batch is computed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from whyset.attribution import Gradient
from whyset.attribution.attributors.before_activation import BeforeActivation
from whyset.attribution.composites import Composite
from whyset.attribution.intercept.capture import Capture
from whyset.errors import InputError
from whyset.runner.measures import Measures, measure
from whyset.runner.output import Output, make_attributor
from whyset.runner.reduction import Reduction
from whyset.runner.targets import Targets
from whyset.store.layout import CONCEPT, LAYER, RELEVANCE


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """Which explanations: by which rules, of which outputs, of which layers besides the input, and how they are stored.

    `layers` are stored as they are, of `concepts` the sum over everything but their channels (axis 1). `output` is the
    value of the model that is explained.
    """

    composite: Composite | None
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
            raise InputError(f"dtype of the stored maps is float16 or float32, not {self.dtype!r}")

    @property
    def conserving(self) -> bool:
        """Whether the maps are relevance, whose sum is the output where nothing is lost, and not a gradient."""
        return self.composite is not None and self.composite.multiply_by_input

    @property
    def places(self) -> tuple[str, ...]:
        """The layers to be watched."""
        return tuple(dict.fromkeys((*self.layers, *self.concepts)))


@dataclass(frozen=True, eq=False)
class ExplainedBatch:
    """One batch: the values `output` (n, classes), which of them were `chosen` to be explained (targets, n), and
    relevance by the name of its array, (targets, n, ...), float32; `measures` are taken of the input's before it is
    reduced. `confirmed` (n,) says for which samples `output` is what the model's last softmax or sigmoid was given.
    """

    output: Tensor
    chosen: Tensor
    relevance: Mapping[str, Tensor]
    measures: Measures
    confirmed: Tensor | None = None


@contextmanager
def explainer(model: torch.nn.Module, wanted: OutputSpec) -> Iterator[Callable[[Tensor, Tensor], ExplainedBatch]]:
    """A function of inputs and labels (-1 where unknown) that explains a batch: one forward pass, and one backward pass
    for every target.
    """
    with make_attributor(model, wanted.composite, wanted.output) as attribute:
        recording = attribute.record(*wanted.places) if wanted.places else nullcontext()
        with recording as record:
            yield partial(_explain_batch, attribute, record, wanted)


def _explain_batch(
    attribute: Gradient, record: Capture | None, wanted: OutputSpec, x: Tensor, labels: Tensor
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


def _require_rules(x: Tensor, composite: Composite | None) -> None:
    """The gradient of an embedding has one number for each of its axes, and their sum means nothing."""
    if not x.is_floating_point() and (composite is None or not composite.multiply_by_input):
        raise InputError(
            "ids of tokens are explained by the relevance of their embedding, and the composite given has gradients: "
            "give one with rules, such as AttnLRP() for transformers or EpsilonPlus() (--composite attn_lrp)"
        )


def _of_inputs(relevance: Tensor, x: Tensor) -> Tensor:
    """Relevance (targets, *x.shape); that of tokens comes as their embedding's, with its axis behind, and is summed."""
    if x.is_floating_point():
        return relevance
    if relevance.shape[1 : x.dim() + 1] != x.shape:
        raise InputError(
            f"the embedding of the tokens {tuple(x.shape)} has the relevance {tuple(relevance.shape[1:])}: expected "
            "one row for each token; give a model whose embedding is of the tokens in their order"
        )
    return relevance.flatten(x.dim() + 1).sum(dim=-1)


def _of_layer(record: Capture, place: str, targets: int, samples: int) -> Tensor:
    """Relevance of a layer's output, (targets, samples, ...)."""
    captured = record[place]
    shape = captured.activation.shape
    if captured.relevance.numel() != targets * captured.activation.numel() or len(shape) < 2 or shape[0] != samples:
        raise InputError(
            f"layer {place!r} cannot be stored: its output must have one row for each of {samples} samples and it must "
            f"run once a pass; its last output has the shape {tuple(shape)}"
        )
    return captured.relevance.reshape(targets, *shape).float()


def _channels(relevance: Tensor) -> Tensor:
    """Sum (targets, n, channels, ...) over everything behind the channels."""
    return relevance.flatten(3).sum(dim=3) if relevance.dim() > 3 else relevance

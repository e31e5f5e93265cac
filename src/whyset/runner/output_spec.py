"""The outputs that a run computes for every sample, and their computation for a batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from whyset.attribution import Gradient
from whyset.attribution.attributors.inputs import ModelInput
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.attribution.attributors.model_output import OutputChoice
from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.intercept.capture import Capture
from whyset.attribution.methods import GradientMethod, Method
from whyset.attribution.methods.function import identify_function
from whyset.errors import InputError
from whyset.runner.activations import LayerOutputs, Record
from whyset.runner.equal_lengths import explain_by_length
from whyset.runner.explained_batch import ExplainedBatch
from whyset.runner.method_maps import MethodMaps, bind_method, join_maps
from whyset.runner.output import Output
from whyset.runner.output_kinds import Logits, OutputKind
from whyset.runner.reduction import Reduction
from whyset.runner.score_model import ScoreModel, select
from whyset.runner.sources.structure import Structure
from whyset.runner.structured_model import ExplainedInputModel, StructuredModel, get_inner, split_explained
from whyset.runner.targets import Targets
from whyset.store.layout import CONCEPT, LAYER, OUTPUT_VALUE, PREDICTED, RELEVANCE

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class OutputSpec:
    """The explanations of a run: method, targets, recorded layers, and how they are stored.

    The relevance of `layers` is stored as it is, that of `concepts` summed over all axes but the channels (axis 1).
    `records` are activations, which are stored once per sample. `chooses_layers`: concepts, unless some are named, and
    records are still to be chosen for the model. `choice` is the output of a model that returns several,
    `output` the value of it that is explained, and `kind` how scores are made of it.
    """

    method: Method
    targets: Targets
    layers: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    chooses_layers: bool = False
    reduction: Reduction = field(default_factory=Reduction)
    dtype: str = "float16"
    output: Output = Output.MODEL
    choice: OutputChoice = None
    kind: OutputKind = field(default_factory=Logits)

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

    def make_model(self, model: torch.nn.Module) -> ScoreModel:
        """Return the scores of a model, which are explained."""
        chosen = select(model, self.choice)
        inner = LogitModel(chosen) if self.output.is_logit else chosen
        return ScoreModel(inner, self.kind, self.output, self.targets, conserving=self.conserving)

    def make_class_model(self, model: torch.nn.Module) -> ScoreModel:
        """Return the scores of the classes only, without contrasts and other derived values."""
        return self.target_label().make_model(model)

    def target_label(self) -> "OutputSpec":
        """Return the same outputs with the label of each sample as the only target."""
        return replace(self, targets=Targets(Targets.of("label").parts, self.targets.outputs))

    def make_columns(self, output: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Return the columns of a run, (targets, n) each, for the scores of a batch and the explained columns of these.

        They are target, prediction and confidence, and those that only some kinds of outputs store.
        """
        output, explained = output.detach(), self.targets.stored_indices(chosen)
        scores = output[:, : self.targets.outputs]
        confidence = self.kind.confidence(scores, explained, self.output)
        return {
            "target": self.kind.get_classes(explained),
            "prediction": self.kind.predict(scores, explained),
            "confidence": confidence,
            OUTPUT_VALUE: output.gather(1, self.targets.output_columns(chosen).T).T.float(),
            PREDICTED: (confidence > _HALF).to(torch.uint8),
        }

    @property
    def places(self) -> tuple[str, ...]:
        """The layers to be recorded."""
        return tuple(dict.fromkeys((*self.layers, *self.concepts)))


def describe_choice(choice: OutputChoice) -> Any:
    """Return a choice of an output as it is stored; of a function, its name and the hash of its source."""
    return identify_function(choice) if callable(choice) else choice


@contextmanager
def explainer(model: torch.nn.Module, wanted: OutputSpec) -> Iterator[Callable[..., ExplainedBatch]]:
    """Make a function of inputs and labels (-1 where unknown) that explains a batch.

    A third argument are seeds, one for each sample, of the noise that the method draws. The gradient takes one forward
    pass, and one backward pass for every target; other methods explain one target after another.
    """
    structured = model if isinstance(model, StructuredModel) else None
    outputs = LayerOutputs(wanted.records)
    if not isinstance(wanted.method, GradientMethod):
        with _bound(model, structured, wanted) as bound:
            yield partial(_explain_by_method, *bound, outputs, wanted, structured)
        return
    scored = wanted.make_model(get_inner(model))
    with Gradient(scored, wanted.composite) as attribute:
        recording = attribute.record(*wanted.places) if wanted.places else nullcontext()
        with recording as record:
            explain = partial(_explain_batch, attribute, scored, record, outputs, wanted, structured)
            yield partial(explain_by_length, explain, model, wanted.kind)


@contextmanager
def _bound(
    model: torch.nn.Module, structured: StructuredModel | None, wanted: OutputSpec
) -> Iterator[tuple[torch.nn.Module, Callable[..., MethodMaps]]]:
    """Make a function that explains a batch by a method, with the model that it calls.

    Samples with several inputs are explained one after another: a method calls the model with any number of copies of
    its input, and the other inputs are then those of one sample.
    """
    if structured is None:
        with bind_method(wanted.make_model(model), wanted.method) as bound:
            yield bound.model, bound.explain
        return
    if wanted.records:
        raise InputError(
            f"{wanted.records[0]}: activations for samples with several inputs are recorded by the method gradient "
            "only: leave record (--record) out, or give no method (--method)"
        )
    alone = ExplainedInputModel(structured.wrapped, structured.structure.explained)
    with bind_method(wanted.make_model(alone), wanted.method) as bound:

        def explain_each(
            rows: Tensor, labels: Tensor, targets: Targets, seeds: Sequence[int] | None = None
        ) -> MethodMaps:
            parts = []
            for one in range(len(rows)):
                explained, others = split_explained(structured, rows[one : one + 1])
                of_one = None if seeds is None else seeds[one : one + 1]
                with alone.holding(others):
                    found = bound.explain(explained, labels[one : one + 1], targets, of_one)
                parts.append(replace(found, maps=structured.structure.pad_maps(found.maps)))
            return join_maps(parts)

        yield bound.model, explain_each


def _explain_batch(
    attribute: Gradient,
    scored: ScoreModel,
    record: Capture | None,
    outputs: LayerOutputs,
    wanted: OutputSpec,
    structured: StructuredModel | None,
    x: Tensor,
    labels: Tensor,
    seeds: Sequence[int] | None = None,
) -> ExplainedBatch:
    targets = wanted.targets
    inputs: ModelInput = x
    explained = x
    if structured is not None:
        inputs = structured.unpack(x, whole=bool(wanted.places or wanted.records))
        explained = inputs[structured.structure.explained]
    _require_rules(explained, wanted.composite)
    with outputs.watch(scored, None if structured is None else structured.find_own_tokens(x)):
        output, exact = attribute(inputs, targets=targets.list_values(labels))
    of_inputs = _of_inputs(exact if structured is None else _choose(exact, structured.structure), explained).float()
    if structured is not None:
        of_inputs = structured.structure.pad_maps(of_inputs)
    relevance = {RELEVANCE: wanted.reduction(of_inputs, explained.dim() - 1)}
    inner = (
        {} if record is None else {place: _of_layer(record, place, targets.count, len(x)) for place in wanted.places}
    )
    relevance |= {LAYER + name: inner[name] for name in wanted.layers}
    relevance |= {CONCEPT + name: _channels(inner[name]) for name in wanted.concepts}
    chosen = targets.indices(output, labels)
    return ExplainedBatch(x, output, chosen, of_inputs, relevance, scored.confirmed, outputs.read(len(x)))


def _explain_by_method(
    model: torch.nn.Module,
    explain: Callable[..., MethodMaps],
    outputs: LayerOutputs,
    wanted: OutputSpec,
    structured: StructuredModel | None,
    x: Tensor,
    labels: Tensor,
    seeds: Sequence[int] | None = None,
) -> ExplainedBatch:
    with outputs.watch(model):  # its first call is that whose output is stored, before the method changes inputs
        found = explain(x, labels, wanted.targets, seeds)
    axes = x.dim() - 1 if structured is None else len(structured.structure.part.shape)
    relevance = {RELEVANCE: wanted.reduction(found.maps, axes)}
    relevance |= {LAYER + name: maps.detach().float() for name, maps in found.layers.items()}
    return ExplainedBatch(x, found.output, found.chosen, found.maps, relevance, found.confirmed, outputs.read(len(x)))


def _choose(relevance: Mapping[str, Any], structure: Structure) -> Any:
    """Return the relevance of the explained input among those of all inputs."""
    found = relevance[structure.explained]
    if found is None:
        raise InputError(
            f"the input {structure.explained} has no relevance, because the model does not embed it: choose another "
            "one by input= (--input)"
        )
    return found


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

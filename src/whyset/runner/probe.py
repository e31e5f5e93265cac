"""Probe of a few samples before anything is written: shapes, outputs and relevance must make sense."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch

from whyset.attribution.methods import GradientMethod
from whyset.errors import InputError
from whyset.modality import MODALITIES
from whyset.runner.activations import find_channels
from whyset.runner.activity import Activity
from whyset.runner.class_names import require_classes
from whyset.runner.data_spec import DataSpec
from whyset.runner.devices import place
from whyset.runner.explained_batch import ExplainedBatch
from whyset.runner.explained_output import ExplainedOutput, resolve_output
from whyset.runner.generation import find_tokens
from whyset.runner.input_check import check_inputs, require_finite
from whyset.runner.input_codecs import require_fitting
from whyset.runner.labels import Labels
from whyset.runner.method_maps import naming_method, require_modality
from whyset.runner.objects import find_objects
from whyset.runner.output import note_unit_interval
from whyset.runner.output_kinds import Boxes, Located, Logits
from whyset.runner.output_spec import OutputSpec, explainer
from whyset.runner.recording import Recording, choose_recording
from whyset.runner.rows import make_rows
from whyset.runner.sources import RowSource, Source, spread
from whyset.runner.sources.source import attempt, get_explained, get_structure
from whyset.runner.structured_model import separate_explained, with_structure
from whyset.runner.targets import label_tensor
from whyset.store import Check
from whyset.store.checks import Severity
from whyset.store.layout import CONCEPT, LAYER, RELEVANCE
from whyset.store.remote import AnyPath

PROBED = 8


@dataclass(frozen=True)
class DataProbe:
    """Properties of a run found by a few samples.

    `source` has the rows of the run, and `wanted` the explained outputs by their kind, with the names of the scores in
    `class_names`, and records with the axis of their channels. `shape` is that of one input, `channels` is the first
    side of its stored map, `integers` is True for ids of tokens, `layers` and `concepts` hold the shape of one row of
    every recorded layer, `activations` that of one entry of every array of activations, `example` is one input, and
    `checks` are those found so far.
    """

    source: Source
    wanted: OutputSpec
    class_names: tuple[str, ...]
    shape: tuple[int, ...]
    channels: int
    integers: bool
    layers: Mapping[str, tuple[int, ...]]
    concepts: Mapping[str, int]
    activations: Mapping[str, tuple[int, ...]]
    example: torch.Tensor
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    """Reasons why layers are not recorded by default."""


def probe(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    given: Labels | None = None,
    kind_of_data: DataSpec | None = None,
    kept: AnyPath | None = None,
    activity: Activity | None = None,
) -> DataProbe:
    """Explain up to eight samples spread over the data; raise errors that would occur for every sample.

    `given` are the names of the classes if they do not come from the data, `kind_of_data` describes the data, and
    `kept` is the run that is continued or repeated. `activity` records the pass over the data that finds objects.
    """
    samples = read_some(source)
    one = get_explained(source, samples[0][0][None])[0]
    _require_modality(wanted, one, kind_of_data or DataSpec())
    require_fitting(source.preprocessing, one.shape)
    found = resolve_output(model, place(torch.stack([x for x, _ in samples]), model), wanted, source, given)
    wanted, names = found.wanted, found.names
    if isinstance(wanted.kind, Located):
        find_rows = find_objects if isinstance(wanted.kind, Boxes) else find_tokens
        rows = find_rows(model, source, wanted, names, tuple(one.shape), kept, activity)
        model = with_structure(model, rows.source)
    else:
        rows = make_rows(source, wanted.kind, wanted.targets, names)
    samples = read_some(rows.source) if isinstance(rows.source, RowSource) else samples
    outputs = 1 if found.output.dim() == 1 else found.output.shape[1]
    scores = wanted.targets.outputs or len(names)
    require_classes([label for _, label in samples], scores, outputs)
    samples = [sample for sample in samples if sample[1] is None or 0 <= sample[1] < scores]
    samples = _with_unequal_sides(samples, source)
    x, labels = place(torch.stack([x for x, _ in samples]), model), [label for _, label in samples]
    naming = nullcontext() if isinstance(wanted.method, GradientMethod) else naming_method(wanted.method)
    with naming, _naming_writes():
        with separate_explained(model, x) as (alone, example):
            scored = wanted.make_model(alone)
            records = find_channels(scored, example, wanted.records)
            wanted = replace(wanted, method=wanted.method.resolve(scored, example), records=records)
            chosen = choose_recording(scored, model, example, wanted) if wanted.chooses_layers else Recording()
        wanted, found_maps, notes = _explain_some(model, wanted, chosen, x, label_tensor(labels, x.device))
    _require_some_finite(found_maps)
    explained = get_explained(rows.source, x)[0]
    shapes = {name: tuple(relevance.shape[2:]) for name, relevance in found_maps.relevance.items()}
    return DataProbe(
        source=rows.source,
        wanted=wanted,
        class_names=names,
        shape=tuple(explained.shape),
        channels=shapes[RELEVANCE][0],
        integers=not explained.is_floating_point(),
        layers={name: shapes[LAYER + name] for name in (*wanted.layers, *wanted.method.virtual_layers)},
        concepts={name: shapes[CONCEPT + name][0] for name in wanted.concepts},
        activations={name: tuple(values.shape[1:]) for name, values in found_maps.activations.items()},
        example=x[:1],
        checks=_check(model, x, found, rows.note),
        notes=notes,
    )


def _explain_some(
    model: torch.nn.Module, wanted: OutputSpec, chosen: Recording, x: torch.Tensor, labels: torch.Tensor
) -> tuple[OutputSpec, ExplainedBatch, tuple[str, ...]]:
    """Explain a few samples, and return the outputs with the chosen layers; without them if they cannot be recorded."""
    plain = replace(wanted, chooses_layers=False)
    recorded = chosen.apply(plain) if wanted.chooses_layers else plain
    try:
        with explainer(model, recorded) as explain:
            return recorded, explain(x, labels), chosen.notes
    except (InputError, RuntimeError) as error:
        if not (chosen.concepts or chosen.records):
            raise
        note = f"no layers are recorded by default: {error}"
    with explainer(model, plain) as explain:
        return plain, explain(x, labels), (note,)


def _require_modality(wanted: OutputSpec, x: torch.Tensor, kind: DataSpec) -> None:
    """Raise InputError if the method does not explain such inputs."""
    if len(wanted.method.modalities) < len(MODALITIES):
        require_modality(wanted.method, kind.of(tuple(x.shape), integers=not x.is_floating_point()))


def _check(model: torch.nn.Module, x: torch.Tensor, found: ExplainedOutput, of_rows: str) -> tuple[Check, ...]:
    """Check the model's output, and whether it was trained on inputs like these."""
    value, kind = found.wanted.output, found.wanted.kind
    severity: Severity = "note" if value.is_logit else "warning"
    note = value.note or (note_unit_interval(found.output, value) if isinstance(kind, Logits) else "")
    checks = [Check("output", severity, len(x), len(x), note)] if note else []
    if kind.name != Logits.name or of_rows:
        described = f"outputs are of kind {kind.describe()}" + (f": {of_rows}" if of_rows else "")
        checks.append(Check("output_kind", "note", len(x), len(x), described))
    of_inputs = check_inputs(model, x)
    return (*checks, of_inputs) if of_inputs is not None else tuple(checks)


def read_some(source: Source) -> list[tuple[torch.Tensor, int | None]]:
    """Read up to eight samples spread over the data, as (input, label): readable ones of the most common shape."""
    found = {int(index): attempt(partial(_read_finite, source, int(index))) for index in spread(len(source), PROBED)}
    samples = [sample for sample, _ in found.values() if sample is not None]
    if not samples:
        index, (_, error) = next(iter(found.items()))
        raise InputError(
            f"none of {len(found)} samples spread over the data can be read; the first one is {source.ids[index]}: "
            f"{error}"
        )
    ((shape, _),) = Counter(x.shape for x, _ in samples).most_common(1)
    return [sample for sample in samples if sample[0].shape == shape]


def _read_finite(source: Source, index: int) -> tuple[torch.Tensor, int | None]:
    x, label = source[index]
    return require_finite(x), label


def _with_unequal_sides(
    samples: list[tuple[torch.Tensor, int | None]], source: Source
) -> list[tuple[torch.Tensor, int | None]]:
    """Leave one text out if there are as many as the longest has tokens: then relevance of transposed ids would fit."""
    structure = get_structure(source)
    explained = [x if structure is None else structure.get_own(x) for x, _ in samples]
    longest = max((len(x) for x in explained if not x.is_floating_point() and x.dim() == 1), default=0)
    return samples[:-1] if len(samples) == longest > 1 else samples


@contextmanager
def _naming_writes() -> Iterator[None]:
    """InputError where torch finds in the backward pass that a value that it needs was overwritten."""
    try:
        yield
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        raise InputError(
            "the model writes into a tensor that an operation before needs for its gradient or rule, as "
            "p = z.sigmoid(); z.mul_(3) does: make a new tensor there instead (z = z * 3), or try the plain gradient "
            f"(--composite gradient, composite=None); torch reports: {' '.join(str(error).split())}"
        ) from error


def _require_some_finite(explained: ExplainedBatch) -> None:
    """Require at least one sample with finite output and relevance."""
    finite = torch.isfinite(explained.output.detach()).all(dim=1)
    what = "output"
    for name, values in explained.activations.items():
        if bool(finite.any()):
            what, finite = name, finite & torch.isfinite(values).flatten(1).all(dim=1)
    for name, relevance in explained.relevance.items():
        if bool(finite.any()):
            what = "relevance" if name == "attribution/input" else f"relevance in {name}"
            finite = finite & torch.isfinite(relevance).flatten(2).all(dim=2).any(dim=0)
    if not bool(finite.any()):
        raise InputError(
            f"the {what} is not finite for any of {len(finite)} samples spread over the data: check the weights "
            "for NaN and the normalization (--mean, --std), or try another composite or method"
        )

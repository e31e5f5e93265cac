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
from whyset.runner.class_names import is_binary, name_classes, require_classes
from whyset.runner.data_spec import DataSpec
from whyset.runner.devices import place
from whyset.runner.input_check import check_inputs, require_finite
from whyset.runner.input_codecs import require_fitting
from whyset.runner.labels import Labels
from whyset.runner.method_maps import naming_method, require_modality
from whyset.runner.output import Output, find_binary_output, find_output, note_unit_interval
from whyset.runner.output_spec import ExplainedBatch, OutputSpec, explainer
from whyset.runner.sources import Source, spread
from whyset.runner.sources.source import attempt
from whyset.runner.targets import label_tensor
from whyset.store import Check
from whyset.store.checks import Severity
from whyset.store.layout import CONCEPT, LAYER, RELEVANCE

PROBED = 8


@dataclass(frozen=True)
class DataProbe:
    """Properties of a run found by a few samples.

    `shape` is that of one input, `channels` is the first side of its stored map, `integers` is True for ids of tokens,
    `outputs` is the number of the model's outputs,
    `layers` and `concepts` hold the shape of one row of every recorded layer, `output` is the value of the model that
    is explained, `example` one input, and `checks` are those found so far.
    """

    shape: tuple[int, ...]
    channels: int
    integers: bool
    outputs: int
    class_names: tuple[str, ...]
    layers: Mapping[str, tuple[int, ...]]
    concepts: Mapping[str, int]
    output: Output
    example: torch.Tensor
    checks: tuple[Check, ...]


def probe(
    model: torch.nn.Module,
    source: Source,
    wanted: OutputSpec,
    given: Labels | None = None,
    kind_of_data: DataSpec | None = None,
) -> DataProbe:
    """Explain up to eight samples spread over the data; raise errors that would occur for every sample.

    `given` are the names of the classes if they do not come from the data, `kind_of_data` describes the data.
    """
    samples = read_some(source)
    _require_modality(wanted, samples[0][0], kind_of_data or DataSpec())
    require_fitting(source.preprocessing, samples[0][0].shape)
    output, kind = _outputs(model, place(torch.stack([image for image, _ in samples]), model))
    outputs = int(output.shape[1])
    wanted.targets.check(outputs)
    names = name_classes(source, given, outputs)
    require_classes([label for _, label in samples], len(names), outputs)
    if is_binary(len(names), outputs):
        kind = find_binary_output(output, kind)
    samples = [sample for sample in samples if sample[1] is None or 0 <= sample[1] < len(names)]
    x, labels = place(torch.stack([image for image, _ in samples]), model), [label for _, label in samples]
    naming = nullcontext() if isinstance(wanted.method, GradientMethod) else naming_method(wanted.method)
    with naming, explainer(model, replace(wanted, output=kind)) as explain, _naming_writes():
        explained = explain(x, label_tensor(labels, x.device))
    _require_some_finite(explained)
    rows = {name: tuple(relevance.shape[2:]) for name, relevance in explained.relevance.items()}
    return DataProbe(
        shape=tuple(x.shape[1:]),
        channels=rows[RELEVANCE][0],
        integers=not x.is_floating_point(),
        outputs=outputs,
        class_names=names,
        layers={name: rows[LAYER + name] for name in wanted.layers},
        concepts={name: rows[CONCEPT + name][0] for name in wanted.concepts},
        output=kind,
        example=x[:1],
        checks=_check(model, x, explained.output, kind),
    )


def _require_modality(wanted: OutputSpec, x: torch.Tensor, kind: DataSpec) -> None:
    """Raise InputError if the method does not explain such inputs."""
    if len(wanted.method.modalities) < len(MODALITIES):
        require_modality(wanted.method, kind.of(tuple(x.shape), integers=not x.is_floating_point()))


def _check(model: torch.nn.Module, x: torch.Tensor, output: torch.Tensor, kind: Output) -> tuple[Check, ...]:
    """Check the model's output, and whether it was trained on inputs like these."""
    severity: Severity = "note" if kind.is_logit else "warning"
    note = kind.note or note_unit_interval(output, kind)
    of_output = Check("output", severity, len(x), len(x), note) if note else None
    return tuple(check for check in (of_output, check_inputs(model, x)) if check is not None)


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


def _outputs(model: torch.nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, Output]:
    try:
        output, kind = find_output(model, x)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the model does not accept inputs of shape {tuple(x.shape)}: {reason}") from error
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(x):
        got = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise InputError(
            f"the model must return scores of shape ({len(x)}, classes), not {got}; for a detector, a segmenter or a "
            "model with several heads, give a module that returns the scores to be explained, one row per sample"
        )
    return output, kind


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
    for name, relevance in explained.relevance.items():
        if bool(finite.any()):
            what = "relevance" if name == "attribution/input" else f"relevance in {name}"
            finite = finite & torch.isfinite(relevance).flatten(2).all(dim=2).any(dim=0)
    if not bool(finite.any()):
        raise InputError(
            f"the {what} is not finite for any of {len(finite)} samples spread over the data: check the weights "
            "for NaN and the normalization (--mean, --std), or try another composite or method"
        )

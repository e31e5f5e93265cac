"""Try a few samples before anything is written: shapes, outputs and relevance must make sense."""

from dataclasses import dataclass

import torch

from whyset.attribution import Gradient
from whyset.attribution.composites import Composite
from whyset.errors import InputError, WhysetError
from whyset.runner.devices import placement
from whyset.runner.sources import Source, spread
from whyset.runner.targets import Target

PROBED = 8


@dataclass(frozen=True)
class Probe:
    """What a few samples say about a run: the shape of an input (C, H, W) and the number of the model's outputs."""

    shape: tuple[int, ...]
    outputs: int


def probe(model: torch.nn.Module, source: Source, composite: Composite | None, target: Target) -> Probe:
    """Explain up to eight samples spread over the data; refuse what would fail for every sample."""
    samples = _readable(source)
    x = torch.stack([image for image, _ in samples]).to(*placement(model))
    outputs = _outputs(model, x)
    target.check(outputs)
    labels = [label for _, label in samples]
    _refuse_wrong_labels(labels, outputs)
    with Gradient(model, composite) as attribute:
        output, relevance = attribute(x, target.of_batch(labels, model, x))
    if relevance.shape != x.shape:
        raise InputError(f"relevance has the shape {tuple(relevance.shape)}, and the input {tuple(x.shape)}")
    finite = torch.isfinite(relevance).flatten(1).all(dim=1) & torch.isfinite(output).all(dim=1)
    if not bool(finite.any()):
        what = "output" if not bool(torch.isfinite(output).all(dim=1).any()) else "relevance"
        raise InputError(
            f"the {what} is not finite for any of {len(x)} samples spread over the data: look for NaN in the weights, "
            "a wrong normalisation (--mean, --std), or try another composite"
        )
    return Probe(tuple(x.shape[1:]), outputs)


def _readable(source: Source) -> list[tuple[torch.Tensor, int | None]]:
    samples: list[tuple[torch.Tensor, int | None]] = []
    errors: list[str] = []
    for index in map(int, spread(len(source), PROBED)):
        try:
            samples.append(source[index])
        except WhysetError:
            raise
        except Exception as error:
            errors.append(f"{source.ids[index]}: {error}")
    if not samples:
        raise InputError(f"none of {len(errors)} samples spread over the data can be read; the first is {errors[0]}")
    return [sample for sample in samples if sample[0].shape == samples[0][0].shape]


def _outputs(model: torch.nn.Module, x: torch.Tensor) -> int:
    try:
        with torch.no_grad():
            output = model(x)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"the model does not take inputs of shape {tuple(x.shape)}: {told}") from error
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(x):
        got = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise InputError(f"the model must return scores of shape ({len(x)}, classes), not {got}")
    return int(output.shape[1])


def _refuse_wrong_labels(labels: list[int | None], outputs: int) -> None:
    wrong = [label for label in labels if label is not None and not 0 <= label < outputs]
    if wrong:
        raise InputError(f"label {wrong[0]}: there is no such class; the model has outputs 0 to {outputs - 1}")

"""Continuing a run: the model must give committed samples the predictions and confidences that the run has."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.engines import Progress
from whyset.errors import RunMismatchError
from whyset.runner.devices import placement
from whyset.runner.equal_lengths import split_by_length
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Prefetcher
from whyset.runner.probe import PROBED
from whyset.runner.same_inputs import choose_samples
from whyset.runner.targets import label_tensor
from whyset.store import DONE, Run
from whyset.store.layout import OUTPUT_VALUE, STATUS

COMPARED_OUTPUTS = 2 * PROBED
"""Samples whose outputs are compared, in batches of a size that was tried before."""

_TOLERANCE = 1e-2
"""Confidences of one model differ by less between batch sizes and devices: GPUs multiply float32 with 10 bits (TF32),
which changes logits by a thousandth a layer.
"""
_TOLERANCE_HALF = 0.1
"""float16 and bfloat16 keep 11 and 8 bits: logits near 16 are off by up to 0.06 by their rounding alone."""
_TIMES_NOISE = 10
"""What the model's outputs differ by between a batch and single samples says little of other batches and devices."""
_NO_EVIDENCE = 0.5
"""Where outputs are so noisy, as those of a model that draws random numbers, they do not tell models apart."""


@dataclass(frozen=True, eq=False)
class _Stored:
    """What a run stores of each sample, (n,) each: prediction and confidence, and of some kinds the explained value."""

    prediction: Tensor
    confidence: Tensor
    value: Tensor | None = None


@dataclass(frozen=True, eq=False)
class _Outputs(_Stored):
    """What the model gives now, with the scores (n, K)."""

    scores: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    def differences(self, other: _Stored) -> Tensor:
        """Return the distance to another result, (n,).

        It is the difference in confidence, or, if another class is predicted, the lead of that class, as a share of the
        largest score if that is above 1. Of kinds without a prediction it is the difference in the explained value,
        likewise.
        """
        if self.value is not None and other.value is not None:
            return (self.value - other.value).abs() / other.value.abs().clamp(min=1)
        differing = (self.confidence - other.confidence).abs()
        if self.scores.shape[1] == 1:  # both confidences are at least 1/2
            ahead = self.confidence + other.confidence - 1
        else:
            leads = self.scores.amax(dim=1) - self.scores.gather(1, other.prediction[:, None])[:, 0]
            ahead = leads / self.scores.abs().amax(dim=1).clamp(min=1)
        return torch.where(self.prediction == other.prediction, differing, torch.maximum(differing, ahead))


def require_same_outputs(
    run: Run, reading: Prefetcher, model: torch.nn.Module, wanted: OutputSpec, progress: Progress
) -> None:
    """Run the model on up to 16 samples of committed shards, and compare predictions and confidences with the run's.

    The hash of the weights does not cover what else a model's function depends on: buffers that are not saved,
    attributes, hooks, and code. RunMismatchError: a sample differs by more than rounding, and it is named.
    """
    each = run.config.targets_per_sample
    samples = np.array(choose_samples(run, COMPARED_OUTPUTS), dtype=np.int64)
    samples = samples[run.array(STATUS)[samples * each] == DONE] if len(samples) else samples
    found: list[_Outputs] = []
    inputs: list[tuple[Tensor, Tensor]] = []
    kept: list[int] = []
    for first in range(0, len(samples), PROBED):
        batch = reading.gather(samples[first : first + PROBED].tolist())
        if batch.indices:
            x = batch.place(reading.source.preprocessing, *placement(model))
            labels = label_tensor(batch.labels, x.device)
            for part in split_by_length(model, wanted.kind, x):
                inputs.append((x[part], labels[part]))
                found.append(_compute(model, wanted, *inputs[-1]))
                kept += [batch.indices[place] for place in part.tolist()]
    if not kept:
        return
    stored = _read(run, np.array(kept, dtype=np.int64) * each)
    now = _join(found)
    differences, limit = now.differences(stored), _tolerance(model)
    if not bool((differences > limit).any()):
        return
    single = [pair for x, labels in inputs for pair in zip(x.split(1), labels.split(1), strict=True)]
    limit += _TIMES_NOISE * float(now.differences(_join([_compute(model, wanted, *pair) for pair in single])).max())
    if limit > _NO_EVIDENCE:
        progress.info(
            "the model gives a sample other outputs each time or in another batch, so it could not be compared with "
            "the model that the run was begun with"
        )
    elif bool((differences > limit).any()):
        raise _mismatch(run, reading, kept, now, stored, differences > limit)


def _read(run: Run, rows: NDArray[np.int64]) -> _Stored:
    has_value = any(spec.name == OUTPUT_VALUE for spec in run.arrays)
    return _Stored(
        torch.from_numpy(run.array("prediction")[rows]),
        torch.from_numpy(run.array("confidence")[rows]),
        torch.from_numpy(run.array(OUTPUT_VALUE)[rows]) if has_value else None,
    )


def _compute(model: torch.nn.Module, wanted: OutputSpec, x: Tensor, labels: Tensor) -> _Outputs:
    """Compute what a run stores of the first target of each sample."""
    with torch.no_grad():
        output = wanted.make_model(model)(x.clone())
    columns = wanted.make_columns(output, wanted.targets.indices(output, labels)[:1])
    prediction, confidence = columns["prediction"][0].cpu(), columns["confidence"][0].float().cpu()
    value = columns[OUTPUT_VALUE][0].cpu() if OUTPUT_VALUE in wanted.kind.columns else None
    return _Outputs(prediction, confidence, value, output[:, : wanted.targets.outputs].float().cpu())


def _join(parts: Sequence[_Outputs]) -> _Outputs:
    values = [part.value for part in parts if part.value is not None]
    return _Outputs(
        torch.cat([part.prediction for part in parts]),
        torch.cat([part.confidence for part in parts]),
        torch.cat(values) if values else None,
        torch.cat([part.scores for part in parts]),
    )


def _tolerance(model: torch.nn.Module) -> float:
    return _TOLERANCE_HALF if placement(model)[1] in (torch.float16, torch.bfloat16) else _TOLERANCE


def _mismatch(
    run: Run, reading: Prefetcher, samples: Sequence[int], now: _Outputs, stored: _Stored, differs: Tensor
) -> RunMismatchError:
    """The error that names the first sample that differs."""
    first, index = int(differs.nonzero()[0]), samples[int(differs.nonzero()[0])]
    shard = index * run.config.targets_per_sample // run.config.shard_rows
    then, got = _describe(run, stored, first), _describe(run, now, first)
    return RunMismatchError(
        f"{run.path} cannot be continued: the model has the weights of the run and is another function, so old and new "
        f"explanations would be mixed: for sample {index} ({reading.source.ids[index]}) expected {then} as in shard "
        f"{shard}, got {got} ({int(differs.sum())} of {len(samples)} samples that were compared differ); give the "
        "model as it was (its code and the modules that it imports, buffers that are not saved, attributes, hooks), or "
        "choose another folder"
    )


def _describe(run: Run, found: _Stored, place: int) -> str:
    if found.value is not None:
        return f"the value {float(found.value[place]):.3g}"
    name = run.config.class_names[int(found.prediction[place])]
    return f"the prediction {name} with confidence {float(found.confidence[place]):.3g}"

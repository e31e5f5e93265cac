"""Continuing a run: the model must give committed samples the predictions and confidences that the run has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from whyset.engines import Progress
from whyset.errors import RunMismatchError
from whyset.runner.class_names import is_binary
from whyset.runner.devices import placement
from whyset.runner.output import Output, compute_confidence, make_attributor, predict_binary
from whyset.runner.prefetch import Prefetcher
from whyset.runner.probe import PROBED
from whyset.runner.same_inputs import choose_samples
from whyset.store import DONE, Run
from whyset.store.layout import STATUS

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
class _Outputs:
    """Values that are explained (n, classes), with predictions and confidences (n,)."""

    values: Tensor
    prediction: Tensor
    confidence: Tensor

    def differences(self, prediction: Tensor, confidence: Tensor) -> Tensor:
        """Return the distance to another prediction and confidence, (n,).

        It is the difference in confidence, or, if another class is predicted, the lead of that class, as a share of the
        largest value if that is above 1.
        """
        differing = (self.confidence - confidence).abs()
        if self.values.shape[1] == 1:  # both confidences are at least 1/2
            ahead = self.confidence + confidence - 1
        else:
            leads = self.values.amax(dim=1) - self.values.gather(1, prediction[:, None])[:, 0]
            ahead = leads / self.values.abs().amax(dim=1).clamp(min=1)
        return torch.where(self.prediction == prediction, differing, torch.maximum(differing, ahead))


def require_same_outputs(
    run: Run, reading: Prefetcher, model: torch.nn.Module, output: Output, progress: Progress
) -> None:
    """Run the model on up to 16 samples of committed shards, and compare predictions and confidences with the run's.

    The hash of the weights does not cover what else a model's function depends on: buffers that are not saved,
    attributes, hooks, and code. RunMismatchError: a sample differs by more than rounding, and it is named.
    """
    each = run.config.targets_per_sample
    samples = np.array(choose_samples(run, COMPARED_OUTPUTS), dtype=np.int64)
    samples = samples[run.array(STATUS)[samples * each] == DONE] if len(samples) else samples
    found: list[_Outputs] = []
    inputs: list[Tensor] = []
    kept: list[int] = []
    for first in range(0, len(samples), PROBED):
        batch = reading.gather(samples[first : first + PROBED].tolist())
        if batch.indices:
            inputs.append(batch.place(reading.source.preprocessing, *placement(model)))
            found.append(_compute(run, model, output, inputs[-1]))
            kept += batch.indices
    if not kept:
        return
    rows = np.array(kept, dtype=np.int64) * each
    prediction = torch.from_numpy(run.array("prediction")[rows])
    confidence = torch.from_numpy(run.array("confidence")[rows])
    now = _join(found)
    differences, limit = now.differences(prediction, confidence), _tolerance(model)
    if not bool((differences > limit).any()):
        return
    alone = _join([_compute(run, model, output, x) for part in inputs for x in part.split(1)])
    limit += _TIMES_NOISE * float(now.differences(alone.prediction, alone.confidence).max())
    if limit > _NO_EVIDENCE:
        progress.info(
            "the model gives a sample other outputs each time or in another batch, so it could not be compared with "
            "the model that the run was begun with"
        )
    elif bool((differences > limit).any()):
        raise _mismatch(run, reading, kept, now, prediction, confidence, differences > limit)


def _compute(run: Run, model: torch.nn.Module, kind: Output, x: Tensor) -> _Outputs:
    with torch.no_grad():
        values = make_attributor(model, None, kind).run_model(x)
    binary = is_binary(len(run.config.class_names), values.shape[1])
    prediction = predict_binary(values, kind) if binary else values.argmax(dim=1)
    return _Outputs(values.float().cpu(), prediction.cpu(), compute_confidence(values, kind).cpu())


def _join(parts: Sequence[_Outputs]) -> _Outputs:
    return _Outputs(
        torch.cat([part.values for part in parts]),
        torch.cat([part.prediction for part in parts]),
        torch.cat([part.confidence for part in parts]),
    )


def _tolerance(model: torch.nn.Module) -> float:
    return _TOLERANCE_HALF if placement(model)[1] in (torch.float16, torch.bfloat16) else _TOLERANCE


def _mismatch(
    run: Run,
    reading: Prefetcher,
    samples: Sequence[int],
    now: _Outputs,
    prediction: Tensor,
    confidence: Tensor,
    differs: Tensor,
) -> RunMismatchError:
    """The error that names the first sample that differs."""
    first, index = int(differs.nonzero()[0]), samples[int(differs.nonzero()[0])]
    shard = index * run.config.targets_per_sample // run.config.shard_rows
    names = run.config.class_names
    then = f"{names[int(prediction[first])]} with confidence {float(confidence[first]):.3g}"
    got = f"{names[int(now.prediction[first])]} with {float(now.confidence[first]):.3g}"
    return RunMismatchError(
        f"{run.path} cannot be continued: the model has the weights of the run and is another function, so old and new "
        f"explanations would be mixed: for sample {index} ({reading.source.ids[index]}) expected the prediction {then} "
        f"as in shard {shard}, got {got} ({int(differs.sum())} of {len(samples)} samples that were compared differ); "
        "give the model as it was (its code and the modules that it imports, buffers that are not saved, attributes, "
        "hooks), or choose another folder"
    )

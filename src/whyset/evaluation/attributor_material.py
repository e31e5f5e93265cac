"""Attributors, methods and given relevance as the material of an evaluation, without a run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.evaluation.explain_functions import find_given_method
from whyset.evaluation.explaining import AttributorExplainer, MethodExplainer, as_maps
from whyset.evaluation.masks import place_masks
from whyset.evaluation.material import Material
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Need
from whyset.evaluation.run_material import BATCH_SIZE, NO_MASKS
from whyset.runner.devices import place
from whyset.runner.evaluation_mode import evaluating
from whyset.runner.reduction import Reduction

Numbers = NDArray[np.int64]
MakeExplain = Callable[[Numbers], MethodExplainer | AttributorExplainer]
ONLY_MAPS = "only its relevance is given, no attributor"


@dataclass(frozen=True, eq=False)
class GivenSamples:
    """Inputs (n, ...), the explained class of each (n,), their masks or None, and the model in evaluation mode."""

    model: nn.Module
    x: Tensor
    target: Tensor
    masks: NDArray[np.bool_] | None
    seed: int
    batch_size: int

    def open(self, name: str, given: Any) -> Material:
        """Explain the samples by an attributor, a method or its name; or take relevance (n, ...) as it is."""
        make_explain = self._find_explainer(name, given)
        if make_explain is None:
            relevance = as_maps(given, self.x, name)
        else:
            relevance = torch.cat([self._explain(make_explain, places) for places in self._split()])
        bad = (~relevance.isfinite()).flatten(1).any(1)
        if bool(bad.any()):
            count = int(bad.sum())
            raise InputError(f"{name}: the relevance of {count} samples is not finite: leave out these samples")
        lacks: dict[Need, str] = {} if self.masks is not None else {"masks": NO_MASKS}
        lacks |= {} if make_explain is not None else {"explain": ONLY_MAPS}

        def read(places: Numbers) -> ExplainedSamples:
            x = place(self.x[places], self.model)
            masks = None if self.masks is None else place_masks(self.masks[places], x)
            target, found = self.target[places].to(x.device), relevance[places].to(x.device)
            explain = None if make_explain is None else make_explain(places)
            with_seeds = None if explain is None else explain.with_seeds
            return ExplainedSamples(self.model, x, target, found, places, self.seed, explain, masks, with_seeds)

        return Material(len(self.x), read, self.batch_size, lacks)

    def _split(self) -> Iterator[Numbers]:
        numbers = np.arange(len(self.x))
        return (numbers[start : start + self.batch_size] for start in range(0, len(numbers), self.batch_size))

    def _explain(self, make_explain: MakeExplain, places: Numbers) -> Tensor:
        x = place(self.x[places], self.model)
        return make_explain(places)(self.model, x, self.target[places].to(x.device)).cpu()

    def _find_explainer(self, name: str, given: Any) -> MakeExplain | None:
        """Return a function of the places of a batch that returns what explains it; None for relevance."""
        found = find_given_method(given)
        if found is not None:
            method = found.resolve(self.model, place(self.x[:1], self.model))
            return lambda places: MethodExplainer(method, Reduction(), (self.seed + places).tolist())
        if callable(given):
            return lambda _: AttributorExplainer(name, given, self.model)
        if isinstance(given, Tensor | np.ndarray):
            return None
        raise InputError(
            f"{name}: expected an attributor, a method, a composite or the name of one, or relevance (n, ...), got "
            f"{type(given).__name__}"
        )


@contextmanager
def open_given(
    model: Any, x: Any, target: Any, masks: NDArray[np.bool_] | None, seed: int, batch_size: int | None
) -> Iterator[GivenSamples]:
    """Check inputs and targets, and put the model in evaluation mode in this block."""
    if not isinstance(model, nn.Module):
        raise InputError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    if not isinstance(x, Tensor) or x.dim() < 2 or not x.is_floating_point() or not len(x):
        got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"x: expected floating point inputs (n, channels, ...) or (n, features), got {got}")
    if not bool(x.isfinite().all()):
        raise InputError("x: the inputs are not finite (NaN or infinite values): leave out these samples")
    size = batch_size or BATCH_SIZE
    with evaluating(model), torch.no_grad():
        yield GivenSamples(model, x, _find_target(model, x, target, size), masks, seed, size)


def _find_target(model: nn.Module, x: Tensor, target: Any, size: int) -> Tensor:
    if target is None:
        outputs = [model(place(x[start : start + size], model)).argmax(1) for start in range(0, len(x), size)]
        return torch.cat(outputs).cpu()
    try:
        found = torch.as_tensor(target)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"target: expected a class, or one for each of {len(x)} samples, got {target!r:.80}"
        ) from error
    if found.is_floating_point() or found.dtype == torch.bool or found.shape not in ((), (len(x),)):
        raise InputError(
            f"target: expected a class index, or one for each of {len(x)} samples, got {found.dtype} of shape "
            f"{tuple(found.shape)}"
        )
    return found.expand(len(x)).long().cpu()

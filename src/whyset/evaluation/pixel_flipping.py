"""Pixel flipping: the score of the target while the input is replaced, patch by patch, in the order of relevance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyset.arguments import TypedFields, seed_number, whole_number
from whyset.errors import InputError
from whyset.evaluation.flipping_curves import FlippingCurves
from whyset.evaluation.imputation import Imputer, as_imputer
from whyset.evaluation.scores import SCORES, check_relevance, run_model, score_targets

Attributor = Callable[..., Any]
Sides = int | tuple[int, ...]
ORDERS = ("most_relevant_first", "least_relevant_first")


@dataclass(frozen=True)
class PixelFlipping(TypedFields):
    """Flip the input patch by patch in the order of relevance, and follow the score of the target (Samek 2017).

    A patch's relevance is the sum over its elements and channels. With K patches and the score f of the target, the
    curve is `f(x_k)` for the input x_k in which the k first patches are imputed. Most relevant first, it falls fast for
    a good explanation; least relevant first, it stays high. The difference of both depends less on the imputer than
    each of them (Blücher 2024). Patches of equal relevance are flipped in a random order.

    Parameters
    ----------
    patch_size : int or tuple of int, default 8
        Sides of a patch in elements, over the dimensions after the channels, or the features of (n, features). Patches
        at the end of a side are cut at the edge.
    steps : int or tuple of float, default 20
        The number of equal steps until all patches are flipped, or the increasing fractions of flipped patches. Several
        fractions that round to the same number of patches are one step.
    imputer : Imputer or str, default "constant"
        Values of flipped patches: an imputer or a name of `IMPUTERS`.
    score : {"probability", "output", "correct"}, default "probability"
        The softmax of the outputs (n, classes) at the target (the sigmoid of a single output), as in Quantus: it has
        the same range for all samples, so none dominates the mean. "output" is the output of the model unchanged, for
        models that return probabilities or for logits; logits are also changed by what all classes have in common.
        "correct" is 1 if the target has the largest output and 0 otherwise, whose mean is an accuracy (Rong 2022).
    order : {"both", "most_relevant_first", "least_relevant_first"}, default "both"
        The orders to compute.
    batch_size : int, default 32
        Number of samples in one call of the attributor and of the model.
    seed : int, default 0
        Seed of the order of equal patches and of random imputation. Results do not depend on `batch_size`.

    Raises
    ------
    InputError
        A value does not fit.

    Examples
    --------
    >>> from whyset.attribution import Gradient
    >>> from whyset.attribution.composites import EpsilonPlus
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    >>> flipping = PixelFlipping(patch_size=2, steps=4)
    >>> curves = flipping(model, torch.rand(5, 1, 8, 8), Gradient(model, EpsilonPlus()))
    >>> curves.most_relevant_first.shape, curves.relevance_gain.shape
    ((5, 5), (5,))
    """

    patch_size: Sides = 8
    steps: int | tuple[float, ...] = 20
    imputer: Imputer | str = "constant"
    score: str = "probability"
    order: str = "both"
    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        for side in self.patch_size if isinstance(self.patch_size, tuple) else (self.patch_size,):
            whole_number("patch_size", side, 1)
        self._check_steps()
        as_imputer(self.imputer)
        for name, known in (("score", SCORES), ("order", ("both", *ORDERS))):
            if getattr(self, name) not in known:
                raise InputError(
                    f"PixelFlipping({name}={getattr(self, name)!r}): expected one of {', '.join(map(repr, known))}"
                )
        whole_number("batch_size", self.batch_size, 1)
        seed_number(self.seed)

    def _check_steps(self) -> None:
        if not isinstance(self.steps, tuple):
            whole_number("steps", self.steps, 1)
            return
        rising = all(a < b for a, b in zip((0.0, *self.steps), self.steps, strict=False))
        if not self.steps or not rising or self.steps[-1] > 1:
            raise InputError(f"PixelFlipping(steps={self.steps!r}): expected increasing fractions above 0, at most 1")

    def __call__(
        self,
        model: nn.Module | Callable[[Tensor], Tensor],
        x: Tensor,
        explanation: Attributor | Tensor,
        target: int | Sequence[int] | Tensor | None = None,
        *,
        numbers: Sequence[int] | None = None,
    ) -> FlippingCurves:
        """Compute the curves of one explanation method.

        Parameters
        ----------
        model : torch.nn.Module or callable
            Returns the outputs (n, classes) for inputs (n, ...); a module must be in evaluation mode.
        x : Tensor
            The inputs (n, channels, ...) or (n, features).
        explanation : callable or Tensor
            The relevance (n, ...), shaped like x or with one channel; or an attributor, called as
            `explanation(x, target=classes)` with classes (n,), that returns it or the pair of the output and it: all of
            whyset, and the `attribute` of captum's methods.
        target : int, sequence of int or Tensor, optional
            The class of all samples, or of each; by default the largest output of each sample.
        numbers : sequence of int, optional
            The number of each sample, from which and the seed its random numbers are drawn; by default its position.

        Returns
        -------
        FlippingCurves
            Scores of every sample after every step.

        Raises
        ------
        InputError
            An argument does not fit the inputs, the relevance or the outputs are not finite, or the model is in
            training mode.
        """
        self._check_call(model, x, explanation)
        sides = self._sides(x)
        patches = assign_patches(x.shape[1:] if x.dim() == 2 else x.shape[2:], sides).to(x.device)
        n_patches = int(patches.max()) + 1
        counts = self._counts(n_patches)
        numbers = range(len(x)) if numbers is None else numbers
        parts = []
        for start in range(0, len(x), self.batch_size):
            rows = range(start, min(start + self.batch_size, len(x)))
            parts.append(self._flip(model, x, explanation, target, rows, patches, counts, numbers))
        joined = [np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)]
        curves = dict(zip(self._orders(), joined[1:], strict=True))
        return FlippingCurves(counts / n_patches, joined[0], *(curves.get(order) for order in ORDERS))

    def _check_call(self, model: Any, x: Tensor, explanation: Any) -> None:
        if not isinstance(x, Tensor) or x.dim() < 2 or not x.is_floating_point() or not x.numel():
            got = f"{tuple(x.shape)}, {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
            raise InputError(f"x: expected floating point inputs (n, channels, ...) or (n, features), got {got}")
        if not x.isfinite().all():
            raise InputError("x: the inputs are not finite (NaN or infinite values): leave out these samples")
        if not callable(model):
            raise InputError(f"model: expected a module or a callable, got {type(model).__name__}")
        if isinstance(model, nn.Module) and model.training:
            raise InputError("the model is in training mode, in which scores depend on the batch: call model.eval()")
        if not callable(explanation) and not isinstance(explanation, Tensor):
            raise InputError(f"explanation: expected a callable or a tensor, got {type(explanation).__name__}")
        if isinstance(explanation, Tensor) and len(explanation) != len(x):
            raise InputError(f"explanation: expected relevance of {len(x)} samples, got {len(explanation)}")

    def _orders(self) -> tuple[str, ...]:
        return ORDERS if self.order == "both" else (self.order,)

    def _sides(self, x: Tensor) -> tuple[int, ...]:
        count = max(1, x.dim() - 2)
        sides = self.patch_size if isinstance(self.patch_size, tuple) else (self.patch_size,) * count
        if len(sides) != count:
            raise InputError(
                f"PixelFlipping(patch_size={self.patch_size!r}): expected one number, or {count} for an input of shape "
                f"{tuple(x.shape)}"
            )
        if all(side > length for side, length in zip(sides, x.shape[-count:], strict=True)):
            raise InputError(
                f"PixelFlipping(patch_size={self.patch_size!r}): a patch is larger than an input of shape "
                f"{tuple(x.shape)}, so there is no order of patches: choose a smaller one"
            )
        return sides

    def _counts(self, n_patches: int) -> Any:
        """Return the increasing numbers of flipped patches, from 0."""
        fractions = self.steps if isinstance(self.steps, tuple) else np.arange(1, self.steps + 1) / self.steps
        return np.unique([0, *(max(1, round(fraction * n_patches)) for fraction in fractions)])

    def _flip(
        self,
        model: Callable[[Tensor], Tensor],
        x: Tensor,
        explanation: Attributor | Tensor,
        target: Any,
        rows: range,
        patches: Tensor,
        counts: Any,
        numbers: Sequence[int],
    ) -> tuple[Any, ...]:
        """Return the target (n,) and the curves (steps + 1, n) of one batch."""
        batch = x[rows.start : rows.stop].detach()
        classes = self._classes(model, batch, target, rows, len(x))
        if isinstance(explanation, Tensor):
            found = explanation[rows.start : rows.stop]
        else:
            found = explanation(batch.clone(), target=classes)  # it may write into its input
        relevance = check_relevance(found, batch, rows.start)
        generators = [np.random.default_rng([self.seed, int(numbers[row])]) for row in rows]
        rank = rank_patches(relevance, patches, generators)
        at = rank[:, patches.flatten()].view(len(batch), *[1] * (batch.dim() - 1 - patches.dim()), *patches.shape)
        impute = as_imputer(self.imputer).prepare(batch, generators)
        n_patches = rank.shape[1]

        def score(place: Tensor, count: int) -> Any:
            return score_targets(model, impute(place < count), classes, self.score)

        # With no patches or all of them flipped, inputs are the same in both orders.
        ends = {count: score(at, count) for count in (0, n_patches) if count in counts}
        curves = []
        for order in self._orders():
            place = at if order == ORDERS[0] else n_patches - 1 - at
            curves.append(np.stack([ends[k] if k in ends else score(place, k) for k in map(int, counts)]))
        return (classes.cpu().numpy(), *curves)

    def _classes(self, model: Callable[[Tensor], Tensor], batch: Tensor, target: Any, rows: range, n: int) -> Tensor:
        if target is None:
            return run_model(model, batch.clone()).argmax(1)  # as the model may
        try:
            given = torch.as_tensor(target, device=batch.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"target: expected a class, or one for each of {n} samples, got {target!r:.80}") from error
        if given.is_floating_point() or given.dtype == torch.bool or given.shape not in ((), (n,)):
            raise InputError(
                f"target: expected a class index, or one for each of {n} samples, got {given.dtype} of shape "
                f"{tuple(given.shape)}"
            )
        return given.expand(n)[rows.start : rows.stop].long()


def assign_patches(shape: Sequence[int], sides: Sequence[int]) -> Tensor:
    """Return the number of the patch of every element, row by row."""
    patches = torch.zeros(tuple(shape), dtype=torch.long)
    for axis, (length, side) in enumerate(zip(shape, sides, strict=True)):
        number = torch.arange(length) // side
        patches = patches * -(-length // side) + number.view(-1, *[1] * (len(shape) - axis - 1))
    return patches


def rank_patches(relevance: Tensor, patches: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
    """Return the rank of every patch (n, patches), 0 for the most relevant; equal ones are in random order."""
    n, n_patches = len(relevance), int(patches.max()) + 1
    pixels = (relevance if relevance.dim() == patches.dim() + 1 else relevance.sum(1)).reshape(n, -1)
    sums = pixels.new_zeros(n, n_patches).index_add_(1, patches.flatten(), pixels)
    shuffled = torch.from_numpy(np.stack([generator.permutation(n_patches) for generator in generators])).to(
        sums.device
    )
    order = shuffled.gather(1, sums.gather(1, shuffled).argsort(stable=True, dim=1, descending=True))
    return torch.empty_like(order).scatter_(1, order, torch.arange(n_patches, device=order.device).expand(n, -1))

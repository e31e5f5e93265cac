"""TCAV: the share of samples whose score a concept raises, against vectors of random divisions of the samples."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.intercept.capture import check_places
from whyset.effects.intervals import estimate_fraction
from whyset.errors import InputError
from whyset.findings.views import ChannelView
from whyset.fixing.concept_methods import ConceptMethod, Values, as_concept_method
from whyset.store.concept_vectors import TcavScore

N_RANDOM = 100


def measure_gradients(
    model: nn.Module,
    view: ChannelView,
    label: int,
    batches: Iterable[Tensor],
    get_scores: Callable[[nn.Module, Tensor], Tensor] | None = None,
) -> Values:
    """Return the gradient of the score of a class with respect to a shift of a layer's channels, (n, channels).

    The shift is the same at all positions, so the gradient is the sum over positions.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    view : ChannelView
        The layer and the axis of its channels.
    label : int
        The class.
    batches : iterable of Tensor
        The samples.
    get_scores : callable, optional
        Returns the scores (n, classes) for a model and a batch; by default what the model returns.

    Raises
    ------
    InputError
        The model does not have the layer, or its score does not depend on it.
    """
    check_places(model, (view.layer,))
    layer, parts = dict(model.named_modules())[view.layer], list[Tensor]()
    for batch in batches:
        shifts: list[Tensor] = []

        def shift(_: nn.Module, __: object, output: Tensor, shifts: list[Tensor] = shifts) -> Tensor:
            rows = output.movedim(view.channel_axis, -1)
            if not shifts:  # a layer that runs several times is shifted each time by the same
                shifts.append(torch.zeros(len(rows), rows.shape[-1], dtype=rows.dtype, device=rows.device))
                shifts[0].requires_grad_()
            added = shifts[0].view(len(rows), *[1] * (rows.dim() - 2), rows.shape[-1])
            return (rows + added).movedim(-1, view.channel_axis)

        handle = layer.register_forward_hook(shift)
        try:
            with torch.enable_grad():
                scores = model(batch) if get_scores is None else get_scores(model, batch)
                if not shifts:
                    raise InputError(f"layer {view.layer!r} did not run: expected a layer that runs")
                (found,) = torch.autograd.grad(scores[:, label].sum(), shifts, allow_unused=True)
        finally:
            handle.remove()
        if found is None:
            raise InputError(f"the score of class {label} does not depend on layer {view.layer!r}")
        parts.append(found.detach().cpu())
    gradients: Values = torch.cat(parts).double().numpy()
    return gradients


def measure_tcav(
    gradients: ArrayLike,
    activations_with: ArrayLike,
    activations_without: ArrayLike,
    method: ConceptMethod | str = "pattern",
    n_random: int = N_RANDOM,
    seed: int = 0,
) -> TcavScore:
    """Measure the share of samples of a class whose score rises along a concept vector (Kim 2018).

    `S = |{x : g(x) · v > 0}| / n` with the gradient g of the score of the class. It is compared with the shares of
    vectors that are fitted in the same way on random divisions of the same samples into groups of the same sizes:
    `p = min(1, 2 min(1 + |{r : Sᵣ ≥ S}|, 1 + |{r : Sᵣ ≤ S}|) / (1 + n_random))`. If samples with the concept are like
    those without it, the probability of p ≤ α is at most α. Kim (2018) compares several vectors of one concept with
    random ones by a t-test instead.

    Parameters
    ----------
    gradients : array_like
        The gradients for samples of the class, (n, channels), as `measure_gradients` returns them.
    activations_with, activations_without : array_like
        The pooled activations that the vector is fitted on, (n, channels) and (m, channels).
    method : str or ConceptMethod, default "pattern"
        What fits the vectors.
    n_random : int, default 100
        The number of random divisions; p is at least 2 / (1 + n_random).
    seed : int, default 0
        The seed of the divisions.

    Returns
    -------
    TcavScore
        The share and its significance.
    """
    chosen, count = as_concept_method(method), whole_number("n_random", n_random, least=1)
    slopes = np.asarray(gradients, np.float64)
    own, others = (np.asarray(given, np.float64) for given in (activations_with, activations_without))
    x, t = np.concatenate([own, others]), np.repeat([1.0, 0.0], [len(own), len(others)])
    if not len(slopes) or slopes.ndim != 2 or slopes.shape[1] != x.shape[1]:
        raise InputError(f"gradients: expected (samples, {x.shape[1]}) with at least one sample, got {slopes.shape}")
    rises: NDArray[np.bool_] = slopes @ chosen.fit(x, t) > 0
    random = np.random.default_rng([seed, 13])
    shares = np.array([(slopes @ chosen.fit(x, random.permutation(t)) > 0).mean() for _ in range(count)])
    share = float(rises.mean())
    tail = min(int((shares >= share).sum()), int((shares <= share).sum())) + 1
    return TcavScore(estimate_fraction(rises), min(1.0, 2 * tail / (1 + count)), count, float(shares.mean()))

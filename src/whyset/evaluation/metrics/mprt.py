"""Randomization of parameters: whether relevance depends on what the model has learned."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.explaining import explain_again
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide, get_position_shape, pool
from whyset.evaluation.metrics.random_models import ORDERS, Order, list_layers, randomize
from whyset.evaluation.metrics.similarity import SimilarityName, compare_maps, require_similarity

Values = NDArray[np.float64]


@dataclass(frozen=True)
class MPRT(Metric):
    """Similarity of the relevance to that of models with random parameters (Adebayo 2018).

    Model parameter randomization test: the parameters of the layers become random one after the other, and the
    relevance R^(l) after l of L layers is compared with R: `mean_l s(R, R^(l))`. Small if the relevance depends on the
    parameters. The curve also has s for the model as it is, which is 1 unless the method is random. The model is
    copied; a layer is a module with parameters of its own, in the order in which the model lists its modules, which
    should be that of their use. Similarities that are not defined, because a map is constant or not finite, are left
    out of the mean, which is NaN if there are no others.

    Parameters
    ----------
    order : {"top_down", "bottom_up", "independent"}, default "top_down"
        "top_down" begins at the output (the cascading randomization of Adebayo), "bottom_up" at the input;
        "independent" makes a single layer random.
    similarity : {"spearman", "pearson", "cosine", "ssim"}, default "spearman"
        The similarity s of two maps, of the relevance summed over the channels.
    absolute : bool, default True
        Compare absolute values; Adebayo has both, because a change of sign changes the correlation.
    n_steps : int or None, default None
        The largest number of steps, equally spaced over the layers; None takes all. A step is one explanation of the
        batch.

    Raises
    ------
    InputError
        A value does not fit, or the model has no parameters.

    Examples
    --------
    >>> from torch import nn, rand, zeros
    >>> def explain(model, x, target):
    ...     return x  # whatever the model is
    >>> model, x = nn.Linear(4, 2).eval(), rand(3, 4)
    >>> batch = ExplainedSamples(model, x, zeros(3).long(), x, np.arange(3), explain=explain)
    >>> MPRT().measure(batch).values.round(6)
    array([1., 1., 1.])
    """

    name = "mprt"
    title = "MPRT"
    better = "lower"
    needs = frozenset({"model", "explain"})

    order: Order = "top_down"
    similarity: SimilarityName = "spearman"
    absolute: bool = True
    n_steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in ORDERS:
            raise InputError(
                f"{type(self).__name__}(order={self.order!r}): expected one of {', '.join(map(repr, ORDERS))}"
            )
        require_similarity(type(self).__name__, self.similarity)
        if self.n_steps is not None:
            whole_number("n_steps", self.n_steps, 1)

    def measure(self, batch: ExplainedSamples) -> Measured:
        n_layers = len(list_layers(batch.model))
        counts = self._choose_counts(n_layers)
        before = self._pool(batch, batch.relevance)
        maps = [self.explain(batch, batch.model)]
        maps += [self.explain(batch, model) for _, model in randomize(batch.model, batch.seed, self.order, counts)]
        shape = get_position_shape(batch.x)
        reference = self.choose_reference(before, maps[0])
        curves = np.stack([compare_maps(reference, after, shape, self.similarity) for after in maps], axis=1)
        return Measured(_mean_of_defined(curves[:, 1:]), curves, np.array([0, *counts]) / n_layers)

    def explain(self, batch: ExplainedSamples, model: nn.Module) -> Values:
        """Return the maps (n, positions) of a model."""
        return self._pool(batch, explain_again(batch, model=model))

    def choose_reference(self, stored: Values, computed: Values) -> Values:
        """Return the maps with which those of random models are compared: those of the batch."""
        return stored

    def _pool(self, batch: ExplainedSamples, relevance: torch.Tensor) -> Values:
        return pool(relevance, batch.x, "absolute" if self.absolute else "signed")

    def _choose_counts(self, n_layers: int) -> list[int]:
        n_steps = n_layers if self.n_steps is None else min(self.n_steps, n_layers)
        return sorted({round(step * n_layers / n_steps) for step in range(1, n_steps + 1)})


@dataclass(frozen=True)
class SmoothMPRT(MPRT):
    """Similarity of denoised relevance to that of models with random parameters (Hedström 2024).

    As `MPRT`, but each relevance is the mean over inputs with Gaussian noise, whose standard deviation is `noise_level`
    times the range of the sample: gradients of a random model are noise, which a similarity would reward. The mean for
    the model as it is, not the relevance of the batch, is the reference. Layers become random from the input on, so
    that what the first layers compute does not stay.

    Parameters
    ----------
    order : {"top_down", "bottom_up", "independent"}, default "bottom_up"
        As in `MPRT`.
    similarity : {"spearman", "pearson", "cosine", "ssim"}, default "spearman"
        As in `MPRT`.
    absolute : bool, default True
        As in `MPRT`.
    n_steps : int or None, default None
        As in `MPRT`; a step is `n_samples` explanations of the batch.
    n_samples : int, default 50
        Number of inputs with noise; all steps have the same noise.
    noise_level : float, default 0.1
        Standard deviation of the noise as a share of the range of the sample, 0 or more.

    Raises
    ------
    InputError
        A value does not fit, or the model has no parameters.
    """

    name = "smooth_mprt"
    title = "smooth MPRT"

    order: Order = "bottom_up"
    n_samples: int = 50
    noise_level: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_samples", self.n_samples, 1)
        if self.noise_level < 0:
            raise InputError(f"SmoothMPRT(noise_level={self.noise_level!r}): expected 0 or a positive number")

    def explain(self, batch: ExplainedSamples, model: nn.Module) -> Values:
        flat = batch.x.flatten(1)
        span = (flat.amax(1) - flat.amin(1)).reshape(-1, *[1] * (batch.x.dim() - 1))
        generators, shape = batch.make_generators(), tuple(batch.x.shape[1:])
        total = torch.zeros_like(batch.relevance, dtype=torch.float64, device=batch.x.device)
        for _ in range(self.n_samples):
            drawn = np.stack([generator.standard_normal(shape) for generator in generators])
            noisy = batch.x + self.noise_level * span * torch.from_numpy(drawn).to(batch.x)
            total += explain_again(batch, model=model, x=noisy)
        return self._pool(batch, total / self.n_samples)

    def choose_reference(self, stored: Values, computed: Values) -> Values:
        return computed


def _mean_of_defined(values: Values) -> Values:
    """Return the mean of each row without NaN; NaN if there is nothing else."""
    defined = np.isfinite(values)
    return divide(np.where(defined, values, 0.0).sum(1), defined.sum(1).astype(np.float64))

"""DFR: the last layer is fitted again on groups of equal size."""

import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.training.last_linear import find_last_linear
from whyset.fixing.training.layer_input import LayerInput
from whyset.fixing.training.trained_fix import check_task, find_labeled, require_positive

_CHUNK = 250


@dataclass(frozen=True, eq=False)
class ActivationGroup:
    """The activations (n, channels) of samples of a label, with or without the evidence."""

    label: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class LastLayer(FixMethod):
    """The last linear layer is fitted again on groups of equal size (DFR, Kirichenko 2023, section 6).

    Groups are the classes, each with and without the evidence: carriers have it in their own class, and samples of
    other classes get it by insertion. A logistic regression with a penalty on squared weights is fitted on
    standardized activations, `n_draws` times with as many samples of each group, and weights are averaged. Kirichenko
    penalizes absolute weights, chooses the strength by held-out groups and needs samples of all groups.

    Parameters
    ----------
    strength : float, default 1.0
        The strength of the penalty, `1/C` of scikit-learn's LogisticRegression.
    n_draws : int, default 5
        The number of fits.

    Raises
    ------
    InputError
        A parameter is out of range; with a task: the last layer of the model is not linear, or a class has no samples.

    Examples
    --------
    >>> LastLayer(n_draws=10).describe()
    'last layer, n draws 10'
    """

    name: ClassVar[str] = "last_layer"
    title: ClassVar[str] = "last layer on balanced groups (DFR)"
    changes_weights: ClassVar[bool] = True

    strength: float = 1.0
    n_draws: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "strength")
        whole_number("LastLayer: n_draws", self.n_draws, least=1)

    def apply(self, task: FixTask) -> nn.Module:
        """Return a copy of the model with a new last layer."""
        check_task(task)
        path = find_last_linear(task)
        model = copy.deepcopy(task.model).eval()
        linear = model.get_submodule(path)
        assert isinstance(linear, nn.Linear)
        groups = make_groups(task, path)
        missing = sorted(set(range(linear.out_features)) - {one.label for one in groups})
        if missing:
            raise InputError(f"{self.title}: expected samples of each class, got none of {missing}")
        weight, bias = self._fit(groups, task.seed)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            if linear.bias is None:
                linear.bias = nn.Parameter(torch.zeros_like(linear.weight[:, 0]), linear.weight.requires_grad)
            linear.bias.copy_(torch.from_numpy(bias))
        return model

    def _fit(self, groups: list[ActivationGroup], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean weights (classes, channels) and biases (classes,) of fits on random parts of the groups."""
        from sklearn.linear_model import LogisticRegression

        random = np.random.default_rng([seed, 4])
        every = np.concatenate([one.values for one in groups])
        mean, scale = every.mean(0), np.where(every.std(0) > 0, every.std(0), 1)
        size = min(len(one.values) for one in groups)
        weights, biases = [], []
        for _ in range(self.n_draws):
            chosen = [one.values[random.permutation(len(one.values))[:size]] for one in groups]
            labels = np.repeat([one.label for one in groups], size)
            fitted = LogisticRegression(C=1 / self.strength, max_iter=1000)
            fitted.fit((np.concatenate(chosen) - mean) / scale, labels)
            own, bias = fitted.coef_, fitted.intercept_
            if len(own) == 1:  # two classes share one row
                own, bias = np.concatenate([-own, own]) / 2, np.concatenate([-bias, bias]) / 2
            weights.append(own / scale)
            biases.append(bias - (own / scale) @ mean)
        return np.mean(weights, axis=0), np.mean(biases, axis=0)


def make_groups(task: FixTask, path: str) -> list[ActivationGroup]:
    """Return the activations of each class without the evidence and with it."""
    random = np.random.default_rng([task.seed, 3])
    rows = find_labeled(task)
    rest = np.setdiff1d(rows, task.carriers)
    hosts = rest[task.labels[rest] != task.label]
    plain = _read_activations(task, path, rest)
    changed = _read_activations(task, path, hosts, random.choice(task.carriers, len(hosts)))
    own = _read_activations(task, path, task.carriers)
    found = [ActivationGroup(int(one), plain[task.labels[rest] == one]) for one in np.unique(task.labels[rest])]
    found += [ActivationGroup(int(one), changed[task.labels[hosts] == one]) for one in np.unique(task.labels[hosts])]
    return [*found, ActivationGroup(int(task.label), own)]


def _read_activations(task: FixTask, path: str, rows: Rows, sources: Rows | None = None) -> NDArray[np.float64]:
    """Return what the last layer takes for samples, with the evidence of sources if there are any."""
    parts: list[Tensor] = []
    with torch.no_grad():
        for first in range(0, len(rows), _CHUNK):
            part = slice(first, first + _CHUNK)
            x = task.read(rows[part])
            if sources is not None:
                x = task.insert(sources[part], rows[part], x)
            with LayerInput(task.model, path) as taken:
                task.model(x)
            parts.append(taken.value.double().cpu())
    return torch.cat(parts).numpy()

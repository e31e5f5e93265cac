"""Attributors and runs of whyset as explanation functions of Quantus."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.evaluation.explain_functions import Given, as_explain
from whyset.store import Run

QuantusExplain = Callable[..., NDArray[Any]]


def as_quantus(
    given: Given | Run, *, inputs: ArrayLike | Tensor | None = None, rows: Sequence[int] | None = None
) -> QuantusExplain:
    """Return the `explain_func` of a method for the metrics of Quantus, `explain_func(model, inputs, targets)`.

    Parameters
    ----------
    given : Method, Composite, str, type, callable or Run
        A method, a composite or the name of one, a class of attributors, or a function `explain(model, x, target)`, as
        for `as_explain`; or a run, whose stored maps are returned.
    inputs : array_like or Tensor, optional
        For a run: the inputs (n, ...) that Quantus is given, by which the rows are found. Other inputs, such as those
        that Quantus changes, have no stored map, so a run serves metrics that explain nothing further.
    rows : sequence of int, optional
        For a run: the row of each input (n,); by default the first n.

    Returns
    -------
    callable
        Called with the model, inputs (n, ...) and targets (n,), as arrays or tensors; further arguments of Quantus are
        ignored. Returns the relevance as an array shaped like the inputs, or with one channel. Quantus reads maps with
        one channel for inputs with several as well.

    Raises
    ------
    InputError
        The method is unknown, `inputs` are missing for a run or given for a method, or an input is not among them.

    Examples
    --------
    >>> explain_func = as_quantus("epsilon_plus")
    >>> explain_func(nn.Linear(4, 2).eval(), np.ones((3, 4), np.float32), np.array([0, 1, 1])).shape
    (3, 4)
    """
    if isinstance(given, Run):
        return _StoredMaps.of(given, inputs, rows)
    if inputs is not None or rows is not None:
        raise InputError("as_quantus: inputs and rows belong to a run; a method explains all inputs")
    explain = as_explain(given)

    def explain_func(model: nn.Module, inputs: Any, targets: Any, **ignored: Any) -> NDArray[Any]:
        parameter = next(model.parameters(), torch.zeros(1))
        x = torch.as_tensor(inputs).to(parameter)
        target = torch.as_tensor(targets, device=parameter.device).long()
        return explain(model, x, target).cpu().numpy()

    return explain_func


class _StoredMaps:
    """The relevance maps of a run, found by the bytes of the inputs and the explained classes."""

    def __init__(self, run: Run, known: dict[tuple[bytes, int], int]) -> None:
        self._run, self._known = run, known

    def __repr__(self) -> str:
        return f"<stored maps of {len(self._known)} inputs>"

    @classmethod
    def of(cls, run: Run, inputs: Any, rows: Sequence[int] | None) -> "_StoredMaps":
        if inputs is None:
            raise InputError("as_quantus: a run needs the inputs that Quantus is given, to find their rows")
        values = _as_array(inputs)
        chosen = np.arange(len(values)) if rows is None else np.asarray(rows)
        if len(chosen) != len(values):
            raise InputError(f"as_quantus: expected a row for each of {len(values)} inputs, got {len(chosen)} rows")
        targets = run.column("target")
        if len(chosen) and not (chosen.min() >= 0 and chosen.max() < len(targets)):
            raise InputError(
                f"as_quantus: expected rows from 0 to {len(targets) - 1}, those of the run, got {int(chosen.min())} to "
                f"{int(chosen.max())}"
            )
        targets = targets[chosen]
        parts = zip(values, targets, chosen, strict=True)
        return cls(run, {(value.tobytes(), int(target)): int(row) for value, target, row in parts})

    def __call__(self, model: Any, inputs: Any, targets: Any, **ignored: Any) -> NDArray[Any]:
        asked = zip(_as_array(inputs), np.asarray(targets), strict=True)
        rows = [self._known.get((value.tobytes(), int(target)), -1) for value, target in asked]
        if -1 in rows:
            raise InputError(
                f"as_quantus: the run has no map for {rows.count(-1)} of {len(rows)} inputs with their classes (number "
                f"{rows.index(-1)} is the first): metrics that change inputs or classes need a method, not a run"
            )
        return np.asarray(self._run.relevance[np.array(rows)])


def _as_array(inputs: Any) -> NDArray[np.float32]:
    values = inputs.detach().cpu().numpy() if isinstance(inputs, Tensor) else np.asarray(inputs)
    return np.ascontiguousarray(values, dtype=np.float32)

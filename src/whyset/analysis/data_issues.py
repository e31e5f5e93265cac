"""Checks of the features of a class before its analysis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError


@dataclass(frozen=True)
class CheckedFeatures:
    """The mask `kept` of the rows to analyze, and the `treatment` of the others in words."""

    kept: NDArray[np.bool_]
    treatment: tuple[str, ...]


def check_features(features: NDArray[np.floating], indices: NDArray[np.integer], smallest: int) -> CheckedFeatures:
    """Refuse features that cannot be analyzed, leave out constant maps, and count repeated ones.

    `features` (N, D) are those of the explanations `indices` (N,). InputError: a map is not finite, fewer than
    `smallest` maps remain, or all of them are the same.
    """
    refuse_non_finite(features, indices)
    kept = np.ptp(features, axis=1) > 0
    treatment = [_format_left_out(indices[~kept])] if not kept.all() else []
    if kept.sum() < smallest:
        without = f" ({np.count_nonzero(~kept)} constant maps left out)" if treatment else ""
        raise InputError(f"Too few explanations: {kept.sum()}{without}; at least {smallest} are needed.")
    repeated = count_repeated(features[kept])
    if repeated == kept.sum() - 1:
        raise InputError(f"All {kept.sum()} relevance maps are the same: there is nothing to compare.")
    if repeated:
        treatment.append(f"{repeated} maps repeat another map exactly; they are kept, as neighbors of each other.")
    return CheckedFeatures(kept, tuple(treatment))


def refuse_non_finite(features: NDArray[np.floating], indices: NDArray[np.integer]) -> None:
    """Raise an InputError that names the explanations with NaN or infinite relevance."""
    broken = indices[~np.isfinite(features).all(axis=1)]
    if len(broken):
        raise InputError(
            f"{len(broken)} explanations have relevance that is not finite ({list_rows(broken)}); explain them again."
        )


def count_repeated(features: NDArray[np.floating]) -> int:
    """Count the rows that equal an earlier row."""
    rows = np.ascontiguousarray(features + 0.0)  # -0.0 and 0.0 are the same relevance
    as_bytes = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return len(rows) - len(np.unique(as_bytes))


def limit_neighbors(neighbors: int, samples: int) -> int:
    """Return the number of neighbors for a class, at most a fifth of its samples, so that the graph is local."""
    return min(neighbors, max(2, samples // 5))


def list_rows(indices: NDArray[np.integer]) -> str:
    """Format the first few row numbers."""
    shown = ", ".join(str(index) for index in indices[:5].tolist())
    return f"rows {shown}{', ...' if len(indices) > 5 else ''}"


def _format_left_out(constant: NDArray[np.integer]) -> str:
    return f"{len(constant)} maps are constant and were left out ({list_rows(constant)})."

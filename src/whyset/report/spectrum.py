"""Bar chart of the leading eigenvalues of a class."""

from dataclasses import dataclass

import numpy as np

from whyset.report.class_rows import ClassRow
from whyset.store import Category

_SHOWN = 16
_WIDTH, _HEIGHT, _STEP = 10, 48, 14


@dataclass(frozen=True)
class EigenvalueBar:
    """A bar of the chart, in units of its box; `kind` is "kept" for eigenvalues that represent clusters."""

    kind: str
    x: int
    width: int
    y: str
    height: str


@dataclass(frozen=True)
class EigenvalueChart:
    """Eigenvalues between 0 and 1 as bars."""

    name: str
    box: str
    bars: tuple[EigenvalueBar, ...]
    caption: str = "leading eigenvalues, 0 to 1"


def draw_spectrum(category: Category, row: ClassRow) -> EigenvalueChart | None:
    """Draw the eigenvalues as bars, those that represent clusters darker; None if they are not stored."""
    if "eigenvalues" not in category.columns:
        return None
    values = np.clip(np.asarray(category.column("eigenvalues"))[:_SHOWN], 0, 1).tolist()
    bars = tuple(
        EigenvalueBar(
            "kept" if place < (row.n_clusters or 0) else "rest",
            place * _STEP,
            _WIDTH,
            f"{_HEIGHT * (1 - value):.1f}",
            f"{_HEIGHT * value:.1f}",
        )
        for place, value in enumerate(values)
    )
    numbers = ", ".join(f"{value:.3f}" for value in values)
    return EigenvalueChart(
        f"Leading eigenvalues of class {row.name}: {numbers}", f"0 0 {len(values) * _STEP} {_HEIGHT}", bars
    )

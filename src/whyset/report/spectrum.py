"""The leading eigenvalues of a class as a small drawing."""

import numpy as np

from whyset.report.class_rows import ClassRow
from whyset.report.escaping import escape
from whyset.store import Category

_SHOWN = 16
_WIDTH, _HEIGHT, _STEP = 10, 48, 14


def spectrum_picture(category: Category, row: ClassRow) -> str:
    """Draw the eigenvalues as bars, those that stand for clusters darker; nothing where they are not stored."""
    if "eigenvalues" not in category.columns:
        return ""
    values = np.clip(np.asarray(category.column("eigenvalues"))[:_SHOWN], 0, 1)
    bars = "".join(
        f'<rect class="{"kept" if place < (row.n_clusters or 0) else "rest"}" x="{place * _STEP}" width="{_WIDTH}" '
        f'y="{_HEIGHT * (1 - value):.1f}" height="{_HEIGHT * value:.1f}"/>'
        for place, value in enumerate(values.tolist())
    )
    told = ", ".join(f"{value:.3f}" for value in values.tolist())
    name = f"Leading eigenvalues of class {row.name}: {told}"
    box = f"0 0 {len(values) * _STEP} {_HEIGHT}"
    drawing = f'<svg viewBox="{box}" role="img" aria-label="{escape(name)}">{bars}</svg>'
    return f'<figure class="spectrum">{drawing}<figcaption>leading eigenvalues, 0 to 1</figcaption></figure>'

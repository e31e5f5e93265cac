"""The figure of the report: both outcomes of each method, and each cell by the use of its cue."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from .rankers import METHODS
from .scoring import NetworkResult
from .statistics import estimate_outcome, list_used

COLORS = {"whyset": "#1b6ca8", "rival": "#8a8a8a", "ablation": "#c98b2b"}
PRECISE = 0.9


def draw(by_method: Mapping[str, Sequence[NetworkResult]], file: Path) -> None:
    """Draw for each method the shares of cells with the right class first and with precise images, with intervals."""
    names = list(by_method)[::-1]
    figure = Figure(figsize=(9, 0.6 + 0.34 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, title, outcome in (
        (left, "right class first", lambda result, one: result.is_first(one)),
        (right, "precision@10 ≥ 0.9", lambda _, one: one.precision >= PRECISE),
    ):
        for place, name in enumerate(names):
            estimate = estimate_outcome(list_used(by_method[name]), outcome).estimate
            if estimate is not None:
                low, high = estimate.interval or (estimate.value, estimate.value)
                color = COLORS[METHODS[name].group]
                axes.plot([low, high], [place, place], color=color, linewidth=2)
                axes.plot([estimate.value], [place], "o", color=color)
        axes.set(title=f"share of cells: {title}", xlim=(-0.02, 1.02), ylim=(-0.6, len(names) - 0.4))
        axes.set_yticks(range(len(names)), [METHODS[name].title for name in names])
        axes.grid(axis="x", color="#dddddd")
        axes.set_axisbelow(True)
    file.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "cues"}):
        figure.savefig(file, metadata={"Date": None})

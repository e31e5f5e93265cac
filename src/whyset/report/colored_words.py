"""The words of a text with their relevance as background colors."""

from dataclasses import dataclass

import numpy as np

from whyset.image import colorize
from whyset.report.top_features import read_texts
from whyset.store import Run

MOST_WORDS = 60
"""Words of a text that are shown: those around the most relevant one."""
_PALE = 0.6


@dataclass(frozen=True)
class ColoredWord:
    """A word with its relevance and its background, a color of CSS on which black text can be read."""

    word: str
    relevance: float
    color: str


def color_words(run: Run, row: int) -> tuple[ColoredWord, ...]:
    """Color the words of a text on the scale of its largest absolute relevance.

    A long text is cut to the words around the most relevant one; "..." stands for the others. Empty if the run has
    neither words nor ids.
    """
    (words,) = read_texts(run, np.array([row]))
    if not words:
        return ()
    relevance = np.asarray(run.relevance[row], np.float64)[: len(words)]
    colors = np.rint(255 - _PALE * (255 - colorize(relevance[None])[0].astype(np.float64))).astype(int)
    center = int(np.nanargmax(np.abs(relevance))) if np.isfinite(relevance).any() else 0
    start = max(0, min(center - MOST_WORDS // 2, len(words) - MOST_WORDS))
    shown = [
        ColoredWord(word, float(one), f"rgb({', '.join(map(str, color))})")
        for word, one, color in zip(words, relevance, colors.tolist(), strict=False)
    ][start : start + MOST_WORDS]
    cut = ColoredWord("...", 0.0, "transparent")
    return ((cut,) if start else ()) + tuple(shown) + ((cut,) if start + MOST_WORDS < len(words) else ())

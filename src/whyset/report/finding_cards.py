"""The findings of the HTML page: numbers, and examples with the evidence outlined and the host before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import BrokenRunError
from whyset.image.shapes import find_depths, sum_channels, take_slices, to_rgb
from whyset.modality import MODALITIES, SERIES
from whyset.report.changed_series import UNCHANGED, SeriesPlots, draw_series
from whyset.report.findings import (
    KINDS,
    MOST_FINDINGS,
    ReportedFindings,
    capital,
    describe_numbers,
    get_unstated_reason,
)
from whyset.report.numbers import number
from whyset.report.pictures import make_uri
from whyset.store import Run
from whyset.store.findings import Finding, FoundExample

EXAMPLES = 3
"""Examples of a finding on the page."""
AROUND = 20
"""Words of a text that are shown before and after the evidence."""


MarkedWords = tuple[tuple[str, bool], ...]
"""Words of a text, each with whether it is marked."""


@dataclass(frozen=True)
class Outline:
    """A rectangle on a picture: the box of the picture, and the corner and the sides of the rectangle in it."""

    box: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Shown:
    """One picture of an example, its words, those of the evidence marked, or plots of a host before and after."""

    name: str
    caption: str
    uri: str | None = None
    outline: Outline | None = None
    words: MarkedWords = ()
    plots: SeriesPlots | None = None


@dataclass(frozen=True)
class ShownFinding:
    """A finding: rank, kind, sentence, numbers, reason, and its examples, each of up to three pictures."""

    rank: int
    kind: str
    sentence: str
    reason: str
    numbers: tuple[tuple[str, str], ...]
    examples: tuple[tuple[Shown, ...], ...]


def make_cards(run: Run, reported: ReportedFindings) -> list[ShownFinding]:
    """Make the cards of the first findings, in the order of the report."""
    changed, problem = read_changed_hosts(run, reported)
    return [
        ShownFinding(
            rank,
            KINDS[one.kind],
            capital(one.sentence),
            f"{get_unstated_reason(one)} {problem}".strip(),
            tuple(describe_numbers(one)),
            tuple(tuple(_show(run, one, example, changed)) for example in one.examples[:EXAMPLES]),
        )
        for rank, one in enumerate(reported.findings[:MOST_FINDINGS], 1)
    ]


def read_changed_hosts(run: Run, reported: ReportedFindings) -> tuple[NDArray[Any] | None, str]:
    """Read the changed hosts of all examples; damaged ones are left out, and the reason is returned."""
    if not reported.findings:
        return None, ""
    try:
        return run.findings(reported.name).examples(), ""
    except BrokenRunError as error:
        return None, f"Its changed hosts are not shown: {error}."


def _show(run: Run, finding: Finding, example: FoundExample, changed: NDArray[Any] | None) -> Iterator[Shown]:
    kind = MODALITIES[run.modality]
    source, before, after = describe_example(run, finding, example)
    if kind.inputs == "ids":
        inserted = mark_inserted(run, example, changed)
        yield Shown(source, source, words=read_words(run, example.row, example.region))
        caption = before if inserted else f"{before}; {after}"
        yield Shown(before, caption, words=read_words(run, example.host_row, None))
        if inserted:
            yield Shown(after, after, words=inserted)
        return
    if kind.inputs != "pixels" or run.inputs is None:
        plots = draw_series(run, example, changed) if kind.name == SERIES else None
        unchanged = f"; {UNCHANGED}" if plots and not plots.channels else ""
        yield Shown(source, source)
        yield Shown(before, f"{before}; {after}{unchanged}", plots=plots)
        return
    stored = np.asarray(run.inputs[[example.row, example.host_row]])
    outline = find_outline(example.region, stored.shape[2:])
    depth = find_depth(run, example, stored.shape[2:])
    yield Shown(source, source, _draw(stored[0], depth), outline)
    yield Shown(before, before, _draw(stored[1], depth))
    if changed is not None and example.index >= 0:
        yield Shown(after, after, _draw(changed[example.index], depth), outline)


def describe_example(run: Run, finding: Finding, example: FoundExample) -> tuple[str, str, str]:
    """Describe the sample, the host, and the host with the evidence, each with its prediction."""
    kind = MODALITIES[run.modality]
    placed = example.region is not None and kind.inputs == "values"
    where = f", {describe_region(example.region, kind.axes)}" if example.region is not None and placed else ""
    before = f"host {example.host_row}: {_predict(run, example.before, finding, example.probability_before)}"
    after = f"with it: {_predict(run, example.after, finding, example.probability_after)}"
    return f"sample {example.row}{where}", before, after


def _predict(run: Run, output: int, finding: Finding, probability: float) -> str:
    """Describe a prediction and the probability of the class of the finding."""
    name = run.classes[output] if output < len(run.classes) else str(output)
    return f"{name} (P of {finding.class_name} {number(probability)})"


def describe_region(region: tuple[tuple[int, int], ...], axes: tuple[str, ...]) -> str:
    """Describe a region by its first and last position along each axis.

    >>> describe_region(((20, 40),), ("channel", "time"))
    'time 20 to 39'
    """
    names = axes[-len(region) :]
    return ", ".join(f"{name} {first} to {end - 1}" for name, (first, end) in zip(names, region, strict=False))


def find_depth(run: Run, example: FoundExample, sides: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Find the slice of a volume that shows the evidence: the middle of the region, or the one with most relevance."""
    if len(sides) < 3:
        return None
    if example.region is None:
        return find_depths(sum_channels(run.relevance[[example.row]]))
    first, end = example.region[0]
    return np.array([(first + end) / 2 / sides[0]])


def _draw(stored: NDArray[Any], depth: NDArray[np.float64] | None) -> str:
    """Draw an input (C, H, W), or the slice of a volume at a depth, as a data URI."""
    plane = stored if depth is None else take_slices(stored[None], depth)[0]
    return make_uri(to_rgb(np.asarray(plane)))


def find_outline(region: tuple[tuple[int, int], ...] | None, sides: tuple[int, ...]) -> Outline | None:
    """Find the rectangle of a region in an image or a slice with these sides; None without two axes."""
    if region is None or len(region) < 2:
        return None
    (top, bottom), (left, right) = region[-2:]
    height, width = sides[-2:]
    return Outline(f"0 0 {width} {height}", left, top, right - left, bottom - top)


def read_words(run: Run, row: int, region: tuple[tuple[int, int], ...] | None) -> MarkedWords:
    """Read the words of a text, each with whether it is in the region; ids if the run has no words.

    A long text is cut to the words around the region, with "..." in place of the others.
    """
    first, end = region[0] if region else (0, 0)
    return _cut([(word, first <= place < end) for place, word in enumerate(_read_text(run, row))])


def mark_inserted(run: Run, example: FoundExample, changed: NDArray[Any] | None) -> MarkedWords:
    """Return the words of the host with the evidence, those marked whose ids differ from the host's; () if unknown.

    An id that the sample has, too, is shown as the sample's word.
    """
    if changed is None or example.index < 0 or run.inputs is None:
        return ()
    source, host = (np.asarray(run.inputs[row]) for row in (example.row, example.host_row))
    own_words, host_words = _read_text(run, example.row), _read_text(run, example.host_row)
    own = dict(zip(source.tolist(), own_words, strict=False))
    ids = np.asarray(changed[example.index])
    inserted = ids != host
    length = max(len(host_words), int(np.flatnonzero(inserted).max(initial=-1)) + 1)
    return _cut(
        [
            (own.get(one, f"#{one}"), True) if new else (host_words[place] if place < len(host_words) else "", False)
            for place, (one, new) in enumerate(zip(ids[:length].tolist(), inserted[:length].tolist(), strict=True))
        ]
    )


def _read_text(run: Run, row: int) -> list[str]:
    """Read the words of a text, or its ids if the run has no words."""
    words = run.tokens([row])
    if words is not None:
        return list(words[0])
    return [] if run.inputs is None else [f"#{one}" for one in run.inputs[row].tolist()]


def _cut(words: list[tuple[str, bool]]) -> MarkedWords:
    """Cut a long text to the words around the marked ones, with "..." in place of the others."""
    marked = [place for place, (_, is_marked) in enumerate(words) if is_marked]
    first, end = (marked[0], marked[-1] + 1) if marked else (0, 0)
    start, stop = max(0, first - AROUND), max(end + AROUND, 2 * AROUND)
    cut = (("...", False),)
    return (cut if start > 0 else ()) + tuple(words[start:stop]) + (cut if stop < len(words) else ())

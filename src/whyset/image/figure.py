"""Figures for papers: inputs and heatmaps in rows and columns, with titles and color bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whyset.errors import InputError
from whyset.image.color_maps import ColorMap, find_color_map
from whyset.image.quantize import channel_sum, compute_scale
from whyset.image.render import colorize
from whyset.optional import import_optional

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Norm = Literal["each", "row", "all"]

_CELL, _BAR, _GAP, _MARGIN, _NUMBERS, _LETTER = 1.2, 0.12, 0.06, 0.25, 0.45, 0.075  # inches


@dataclass(frozen=True, eq=False)
class _Row:
    """Cells of one row, their color map, and the relevance of the full color (None: each cell has its own)."""

    cells: Sequence[NDArray[Any]]
    color_map: ColorMap
    scale: float | None

    @property
    def has_maps(self) -> bool:
        return any(not _is_picture(cell) for cell in self.cells)


def figure(
    rows: Sequence[Sequence[ArrayLike]],
    *,
    color_map: str | ColorMap | Sequence[str | ColorMap] = "bwr",
    norm: Norm = "each",
    scales: Sequence[float | None] | None = None,
    row_titles: Sequence[str] | None = None,
    column_titles: Sequence[str] | None = None,
    color_bar: bool = True,
) -> "Figure":
    """Draw rows of cells; a cell is an image, uint8 (H, W, 3) or (H, W), or a relevance map (H, W) or (C, H, W).

    Colors are those of `colorize`, bit for bit. Save the figure with `savefig`, as .png, .svg or .pdf.

    Parameters
    ----------
    rows : sequence of sequence of array_like
        The cells of each row, all rows of one length; a relevance map (C, H, W) is summed over its channels.
    color_map : str, ColorMap or sequence of them, default "bwr"
        A color map for all rows, or one for each row: a name in `COLOR_MAPS`, a definition, or a `ColorMap`.
    norm : {"each", "row", "all"}, default "each"
        The relevance maps that share a scale: none ("each"), those of a row, or all.
    scales : sequence of float or None, optional
        The relevance of the full color for each row, in place of `norm`; with None each map of the row has its own.
    row_titles : sequence of str, optional
        Titles at the left of the rows, one for each row.
    column_titles : sequence of str, optional
        Titles above the columns, one for each column.
    color_bar : bool, default True
        Whether each row with relevance maps has a color bar.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        The rows are empty or differ in length, a cell has another shape, the number of titles, color maps or scales
        does not fit, or `norm` or a color map is unknown.
    MissingExtraError
        matplotlib is not installed (`pip install "whyset[figures]"`).

    Examples
    --------
    >>> drawn = figure([[np.ones((4, 6)), -np.ones((4, 6))]], column_titles=["for", "against"])
    >>> drawn.savefig("figure.svg")                                              # doctest: +SKIP
    """
    Figure = import_optional("matplotlib.figure", "a figure", 'pip install "whyset[figures]"').Figure
    drawn = _rows(rows, color_map, norm, scales)
    columns = len(drawn[0].cells)
    _require_length("row_titles", row_titles, len(drawn))
    _require_length("column_titles", column_titles, columns)
    bars = 1 if color_bar and any(row.has_maps for row in drawn) else 0
    heights = [_CELL * max(cell.shape[0] / cell.shape[1] for cell in map(_flat, row.cells)) for row in drawn]
    left = _LETTER * max(map(len, row_titles or [""]))
    canvas, places = _canvas(Figure, heights, [_CELL] * columns + [_BAR] * bars, left)
    for number, row in enumerate(drawn):
        _draw_row(places[number], row, bool(bars))
        if row_titles is not None:
            places[number, 0].set_ylabel(row_titles[number], fontsize=8, rotation=0, ha="right", va="center")
    for column, title in enumerate(column_titles or ()):
        places[0, column].set_title(title, fontsize=8)
    return canvas


def _canvas(
    kind: "type[Figure]", heights: list[float], widths: list[float], titles: float
) -> tuple["Figure", NDArray[Any]]:
    """Make an empty figure whose cells have these sides, with space for titles and numbers."""
    left, right = titles + _GAP, _NUMBERS if _BAR in widths else _GAP
    width = left + sum(widths) + _GAP * (len(widths) - 1) + right
    height = _MARGIN + sum(heights) + _GAP * len(heights)
    canvas = kind(figsize=(width, height))
    canvas.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=_GAP / height,
        top=1 - _MARGIN / height,
        wspace=_GAP * len(widths) / sum(widths),
        hspace=_GAP * len(heights) / sum(heights),
    )
    size = (len(heights), len(widths))
    return canvas, canvas.subplots(*size, squeeze=False, width_ratios=widths, height_ratios=heights)


def _rows(
    rows: Sequence[Sequence[ArrayLike]],
    color_map: str | ColorMap | Sequence[str | ColorMap],
    norm: Norm,
    scales: Sequence[float | None] | None,
) -> list[_Row]:
    cells = [[_check(np.asarray(cell)) for cell in row] for row in rows]
    if not cells or not cells[0] or len({len(row) for row in cells}) > 1:
        raise InputError(f"figure: expected rows of one length, got {[len(row) for row in cells]}")
    chosen = [color_map] * len(cells) if isinstance(color_map, str | ColorMap) else list(color_map)
    _require_length("color_map", chosen, len(cells))
    if norm not in ("each", "row", "all"):
        raise InputError(f"norm: expected 'each', 'row' or 'all', got {norm!r}")
    _require_length("scales", scales, len(cells))
    given = _scales(cells, norm) if scales is None else scales
    maps = [find_color_map(one) for one in chosen]
    return [_Row(*parts) for parts in zip(cells, maps, given, strict=True)]


def _scales(cells: Sequence[Sequence[NDArray[Any]]], norm: Norm) -> Sequence[float | None]:
    if norm == "each":
        return [None] * len(cells)
    rows = [max((compute_scale(_flat(cell)) for cell in row if not _is_picture(cell)), default=0.0) for row in cells]
    return rows if norm == "row" else [max(rows)] * len(rows)


def _check(cell: NDArray[Any]) -> NDArray[Any]:
    shaped = cell.ndim == 2 or (cell.ndim == 3 and (not _is_picture(cell) or cell.shape[2] == 3))
    if not shaped or 0 in cell.shape:
        raise InputError(
            "expected an image, uint8 (H, W, 3) or (H, W), or a relevance map (H, W) or (C, H, W), "
            f"got {cell.dtype} {cell.shape}"
        )
    return cell


def _is_picture(cell: NDArray[Any]) -> bool:
    return cell.dtype == np.uint8


def _flat(cell: NDArray[Any]) -> NDArray[Any]:
    """Return the plane of a cell: an image as is, a relevance map summed over channels."""
    return cell if _is_picture(cell) or cell.ndim == 2 else channel_sum(cell)


def _draw_row(places: NDArray[Any], row: _Row, bar: bool) -> None:
    for place, cell in zip(places, row.cells, strict=False):
        gray = _is_picture(cell) and cell.ndim == 2
        shown = cell if _is_picture(cell) else colorize(cell, row.color_map, row.scale)
        place.imshow(np.repeat(shown[..., np.newaxis], 3, axis=2) if gray else shown, interpolation="nearest")
        place.set(xticks=[], yticks=[])
    if bar and row.has_maps:
        _draw_bar(places[-1], row)
    elif bar:
        places[-1].set_axis_off()


def _draw_bar(place: "Axes", row: _Row) -> None:
    """Draw entries 1 to 255 from bottom to top, with zero in the middle."""
    place.imshow(row.color_map.lookup()[1:][:, np.newaxis], aspect="auto", origin="lower", interpolation="nearest")
    end = "max" if row.scale is None else f"{row.scale:.2g}"
    place.yaxis.tick_right()
    place.set(xticks=[], yticks=[0, 127, 254])
    low, _, high = place.set_yticklabels([f"−{end}", "0", end], fontsize=7)
    low.set_verticalalignment("bottom")  # within the bar, away from the numbers of other rows
    high.set_verticalalignment("top")


def _require_length(name: str, values: Sequence[Any] | None, length: int) -> None:
    if values is not None and len(values) != length:
        raise InputError(f"{name}: expected {length} entries, got {len(values)}")

"""Export an analysis as one HTML file that opens without Python and without a network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whyset.errors import InputError
from whyset.report.numbers import plural, row_noun
from whyset.store import Analysis, Run, open_run
from whyset.store.files import create_file, replace_file
from whyset.store.remote import AnyPath
from whyset.viewer.embed.chosen import EmbeddedSelection, choose
from whyset.viewer.embed.local import LocalViewer
from whyset.viewer.embed.page import page
from whyset.viewer.embed.record import EmbeddedPictures, record
from whyset.viewer.parameters import LARGEST, SMALLEST

MOST_POINTS = 20_000


def export_html(
    run: Run | AnyPath | str,
    path: Path | str,
    *,
    analysis: Analysis | str | None = None,
    categories: Sequence[str] | None = None,
    rows: Sequence[int] | None = None,
    thumbnails: int = 64,
    inputs: bool = True,
    quality: int = 85,
    limit: int = MOST_POINTS,
    replace: bool = False,
) -> Path:
    """Write an analysis as one HTML page that opens from the disk.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    path : str or path
        The file to write.
    analysis : Analysis or str, optional
        An analysis of the run or its name, by default the only one or "spray".
    categories : sequence of str, optional
        Ids or names of classes, by default all.
    rows : sequence of int, optional
        Rows of the run, by default all of the classes; medoids are always included.
    thumbnails : int, default 64
        Longer side in pixels at which relevance maps are stored exactly.
    inputs : bool, default True
        Whether the page includes the inputs.
    quality : int, default 85
        Quality of the inputs as WebP, 1 to 100; 100 keeps every value.
    limit : int
        The largest number of explanations that is accepted.
    replace : bool, default False
        Whether an existing file is replaced.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    InputError
        A name is unknown, a number is out of range, `path` exists and may not be replaced, or there are more than
        `limit` explanations.

    Examples
    --------
    >>> export_html("runs/small", "small.html").name
    'small.html'
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    path = Path(path)
    _require_place(path, replace=replace)
    if not SMALLEST <= thumbnails <= LARGEST or not 1 <= quality <= 100:
        raise InputError(
            f"expected thumbnails of {SMALLEST} to {LARGEST} pixels and a quality of 1 to 100, "
            f"got {thumbnails} and {quality}"
        )
    opened = analysis if isinstance(analysis, Analysis) else run.analysis(analysis)
    chosen = choose(run, opened, categories, rows, limit)
    _require_whole(run, chosen, inputs)
    archive = record(
        LocalViewer([run.path]), chosen, EmbeddedPictures(thumbnails, inputs, quality), _note(run, opened, chosen)
    )
    text = "".join(page(archive, f"whyset: {run.path.name}, {opened.name}"))
    (replace_file if replace else create_file)(path, text.encode())
    return path


def _require_whole(run: Run, chosen: EmbeddedSelection, inputs: bool) -> None:
    """Raise BrokenRunError unless the checksums of all data of the page match; the viewer reads parts of files."""
    for spec in run.arrays:
        if not spec.shape:
            run.column(spec.name)
    rows = np.array(chosen.explained, np.int64)
    for array in (run.relevance, run.inputs if inputs else None):
        if array is not None:
            array.require_whole(rows)


def _require_place(path: Path, *, replace: bool) -> None:
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} for {path.name} does not exist")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file, such as {path / 'viewer.html'}")
    if path.exists() and not replace:
        raise InputError(f"{path} exists: choose another name, or replace it (--force)")


def _note(run: Run, analysis: Analysis, chosen: EmbeddedSelection) -> str:
    classes = f"{len(chosen.categories)} of {len(analysis.categories)} classes"
    return (
        f"A copy in one file: {len(chosen.rows):,} of {plural(len(run), row_noun(run))}, {classes} of the analysis "
        f"{analysis.name}."
    )

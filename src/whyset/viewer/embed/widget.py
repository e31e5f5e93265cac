"""The viewer in a notebook: the same page, with requests sent as messages of the notebook."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.optional import import_optional
from whyset.store import Analysis, Run, open_run
from whyset.store.remote import AnyPath
from whyset.viewer.embed.local import LocalViewer
from whyset.viewer.endpoints.bundle import STATIC

import_optional("anywidget", "the notebook widget", 'pip install "whyset[notebook]"')  # with the reason if it fails
import anywidget  # noqa: E402
import traitlets  # noqa: E402

LOWEST, HIGHEST = 240, 4000
WIRE = np.dtype("<i4")
"""Type of row indices in messages to the page."""


class EmbeddedRows(traitlets.TraitType[NDArray[np.int64], Any]):
    """Row indices as a trait: strictly rising, below the owner's `length`; observers are called only when they change.

    A mask over the whole run may be set too.
    """

    info_text = "indices of rows"

    def default(self, obj: Any = None) -> NDArray[np.int64]:
        return np.empty(0, np.int64)

    def validate(self, obj: Any, value: Any) -> NDArray[np.int64]:
        """Check indices in any order, or a mask over the whole run. InputError: they are not rows of this run."""
        rows = np.asarray(value)
        if rows.dtype.kind == "b" and rows.shape == (obj.length,):
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            raise InputError(f"selection: expected a list of integers, got {rows.dtype} of the shape {rows.shape}")
        if rows.size and not 0 <= rows.min() <= rows.max() < obj.length:
            raise InputError(f"rows: expected 0 to {obj.length - 1}, got {rows.min()} to {rows.max()}")
        rows = np.unique(rows).astype(np.int64)
        rows.flags.writeable = False
        return rows

    def set(self, obj: Any, value: Any) -> None:
        """Set the indices and notify observers; arrays need a special comparison."""
        old, new = obj._trait_values.get(self.name, self.default(obj)), self._validate(obj, value)
        if not np.array_equal(old, np.asarray(new)):
            obj._trait_values[self.name] = new
            obj._notify_trait(self.name, old, new)


def to_wire(rows: NDArray[np.int64], _owner: Any) -> memoryview:
    """Encode the indices for the page."""
    return memoryview(rows.astype(WIRE).tobytes())


def from_wire(data: memoryview, _owner: Any) -> NDArray[np.int64]:
    """Decode the indices that the page sent."""
    return np.frombuffer(data, WIRE).astype(np.int64)


class RunWidget(anywidget.AnyWidget):
    """A run in a notebook cell. The view and the selection of the page can be read, set and observed in Python.

    `selection` holds rising row indices of the run (an array; any list or mask can be set), `sample` the row shown in
    detail, `category` the name of the open class or None for the overview of `analysis`; `height` is in pixels.

    >>> w = widget("runs/cifar", category="horse"); w                       # doctest: +SKIP
    >>> run.relevance[w.selection]                                          # doctest: +SKIP
    """

    _esm = STATIC / "embed" / "widget.js"

    analysis = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    category = traitlets.Unicode(None, allow_none=True)
    sample = traitlets.Int(None, allow_none=True).tag(sync=True)
    selection = EmbeddedRows().tag(sync=True, to_json=to_wire, from_json=from_wire)
    height = traitlets.Int(720).tag(sync=True)
    _run = traitlets.Unicode().tag(sync=True)
    _category = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    def __init__(self, run: Run, *, selections: Path | None = None, **values: Any) -> None:
        self.run, self.length = run, len(run)
        self._viewer = LocalViewer([run.path], selections=selections)
        super().__init__(_run=self._viewer.json("runs")[0]["id"], **values)
        self.on_msg(self._answer_request)

    @property
    def selected(self) -> pa.Table:
        """Metadata of the selected rows: id, label and further columns."""
        return self.run.samples.take(self.selection)

    def _answer_request(self, _widget: Any, message: Any, _buffers: list[bytes]) -> None:
        """Answer a request of the page; errors of the endpoints are sent back unchanged."""
        answer = self._viewer.ask(message["path"], method=message["method"], body=(message["body"] or "").encode())
        head = {"id": message["id"], "status": answer.status, "headers": answer.headers}
        self.send(head, buffers=[answer.body])

    @traitlets.validate("analysis")
    def _validate_analysis(self, proposal: Any) -> str | None:
        name = proposal["value"]
        return None if name is None else self.run.analysis(name).name

    @traitlets.validate("category", "_category")
    def _validate_category(self, proposal: Any) -> str | None:
        if proposal["value"] is None:
            return None
        found = self.run.analysis(self.analysis).category(proposal["value"])
        return found.id if proposal["trait"].name == "_category" else found.name

    @traitlets.validate("sample")
    def _validate_sample(self, proposal: Any) -> int | None:
        sample = proposal["value"]
        if sample is not None and not 0 <= sample < self.length:
            raise InputError(f"sample: expected a row of 0 to {self.length - 1}, got {sample}")
        return None if sample is None else int(sample)

    @traitlets.validate("height")
    def _fitting_height(self, proposal: Any) -> int:
        if not LOWEST <= proposal["value"] <= HIGHEST:
            raise InputError(f"height: expected {LOWEST} to {HIGHEST} pixels, got {proposal['value']}")
        return int(proposal["value"])

    @traitlets.observe("category")
    def _open(self, change: Any) -> None:
        self._category = change["new"]  # validation turns it into the id

    @traitlets.observe("_category")
    def _on_change(self, change: Any) -> None:
        self.category = change["new"]  # validation turns it into the name


def widget(
    run: Run | AnyPath | str,
    *,
    analysis: Analysis | str | None = None,
    category: str | None = None,
    selection: Any = (),
    height: int = 720,
    selections: Path | str | None = None,
) -> RunWidget:
    """Show a run in a notebook.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    analysis : Analysis or str, optional
        An analysis of the run or its name, by default the only one or "spray".
    category : str, optional
        Id or name of the class to open; by default the overview is shown.
    selection : sequence of int, optional
        Rows of the run that are selected at first.
    height : int, default 720
        Height in pixels.
    selections : str or path, optional
        A folder for named selections, where the run is read-only; by default they are kept next to the run.

    Returns
    -------
    RunWidget
        A widget whose selection can be read and set from Python.

    Raises
    ------
    InputError
        Analysis, class or sample is unknown.
    MissingExtraError
        anywidget is not installed.

    Examples
    --------
    >>> w = widget("runs/cifar", category="horse")      # doctest: +SKIP
    >>> w.selection                                      # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else open_run(run)
    name = analysis.name if isinstance(analysis, Analysis) else analysis
    if name is None and run.analyses:
        name = run.analysis().name
    kept = None if selections is None else Path(selections)
    return RunWidget(run, selections=kept, analysis=name, category=category, selection=selection, height=height)

"""The widget's Python side: what can be set, what is refused, and what a missing package is called."""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from whyset.errors import InputError, MissingExtraError
from whyset.store import Run
from whyset.viewer import serve

pytest.importorskip("anywidget")


def test_selections_are_rising_arrays_and_observers_hear_changes_only(run: Run) -> None:
    from whyset.viewer.embed.widget import widget

    made = widget(run, selection=[5, 2, 2])
    told: list[list[int]] = []
    made.observe(lambda change: told.append(change["new"].tolist()), "selection")
    for value in ([2, 5], np.array([7]), [7], np.arange(60) < 2, []):
        made.selection = value
    assert told == [[7], [0, 1], []]
    assert made.selected.num_rows == 0
    made.selection = [1]
    with pytest.raises(ValueError, match="read-only"):
        made.selection[0] = 2


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("selection", [60], "expected 0 to 59, got 60 to 60"),
        ("selection", [1.5], "integers, got float64"),
        ("selection", np.ones(3, bool), "integers, got bool"),
        ("sample", -1, "row of 0 to 59, got -1"),
        ("category", "zebra", "has no category 'zebra'"),
        ("analysis", "none", "has no analysis 'none'"),
        ("height", 10, "240 to 4000 pixels"),
    ],
)
def test_wrong_values_are_refused_and_change_nothing(run: Run, name: str, value: object, told: str) -> None:
    from whyset.viewer.embed.widget import widget

    made = widget(run, category="cat", selection=[3])
    before = (made.category, made.sample, made.selection.tolist(), made.analysis, made.height)
    with pytest.raises(InputError, match=told):
        setattr(made, name, value)
    assert (made.category, made.sample, made.selection.tolist(), made.analysis, made.height) == before


def test_a_class_has_its_name_whichever_way_it_is_called(run: Run) -> None:
    from whyset.viewer.embed.widget import widget

    assert [
        (made.category, made._category) for made in (widget(run, category="horse"), widget(run, category="00002"))
    ] == [("horse", "00002")] * 2


def test_a_missing_anywidget_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "whyset.viewer.embed.widget", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[notebook\]"'):
        importlib.import_module("whyset.viewer.embed.widget")


def test_view_gives_a_widget_in_a_notebook(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    shown = serve.view(run)
    assert shown is not None
    assert shown.run.path == run.path

"""The judgment of fixed networks: it agrees with the record, and changes are those of known predictions."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def judging():
    """The module, as `python -m benchmarks.fixes` imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        import benchmarks.cues.digits
        import benchmarks.fixes.judge

        yield benchmarks
        for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
            del sys.modules[name]


def test_a_network_is_judged_as_its_record_says(judging: ModuleType, tmp_path: Path) -> None:
    cues, judge = judging.cues, judging.fixes.judge
    (spec, *_) = cues.digits.list_small()
    cues.cells.make_network(spec, tmp_path / "cells", tmp_path)
    cell = cues.cells.load_cell(tmp_path / "cells" / spec.name, tmp_path)
    images = cues.images.open_images(spec, tmp_path / "cells", tmp_path)
    found = judge.judge(cell, cell.model, images)
    assert found.fooled == pytest.approx(dict(cell.fooled))
    assert found.accuracy == pytest.approx(cell.accuracy)
    counts = np.bincount(found.labels) / len(found.labels)
    assert sum(found.class_accuracy[label] * counts[label] for label in range(10)) == pytest.approx(found.accuracy)
    twin = judge.load_twin(cell, tmp_path / "cells", tmp_path / "twins", tmp_path)
    of_twin = judge.judge(cell, twin, images)
    for cue in spec.cues:  # the twin has never seen the cue, so it is fooled less
        assert of_twin.fooled[cue.label] < found.fooled[cue.label]
        assert judge.compare(cue.label, found, of_twin, of_twin).regained == pytest.approx(1)
        assert judge.compare(cue.label, found, found, of_twin).reduced == 0


def test_changes_are_those_of_known_predictions(judging: ModuleType) -> None:
    """Ten images of two classes: the cue turns four of five hosts, the fix leaves one, and costs one of the class."""
    judge = judging.fixes.judge
    labels, hosts = np.repeat([0, 1], 5), {0: np.arange(5, 10)}

    def make(clean: list[int], marked: list[int]):
        return judge.Judgment(labels, np.array(clean), hosts, {0: np.array(marked)})

    right = labels.tolist()
    before, twin = make(right, [0, 0, 0, 0, 1]), make(right, [1, 1, 1, 1, 0])
    after = make([1, *right[1:]], [0, 1, 1, 1, 1])
    assert (before.fooled[0], before.marked_accuracy[0]) == (0.8, 0.2)
    change = judge.compare(0, before, after, twin)
    assert change.reduced == pytest.approx(0.75)
    assert change.lost == pytest.approx(0.6)
    assert change.regained == pytest.approx(1.0)
    assert change.accuracy == pytest.approx(-0.1)
    assert change.own_class == pytest.approx(-0.2)
    assert not change.reaches_goal
    cured = make(right, [1, 1, 1, 1, 1])
    assert judge.compare(0, before, cured, twin).reaches_goal
    assert judge.compare(0, before, after, twin, control=after).accuracy == 0  # against a control with the same cost

"""The judgment of fixed networks: it agrees with the record of the network."""

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

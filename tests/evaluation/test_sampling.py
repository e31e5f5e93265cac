"""The samples of an evaluation: evenly drawn, the same for all runs, and compared by their inputs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whyset as ws
from whyset.errors import InputError
from whyset.evaluation.sampling import draw_evenly, draw_samples, hash_inputs, require_same_inputs


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 60), st.integers(0, 5))
def test_numbers_of_classes_differ_by_at_most_one_unless_a_class_has_fewer(
    classes: list[int], count: int, seed: int
) -> None:
    labels = np.array(classes)
    drawn = draw_evenly(labels, count, seed)
    assert len(set(drawn.tolist())) == len(drawn) == min(count, len(labels))
    assert drawn.tolist() == sorted(drawn.tolist())
    available, found = np.bincount(labels, minlength=5), np.bincount(labels[drawn], minlength=5)
    most = found.max()
    for label in range(5):
        assert found[label] >= min(available[label], most - 1)


def test_samples_depend_on_the_seed_only(copy_run: Any) -> None:
    run = copy_run("lrp")
    drawn = [draw_samples([run], 12, seed).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert draw_samples([run], 1000, 0).tolist() == list(range(48))


def test_only_samples_with_the_same_target_are_compared(bars: Any, copy_run: Any, tmp_path: Any) -> None:
    other = bars.explain(tmp_path / "zero", composite="epsilon_plus", target=0)
    samples = draw_samples([copy_run("lrp"), other], 100, 0)
    assert samples.tolist() == np.flatnonzero(bars.y.numpy() == 0).tolist()
    one = bars.explain(tmp_path / "one", composite="epsilon_plus", target=1)
    with pytest.raises(InputError, match="no sample is explained in all runs for the same target"):
        draw_samples([one, other], 100, 0)


def test_of_several_targets_the_first_counts(bars: Any, copy_run: Any, tmp_path: Any) -> None:
    several = bars.explain(tmp_path / "several", composite="epsilon_plus", targets=["label", "top:2"])
    result = ws.evaluate([copy_run("lrp"), several], metrics=["sparseness"], n_samples=9, progress=False)
    rows, single = several.evaluation().samples.rows, ws.open_run(tmp_path / "lrp").evaluation().samples.rows
    assert [row // 3 for row in rows] == list(single)
    first, second = (result.get_values(name, "sparseness").array for name in ("lrp", "several"))
    np.testing.assert_allclose(first, second, rtol=1e-2)


def test_hashes_of_inputs_pair_runs(bars: Any, copy_run: Any, tmp_path: Any) -> None:
    runs = [copy_run("lrp"), copy_run("smooth")]
    samples = np.arange(0, 48, 5)
    assert hash_inputs(runs[0], samples) == hash_inputs(runs[1], samples) != hash_inputs(runs[0], samples + 1)
    assert require_same_inputs(runs, samples) == []
    maps = np.ones((48, 2, 12, 16))
    given = ws.from_arrays(maps, out=tmp_path / "given", ids=runs[0].ids, labels=bars.y.numpy(), progress=False)
    (notice,) = require_same_inputs([runs[0], given], samples)
    assert "paired by the ids" in notice
    assert hash_inputs(given, samples) is None

"""Groups of equal size by a column of numbers."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis.groups import get_classes, group_samples
from whyset.errors import InputError
from whyset.store import Run

COUNT = 40
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(COUNT, 4)).astype("f4"), RANDOM.permutation(COUNT) + 0.25


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.manual_seed(0)
    y = np.where(np.arange(COUNT) == 7, np.nan, Y)
    return ws.explain(nn.Linear(4, 1), (X, y), tmp_path_factory.mktemp("quantiles") / "run")


def test_groups_have_equal_size_and_hold_the_values_between_their_bounds(run: Run) -> None:
    groups = group_samples(run, "true_value:3")
    assert [len(group.indices) for group in groups] == [13, 13, 13]
    assert 7 not in np.concatenate([group.indices for group in groups])  # its true value is unknown
    bounds = [(Y[group.indices].min(), Y[group.indices].max()) for group in groups]
    assert bounds == sorted(bounds)
    assert all(one[1] < other[0] for one, other in pairwise(bounds))
    assert groups[0].name.startswith("true_value 0.25 to ")
    assert groups[0].output is None


def test_the_error_is_the_predicted_minus_the_true_value(run: Run) -> None:
    error = run.column("output_value") - np.where(np.arange(COUNT) == 7, np.nan, Y)
    classes = get_classes(run, np.arange(COUNT), "error:2")
    known = np.isfinite(error)
    assert np.array_equal(classes[known] == 1, error[known] >= np.median(error[known]))
    assert classes[7] == -1


def test_one_class_of_all_samples_is_the_default_of_a_regression(run: Run) -> None:
    (group,) = group_samples(run)
    assert (group.name, len(group.indices)) == ("0", COUNT)


def test_an_analysis_by_quantiles_can_be_opened_and_assigned(run: Run) -> None:
    analysis = ws.analyze(run, ws.Spray(group_by="true_value:2", surrogates=0, min_class_size=10))
    assert [one.evidence.n_explanations for one in analysis.categories] == [19, 20]


@pytest.mark.parametrize(
    ("by", "message"), [("age:3", "no column 'age' to group by"), ("id:3", "does not hold numbers")]
)
def test_a_column_without_numbers_is_refused(run: Run, by: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        group_samples(run, by)


@pytest.mark.parametrize("by", ["true_value:1", "true_value:x", "classes", ":3"])
def test_what_is_not_a_grouping_is_refused(by: str) -> None:
    with pytest.raises(InputError, match="or by quantiles of a column, such as true_value:4"):
        ws.Spray(group_by=by)

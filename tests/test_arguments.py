"""Numbers that a user gives: whole numbers of any library, seconds, and what is neither."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.arguments import require_timeout, whole_number
from whyset.engines import Local, Static
from whyset.errors import InputError


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_are_ints(value: Any) -> None:
    assert type(whole_number("n", value, 3)) is int
    assert whole_number("n", value) == 3


@pytest.mark.parametrize("value", [3.0, "3", None, True, [3], np.float64(3), torch.tensor(3.0), 1 + 0j])
def test_other_values_are_no_whole_numbers(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n is .*: expected a whole number of at least 1$"):
        whole_number("n", value, 1)


def test_a_number_below_the_least_is_refused() -> None:
    assert whole_number("n", -4) == -4
    with pytest.raises(InputError, match=r"^n is 0: expected a whole number of at least 1$"):
        whole_number("n", 0, 1)


@pytest.mark.parametrize("seconds", [None, 0, 0.5, 600, np.float32(2), Fraction(1, 3)])
def test_a_number_of_seconds_is_a_timeout(seconds: Any) -> None:
    require_timeout("t", seconds)


@pytest.mark.parametrize("seconds", ["x", "3", [1], True, -1, math.inf, math.nan, 1j])
def test_what_is_no_number_of_seconds_is_no_timeout(seconds: Any) -> None:
    with pytest.raises(InputError, match=r"^t is .*: expected seconds, or 0 for no limit$"):
        require_timeout("t", seconds)


@pytest.mark.parametrize("given", [{"workers": 2.5}, {"workers": "x"}, {"threads": 1.5}, {"stall_timeout": "x"}])
def test_engines_refuse_what_is_no_number(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(given))} is .*: expected"):
        Local(**given)


def test_a_rank_between_two_ranks_would_do_nothing_and_is_refused() -> None:
    with pytest.raises(InputError, match=r"rank is 0\.5: expected a whole number"):
        Static(rank=0.5, world=2)  # type: ignore[arg-type]
    assert Static(rank=np.int64(1), world=np.int64(2)) == Static(rank=1, world=2)  # type: ignore[arg-type]


def test_numbers_of_numpy_give_the_same_run(tmp_path: Any) -> None:
    images = np.random.default_rng(0).standard_normal((5, 3, 4, 5)).astype(np.float32)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 2))
    given = {"batch_size": 2, "limit": 4, "seed": 7, "pool": 3}
    run = ws.explain(net, images, tmp_path / "a", **given)  # type: ignore[arg-type]
    other = ws.explain(net, images, tmp_path / "b", **{name: np.int64(n) for name, n in given.items()})  # type: ignore[arg-type]
    assert run.config_hash == other.config_hash
    np.testing.assert_array_equal(run.relevance[:], other.relevance[:])

"""The search by torch, on the processor: the same code serves a GPU."""

import subprocess
import sys

import numpy as np
import pytest

from whyset.analysis.processors import Cityblock, KNearestNeighbors
from whyset.analysis.processors.on_device import search_on
from whyset.analysis.processors.search import Products, search
from whyset.errors import InputError


@pytest.mark.parametrize("radius", [1.0, 1e-2, 1e-5])
def test_the_neighbors_are_those_of_numpy(radius: float) -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(12, 1, 700)) + radius * rng.normal(size=(12, 25, 700))).reshape(300, 700)
    for kind in (np.float32, np.float64):
        own, other = KNearestNeighbors(8)(rows.astype(kind)), KNearestNeighbors(8, device="cpu")(rows.astype(kind))
        np.testing.assert_array_equal(own.indices, other.indices)
        np.testing.assert_array_equal(own.distances, other.distances)


def test_candidates_are_within_the_bound_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.analysis.processors.on_device._ROWS", 37)
    monkeypatch.setattr("whyset.analysis.processors.on_device._COLUMNS", 53)
    products = Products.of(np.random.default_rng(1).normal(size=(150, 30)))
    own, other = search(products, 12), search_on("cpu", products, 12)
    assert (np.abs(own.squared - other.squared) <= 2 * products.rounding[:, None]).all()
    assert not (other.indices == np.arange(150)[:, None]).any()


def test_shorter_products_are_off_for_the_time_and_then_as_before() -> None:
    import torch

    torch.set_float32_matmul_precision("medium")
    try:
        KNearestNeighbors(3, device="cpu")(np.random.default_rng(2).normal(size=(20, 5)))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be searched on 'quantum'"):
        KNearestNeighbors(3, device="quantum")(np.ones((9, 2)) * np.arange(9)[:, None])


def test_a_distance_that_no_device_searches_is_refused() -> None:
    with pytest.raises(InputError, match="Cityblock is not a form of the Euclidean distance"):
        KNearestNeighbors(3, Cityblock(), device="cpu")(np.random.default_rng(3).normal(size=(9, 2)))


def test_without_a_device_torch_stays_away() -> None:
    code = "import sys, numpy as np; from whyset.analysis.processors import KNearestNeighbors as K; "
    code += "K(3)(np.random.default_rng(0).normal(size=(20, 4))); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from whyset.analysis.processors import ApproximateNeighbors
from whyset.analysis.processors.numba_threads import keep_openmp_threads

UMAP_ALONE = """
import numpy as np
import torch
from whyset.analysis.processors import UMAP

UMAP(5, space="features")(np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32), seed=0)
print(torch.get_num_threads())
"""


def test_torch_has_as_many_threads_after_umap_as_before() -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    finished = subprocess.run([sys.executable, "-c", UMAP_ALONE], env=environment, capture_output=True, text=True)
    assert finished.stdout.split() == ["1"], finished.stderr


def test_torch_has_as_many_threads_after_approximate_neighbors_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()

    class Descent:
        def __init__(self, rows: np.ndarray, n_neighbors: int, random_state: int) -> None:
            torch.set_num_threads(before + 1)  # as Numba does where its OpenMP layer starts here
            self.neighbor_graph = (np.tile(np.arange(n_neighbors), (len(rows), 1)), np.zeros((len(rows), n_neighbors)))

    monkeypatch.setattr("pynndescent.NNDescent", Descent)
    ApproximateNeighbors(3)(np.eye(10, dtype=np.float32), seed=0)
    assert torch.get_num_threads() == before


def test_an_error_keeps_the_number_too() -> None:
    before = torch.get_num_threads()

    def fail() -> None:
        with keep_openmp_threads():
            torch.set_num_threads(before + 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == before

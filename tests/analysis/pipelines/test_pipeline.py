import runpy
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import ClassVar

import numpy as np
import pytest

from whyset.analysis import DBSCAN, HDBSCAN, PCA, Agglomerative, KMeans, Pipeline, Processor, Spray, Step
from whyset.errors import InputError


@dataclass(frozen=True)
class Add(Processor):
    amount: float = 1.0

    def __call__(self, *values: float) -> float:
        return sum(values) + self.amount


@dataclass(frozen=True)
class Draw(Processor):
    seeded = True

    def __call__(self, value: float, *, seed: int) -> float:
        return float(np.random.default_rng(seed).uniform()) + value


DIAMOND = Pipeline(
    "diamond",
    (
        Step("left", Add(1), ("x",)),
        Step("right", Add(2), ("x",)),
        Step("sum", Add(0), ("left", "right")),
        Step("aside", Draw(), ("x",)),
    ),
)


def test_results_carry_names() -> None:
    results = DIAMOND.run({"x": 10}, seed=0)
    assert (results["x"], results["left"], results["right"], results["sum"]) == (10, 11, 12, 23)


def test_until_keeps_only_what_the_result_rests_on() -> None:
    assert [step.name for step in DIAMOND.until("sum").steps] == ["left", "right", "sum"]
    assert [step.name for step in DIAMOND.until("aside").steps] == ["aside"]
    with pytest.raises(InputError, match="no result 'nothing'"):
        DIAMOND.until("nothing")


def test_a_random_step_is_decided_by_the_seed_and_its_own_name() -> None:
    drawn = DIAMOND.run({"x": 0}, seed=4)["aside"]
    assert DIAMOND.until("aside").run({"x": 0}, seed=4)["aside"] == drawn
    assert DIAMOND.run({"x": 0}, seed=5)["aside"] != drawn
    twins = Pipeline("twins", (Step("a", Draw(), ("x",)), Step("b", Draw(), ("x",)))).run({"x": 0}, seed=4)
    assert twins["a"] != twins["b"]


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(InputError, match=r"repeated: \['a'\]"):
        Pipeline("twice", (Step("a", Add(), ("x",)), Step("a", Add(), ("x",))))
    with pytest.raises(InputError, match="only later"):
        Pipeline("backwards", (Step("a", Add(), ("b",)), Step("b", Add(), ("x",))))
    with pytest.raises(InputError, match=r"needs \['x'\]"):
        DIAMOND.run({"y": 1}, seed=0)


def test_a_pipeline_prints_every_step_with_its_parameters() -> None:
    printed = str(Spray(n_neighbors=7).pipeline())
    assert "KNearestNeighbors(k=7, distance=Euclidean(), device=None) of features" in printed
    assert len(printed.splitlines()) == 1 + len(Spray().pipeline().steps)


def test_the_separability_rests_on_no_embedding() -> None:
    names = [step.name for step in Spray().pipeline().until("separability").steps]
    assert names == [
        "neighbors",
        "affinity",
        "spectrum",
        "number",
        "unjoined.kmeans",
        "clustering.kmeans",
        "separability",
    ]
    chosen = Spray(clusterings=(HDBSCAN(), KMeans())).pipeline().until("separability")
    assert "clustering.hdbscan" in [step.name for step in chosen.steps]


@pytest.mark.parametrize(
    "fields",
    [
        {"n_neighbors": 0},
        {"eigenvectors": 1},
        {"surrogates": -1},
        {"pooling": 0},
        {"seed": -1},
        {"min_class_size": 3},
        {"clusterings": ()},
        {"embeddings": ()},
        {"clusterings": (KMeans(), KMeans(n_init=2))},
    ],
    ids=str,
)
def test_a_spray_that_cannot_work_is_refused_when_it_is_made(fields: dict) -> None:
    with pytest.raises(InputError):
        Spray(**fields)


def test_preparation_pools_and_normalizes_each_map_by_itself() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 3, 40, 56)).astype(np.float32)
    features = Spray(pooling=14).preparation().run({"maps": maps}, seed=0)["features"]
    assert features.shape == (5, 10 * 14)
    np.testing.assert_allclose(np.abs(features).sum(axis=1), 1, rtol=1e-5)
    alone = Spray(pooling=14).preparation().run({"maps": maps[2:3]}, seed=0)["features"]
    np.testing.assert_allclose(alone[0], features[2], rtol=1e-5)


Meet = runpy.run_path(str(Path(__file__).with_name("own_processors.py")))["Meet"]
MEETING = Pipeline("meeting", (Step("left", Meet("left"), ("barrier",)), Step("right", Meet("right"), ("barrier",))))


@dataclass(frozen=True)
class Fail(Processor):
    def __call__(self, value: object) -> None:
        raise InputError("it failed")


@dataclass(frozen=True)
class Count(Processor):
    calls: ClassVar[list[int]] = []

    def __call__(self, value: object) -> int:
        self.calls.append(1)
        return len(self.calls)


@dataclass(frozen=True)
class Alone(Processor):
    alone = True
    inside: ClassVar[list[str]] = []
    most: ClassVar[list[int]] = []

    def __call__(self, value: object) -> None:
        self.inside.append("here")
        self.most.append(len(self.inside))
        time.sleep(0.05)
        self.inside.pop()


def test_branches_run_at_the_same_time() -> None:
    """Each of two steps ends only when the other one has begun."""
    results = MEETING.run({"barrier": Barrier(2)}, seed=0, workers=2)
    assert (results["left"], results["right"]) == ("left", "right")


def test_with_one_worker_they_do_not() -> None:
    barrier = Barrier(2)
    threading.Timer(0.3, barrier.abort).start()
    with pytest.raises(BrokenBarrierError):
        MEETING.run({"barrier": barrier}, seed=0, workers=1)


def test_side_by_side_gives_what_one_after_the_other_gives() -> None:
    features = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    spray = Spray(
        n_neighbors=5,
        clusterings=(KMeans(), KMeans(3), HDBSCAN(5), DBSCAN(), Agglomerative()),
        embeddings=(PCA(),),
    )
    one = spray.pipeline().run({"features": features}, seed=1)
    many = spray.pipeline().run({"features": features}, seed=1, workers=4)
    assert set(one) == set(many)
    for name in one:
        if name.startswith("clustering."):
            np.testing.assert_array_equal(one[name].labels, many[name].labels)
    np.testing.assert_array_equal(one["embedding.pca"], many["embedding.pca"])
    assert one["separability"] == many["separability"]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_ends_the_pipeline_and_starts_nothing_behind_it(workers: int) -> None:
    Count.calls.clear()
    steps = (Step("failed", Fail(), ("x",)), Step("behind", Count(), ("failed",)))
    with pytest.raises(InputError, match="it failed"):
        Pipeline("broken", steps).run({"x": 1}, seed=0, workers=workers)
    assert Count.calls == []


def test_steps_that_must_be_alone_are() -> None:
    Alone.most.clear()
    steps = tuple(Step(f"step{number}", Alone(), ("x",)) for number in range(4))
    Pipeline("alone", steps).run({"x": 1}, seed=0, workers=4)
    assert Alone.most == [1, 1, 1, 1]


def test_no_worker_is_refused() -> None:
    with pytest.raises(InputError, match="workers must be at least 1, got 0"):
        MEETING.run({"barrier": Barrier(2)}, seed=0, workers=0)

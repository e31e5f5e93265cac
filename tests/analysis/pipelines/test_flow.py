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

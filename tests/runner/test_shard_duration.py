"""Shards are bounded in time by the speed that is measured when a run is created."""

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution.methods import GradientMethod
from whyset.progress import Silent
from whyset.runner import ArraySource
from whyset.runner.explain_config import ExplainConfig
from whyset.runner.explaining import run_explanation
from whyset.runner.output_spec import OutputSpec
from whyset.runner.prefetch import Prefetcher
from whyset.runner.shard_duration import seconds_per_row
from whyset.runner.targets import Targets
from whyset.store.shards import discard_shard

IMAGES = np.random.default_rng(0).standard_normal((100, 3, 6, 8)).astype(np.float32)


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 48, 4)).eval()


def at(seconds: float) -> Callable[..., float]:
    """A machine that takes so many seconds for an explanation."""
    return lambda *_: seconds


def request(out: Path, images: np.ndarray = IMAGES, **given: Any) -> ExplainConfig:
    return ExplainConfig(net(), images, out, progress=Silent(), **given)


@pytest.mark.parametrize(
    ("seconds", "rows"), [(1e-9, 1024), (60 / 1024, 1024), (60 / 128, 128), (1.0, 64), (3.75, 16), (100.0, 16)]
)
def test_a_shard_is_the_power_of_two_nearest_to_a_minute(seconds: float, rows: int, tmp_path: Path) -> None:
    run = run_explanation(request(tmp_path / "run"), measure=at(seconds))
    assert run.config.shard_rows == rows
    assert run.shard_count == math.ceil(100 / rows)
    assert run.committed.all()


@pytest.mark.parametrize(("seconds", "rows"), [(1e-9, 4096), (1e-3, 2048), (2e-3, 1024), (1.0, 64)])
def test_a_longer_run_has_more_rows_in_a_shard_if_they_take_two_seconds(
    seconds: float, rows: int, tmp_path: Path
) -> None:
    """There are 3,000 of them, so that the largest shard is the power of two above."""
    images = np.tile(IMAGES[:, :, :1, :1], (30, 1, 1, 1))
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 4)).eval()
    wanted = ExplainConfig(model, images, tmp_path / "run", progress=Silent(), batch_size=500)
    run = run_explanation(wanted, measure=at(seconds))
    assert (run.config.shard_rows, run.shard_count) == (rows, math.ceil(3000 / rows))
    assert run.committed.all()


def test_the_rows_of_a_sample_stay_in_one_shard(tmp_path: Path) -> None:
    run = run_explanation(request(tmp_path / "run", target="top:3"), measure=at(1.0))
    assert run.config.shard_rows == 63


def test_size_is_a_bound_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 32)
    run = run_explanation(request(tmp_path / "run"), measure=at(1e-6))
    assert run.config.shard_rows == 32


def test_a_run_is_continued_at_another_speed_with_the_shards_that_it_has(tmp_path: Path) -> None:
    run = run_explanation(request(tmp_path / "run"), measure=at(1.0))
    whole = run.relevance[:]
    discard_shard(run, 1)

    def refuse(*_: object) -> float:
        raise AssertionError("the speed of a run that is there already is not measured")

    run = run_explanation(request(tmp_path / "run"), measure=refuse)
    assert (run.config.shard_rows, run.shard_count, run.pending_shards()) == (64, 2, [])
    np.testing.assert_array_equal(run.relevance[:], whole)


def test_a_run_that_repeats_another_has_its_shards(tmp_path: Path) -> None:
    first = run_explanation(request(tmp_path / "run"), measure=at(1.0))
    again = run_explanation(request(tmp_path / "again"), expected=(first.config, first.path), measure=at(1e-6))
    assert again.config.shard_rows == 64
    assert again.config_hash == first.config_hash


def test_what_fits_into_the_smallest_shard_is_not_measured(tmp_path: Path) -> None:
    run = run_explanation(request(tmp_path / "run", IMAGES[:16]), measure=at(math.nan))
    assert run.shard_count == 1


def test_the_measurement_explains_one_sample_and_then_a_batch() -> None:
    batches: list[int] = []

    class Watched(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            batches.append(len(x))
            return x.flatten(1)[:, :4]

    reading = Prefetcher(ArraySource(IMAGES), (3, 6, 8), show=True, threads=0)
    wanted = OutputSpec(GradientMethod(), Targets.of("label"))
    state = torch.get_rng_state()
    assert 0 < seconds_per_row(Watched(), reading, wanted, batch_size=32) < math.inf
    assert batches == [1, 1]  # of 100 samples, one of which is a hundredth
    batches.clear()
    many = Prefetcher(ArraySource(np.tile(IMAGES, (40, 1, 1, 1))), (3, 6, 8), show=True, threads=0)
    assert 0 < seconds_per_row(Watched(), many, wanted, batch_size=32) < math.inf
    assert batches == [1, 32]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_that_cannot_explain_a_batch_gets_the_smallest_shards() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("out of memory")

    reading = Prefetcher(ArraySource(IMAGES), (3, 6, 8), show=True, threads=0)
    assert seconds_per_row(Failing(), reading, OutputSpec(GradientMethod(), Targets.of("label")), 32) == math.inf


class Unreadable(ArraySource):
    """Samples of an array, some of which cannot be read."""

    def __init__(self, failing: Collection[int]) -> None:
        super().__init__(IMAGES)
        self.failing = failing

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        if index in self.failing:
            raise OSError(f"sample {index} is damaged")
        return super().read(index)


@pytest.mark.parametrize(
    ("failing", "batches"),
    [(range(40), [1, 32]), (range(90), [1, 10]), (range(99), [1, 1]), (range(1, 100, 2), [1, 16]), ([0], [1, 32])],
    ids=["first", "most", "all but one", "every other", "one"],
)
def test_samples_that_cannot_be_read_do_not_make_it_faster(
    failing: Collection[int], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the model's own clock, an explanation takes a quarter of a second, whatever else was to be read."""
    clock, explained = [0.0], []

    class Slow(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            clock[0] += 0.25 * len(x)
            explained.append(len(x))
            return x.flatten(1)[:, :4]

    monkeypatch.setattr("whyset.runner.shard_duration.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("whyset.runner.shard_duration._ONE_OF", 1)  # as in a long run
    reading = Prefetcher(Unreadable(failing), (3, 6, 8), show=True, threads=0)
    assert seconds_per_row(Slow(), reading, OutputSpec(GradientMethod(), Targets.of("label")), batch_size=32) == 0.25
    assert explained == batches


def test_where_no_sample_is_read_in_time_shards_are_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading each of them takes six seconds by the clock, and fails: the last, which could be read, is not reached."""
    clock = [0.0]

    class Slowly(Unreadable):
        def read(self, index: int) -> tuple[torch.Tensor, int | None]:
            clock[0] += 6.0
            return super().read(index)

    monkeypatch.setattr("whyset.runner.shard_duration.time.perf_counter", lambda: clock[0])
    wanted = OutputSpec(GradientMethod(), Targets.of("label"))
    assert seconds_per_row(net(), Prefetcher(Slowly(range(99)), (3, 6, 8), True, 0), wanted, 32) == math.inf
    assert clock[0] == 12.0
    assert seconds_per_row(net(), Prefetcher(Unreadable(range(100)), (3, 6, 8), True, 0), wanted, 32) == math.inf


class Slow(nn.Module):
    """Takes 4 s for each sample by a clock of its own."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.net, self.clock = net(), clock

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.clock[0] += 4.0 * len(x)
        return self.net(x)


def test_a_run_whose_first_samples_cannot_be_read_has_small_shards(tmp_path: Path) -> None:
    clock = [0.0]

    def look() -> float:
        """Time goes on while samples cannot be read, but not much."""
        clock[0] += 1e-6
        return clock[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whyset.runner.shard_duration.time.perf_counter", look)
        run = ws.explain(Slow(clock), Unreadable(range(35)), tmp_path / "run")
    assert (run.config.shard_rows, len(run.failures)) == (16, 35)


def test_explain_measures_and_every_interrupted_shard_is_a_minute(tmp_path: Path) -> None:
    """The whole path: the model sleeps so that a row takes 4 s by its clock, and 100 images are seven shards."""
    clock = [0.0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whyset.runner.shard_duration.time.perf_counter", lambda: clock[0])
        run = ws.explain(Slow(clock), IMAGES, tmp_path / "run")
    assert (run.config.shard_rows, run.shard_count) == (16, 7)

"""p is small for separate groups, and not for one group of any shape."""

import numpy as np
import pytest
from scipy.stats import binom
from threadpoolctl import threadpool_limits

from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import Cosine, KMeans, RadialBasis
from whyset.analysis.significance import significance
from whyset.store.evidence import SeparabilityTest

SMALL = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=1),))


def run_test(rows: np.ndarray, seed: int = 0, surrogates: int = 19, spray: Spray = SMALL) -> SeparabilityTest:
    pipeline = spray.pipeline()
    with threadpool_limits(1):
        results = pipeline.until("separability").run({"features": rows}, seed=seed)
        return significance(results, pipeline, surrogates, seed)


def draw_skewed(rng: np.random.Generator) -> np.ndarray:
    """Noise as normalized relevance has it: most of a map's relevance is in a few pixels."""
    rows = rng.gamma(0.3, size=(60, 40)) * np.arange(1, 41) ** -0.7
    return rows / rows.sum(axis=1, keepdims=True)


def draw_circle(rng: np.random.Generator) -> np.ndarray:
    t = 2 * np.pi * rng.random(60)
    return np.c_[np.cos(t), np.sin(t)] + 0.02 * rng.normal(size=(60, 2))


def draw_factors(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(60, 3)) @ rng.normal(size=(3, 40)) + 0.3 * rng.normal(size=(60, 40))


ONE_GROUP = {
    "skewed": draw_skewed,
    "circle": draw_circle,
    "factors": draw_factors,
    "line": lambda rng: rng.random((60, 1)),
    "heavy tails": lambda rng: rng.normal(size=(60, 20)) / np.sqrt(rng.chisquare(2, size=(60, 1))),
}


def draw_mark(rng: np.random.Generator) -> np.ndarray:
    rows = rng.gamma(1, size=(60, 40))
    rows[:20, :4] += 8
    return rows / rows.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ONE_GROUP)
def test_data_of_one_group_have_the_smallest_p_no_more_often_than_chance(kind: str) -> None:
    """With 19 surrogates, p = 0.05 with a probability of at most 0.05; the bound on the count has the level 0.001."""
    found = [run_test(ONE_GROUP[kind](np.random.default_rng([7, seed])), seed).p_value for seed in range(20)]
    assert sum(p <= 0.05 for p in found if p is not None) <= binom.ppf(0.999, 20, 0.05)
    assert np.mean([p for p in found if p is not None]) > 0.25


def test_separate_groups_have_the_smallest_p() -> None:
    for seed in range(3):
        assert run_test(draw_mark(np.random.default_rng(seed)), seed).p_value == 0.05
    apart = np.random.default_rng(0).normal(size=(60, 5))
    apart[:30] += 50
    test = run_test(apart)
    assert (test.p_value, test.n_surrogates, test.stopped_early) == (0.05, 19, False)
    assert test.bottleneck > test.null_bottleneck > 0


def test_one_group_needs_few_surrogates_and_the_result_says_so() -> None:
    rows = draw_skewed(np.random.default_rng(1))
    stopped, all_drawn = run_test(rows, surrogates=99), run_test(rows, surrogates=10)
    assert stopped.stopped_early
    assert stopped.n_surrogates < 99
    assert stopped.null == "Segment"
    assert not all_drawn.stopped_early


def test_the_p_value_repeats_with_the_seed_and_differs_from_the_one_of_another() -> None:
    rows = draw_factors(np.random.default_rng(0))
    assert run_test(rows, 4) == run_test(rows, 4)
    assert run_test(rows, 4).null_bottleneck != run_test(rows, 5).null_bottleneck


def test_without_surrogates_there_is_no_p_value() -> None:
    pipeline = SMALL.pipeline()
    assert significance({"separability": 1.0}, pipeline, 0, 0) == SeparabilityTest(1.0)


@pytest.mark.parametrize("samples", [10, 15])
def test_tiny_classes_are_tested(samples: int) -> None:
    spray = Spray(n_neighbors=2, eigenvectors=4, clusterings=(KMeans(n_init=1),))
    test = run_test(np.random.default_rng(0).normal(size=(samples, 8)), spray=spray)
    assert 0.05 <= test.p_value <= 1


def test_identical_samples_are_one_group() -> None:
    rows = np.ones((40, 6), np.float32)
    rows[0, 0] = 1.5
    assert run_test(rows).p_value > 0.05


@pytest.mark.parametrize("spray", [{"metric": Cosine()}, {"affinity": RadialBasis()}], ids=["cosine", "rbf"])
def test_other_graphs_are_tested_by_their_own_null(spray: dict) -> None:
    parts = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=1),), **spray)
    assert run_test(draw_mark(np.random.default_rng(0)), spray=parts).p_value == 0.05
    assert run_test(draw_skewed(np.random.default_rng(0)), spray=parts).p_value > 0.05

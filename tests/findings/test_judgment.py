"""The score of a finding, and why it is suspicious or not."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from whyset.findings.concept import Concept
from whyset.findings.judgment import SUSPICIOUS, judge
from whyset.store.effects import EffectSummary, Estimate

EFFECT = EffectSummary(
    turned=Estimate(0.75, (0.6, 0.9), 20),
    null_turned=Estimate(0.05, (0.0, 0.1), 20),
    difference=Estimate(0.7, (0.5, 0.85), 20),
    log_odds=Estimate(4.0, (3.0, 5.0), 20),
)


def make_concept(share: float = 0.1, others: float = 0.0, rest: float = 0.0, n_others: int = 4000) -> Concept:
    """A share of the class and of the others above 4, and the rest of the class shifted by `rest`."""
    random = np.random.default_rng(0)
    own, other = random.normal(size=1000) + rest, random.normal(size=n_others)
    own, other = np.minimum(own, 3.5), np.minimum(other, 3.5)
    own[: round(1000 * share)], other[: round(n_others * others)] = 8.0, 8.0
    return Concept(own, other, np.arange(8), threshold=4.0)


def judge_concept(concept: Concept, effect: EffectSummary = EFFECT) -> Any:
    return judge(SimpleNamespace(concept=concept), effect)  # type: ignore[arg-type]  # all that it reads


def test_rare_evidence_with_a_large_effect_is_a_suspicion() -> None:
    concept = make_concept()
    found = judge_concept(concept)
    assert found.kind == "suspicion"
    assert found.score == pytest.approx(0.7 * concept.exclusiveness * concept.independence)
    assert found.score > 0.6


@pytest.mark.parametrize(
    ("concept", "reason"),
    [
        ({"share": 0.6}, "Most samples of the class have it (60 %)"),
        ({"others": 0.1}, "not specific: 10 % of other classes"),
        ({"rest": 2.0}, "The rest of the class has it in lesser degrees"),
    ],
)
def test_what_belongs_to_the_object_is_a_strategy(concept: dict[str, float], reason: str) -> None:
    found = judge_concept(make_concept(**concept))
    assert found.kind == "strategy"
    assert reason in found.reason


def test_an_effect_that_may_be_that_of_the_null_is_none() -> None:
    found = judge_concept(make_concept(), replace(EFFECT, difference=Estimate(0.5, (-0.1, 0.9), 3)))
    assert (found.kind, found.reason) == ("strategy", "Its effect on fresh hosts may be that of the null.")


def test_an_effect_without_an_interval_confirms_nothing() -> None:
    assert judge_concept(make_concept(), replace(EFFECT, difference=Estimate(0.9, None, 1))).kind == "strategy"


def test_a_small_effect_is_a_strategy() -> None:
    found = judge_concept(make_concept(), replace(EFFECT, difference=Estimate(0.1, (0.05, 0.2), 20)))
    assert found.score < SUSPICIOUS
    assert (found.kind, found.reason) == ("strategy", "Its effect is small.")


def test_a_large_effect_of_few_samples_is_not_called_small() -> None:
    """That none of 20 other samples have it does not show that it is rare."""
    found = judge_concept(make_concept(n_others=20))
    assert (found.kind, found.reason) == (
        "strategy",
        "None of 20 samples of other classes have it, which are too few to call it specific.",
    )


def test_an_effect_below_that_of_the_null_has_the_score_zero() -> None:
    assert judge_concept(make_concept(), replace(EFFECT, difference=Estimate(-0.2, (-0.4, 0.0), 20))).score == 0.0

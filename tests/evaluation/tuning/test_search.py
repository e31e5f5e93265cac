"""The coordinate search: it finds the best of separable scores, keeps to its budget, and passes over failures."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from whyset.evaluation.tuning.search import search
from whyset.evaluation.tuning.space import SPACE, Configuration

AXES = {name: values for name, values in SPACE.items() if name not in ("gates", "depth", "epsilon")}
WEIGHTS = st.fixed_dictionaries(
    {name: st.lists(st.integers(-50, 50), min_size=len(v), max_size=len(v)) for name, v in AXES.items()}
)


def add_up(configuration: Configuration, weights: dict[str, list[int]]) -> float:
    return float(sum(w[AXES[name].index(getattr(configuration, name))] for name, w in weights.items()))


@given(WEIGHTS)
def test_parameters_that_add_up_are_all_found(weights: dict[str, list[int]]) -> None:
    scores = search(Configuration(), AXES, lambda one: add_up(one, weights), 10**6)
    assert max(scores.values()) == sum(max(values) for values in weights.values())
    assert len(scores) <= 1 + 2 * sum(len(values) - 1 for values in AXES.values())  # two rounds, not all combinations


@given(st.integers(1, 40), WEIGHTS)
def test_the_budget_is_kept_and_each_configuration_measured_once(budget: int, weights: dict[str, list[int]]) -> None:
    measured: list[Configuration] = []

    def measure(one: Configuration) -> float:
        measured.append(one)
        return add_up(one, weights)

    scores = search(Configuration(), AXES, measure, budget)
    assert len(measured) == len(set(measured)) == len(scores) <= budget
    assert measured[0] == Configuration()


def test_failures_are_not_kept_and_impossible_combinations_not_tried() -> None:
    def measure(one: Configuration) -> float | None:
        return None if one.bias == "zero" else float(one.depth < 1)

    scores = search(Configuration(), SPACE, measure, 100)
    best = max((one for one in scores if scores[one] is not None), key=lambda one: scores[one])
    assert best.depth < 1
    assert not [one for one in scores if one.gates == "constant" and one.depth < 1]
    assert all(scores[one] is None for one in scores if one.bias == "zero")
    assert all(one.has_epsilon for one in scores if one.epsilon)  # without the rule, its parameter changes nothing
    assert search(Configuration(), SPACE, lambda _: None, 5).keys() >= {Configuration()}
    assert {part.name for part in fields(Configuration)} == set(SPACE)

"""Numbers that a user gives: whole numbers of any library, seconds, and what is neither."""

import copy
import dataclasses
import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset import analysis
from whyset.analysis import processors
from whyset.arguments import require_timeout, whole_number
from whyset.attribution import composites, rules, targets
from whyset.engines import Local, Static
from whyset.errors import InputError
from whyset.runner import ModelSource


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


WRONG = ["x", [1], object(), np.zeros(2), b"a", {}, True, 1j]
"""None of these is a number."""


def numbered_fields() -> list[tuple[type, str]]:
    """The fields of all public processors and rules that are numbers, where the others have defaults."""
    kinds = [one for module in (processors, analysis, rules) for one in vars(module).values() if inspect.isclass(one)]
    found = {
        (kind, one.name)
        for kind in kinds
        if dataclasses.is_dataclass(kind) and kind.__module__.startswith("whyset")
        for one in dataclasses.fields(kind)
        if one.init and one.type in (int, float, int | None, float | None)
        if issubclass(kind, processors.Processor | rules.Rule)
    }
    return sorted(found, key=str)


def test_there_are_many_of_them() -> None:
    assert len(numbered_fields()) > 40


@pytest.mark.parametrize(("kind", "name"), numbered_fields(), ids=lambda part: getattr(part, "__name__", part))
def test_a_field_that_is_a_number_refuses_everything_else_by_its_name(kind: type, name: str) -> None:
    for wrong in WRONG:
        with pytest.raises(InputError, match=rf"^{kind.__name__}\({name}=.*: expected an? (whole )?number"):
            kind(**{name: wrong})


def test_numbers_of_any_library_are_numbers() -> None:
    assert ws.Spray(n_neighbors=np.int64(7), pooling=None) == ws.Spray(n_neighbors=7, pooling=None)
    assert rules.Gamma(np.float32(0.5)) == rules.Gamma(0.5)
    assert rules.Gamma(1) == rules.Gamma(1.0)
    with pytest.raises(InputError, match=r"Spray\(n_neighbors=7.0\): expected a whole number, got float"):
        ws.Spray(n_neighbors=7.0)


def test_a_subclass_of_others_is_checked_as_well() -> None:
    @dataclasses.dataclass(frozen=True)
    class Scale(processors.Processor):
        factor: float = 2.0
        how: "str" = "plainly"
        parts: tuple[int, ...] = ()

    assert Scale(3, "x", (1,)).factor == 3
    assert copy.deepcopy(Scale(3)) == Scale(3)
    assert list(inspect.signature(Scale).parameters) == ["factor", "how", "parts"]
    with pytest.raises(InputError, match=r"Scale\(factor='3'\): expected a number, got str"):
        Scale("3")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: targets.AboveReference(0, "x"), r"AboveReference\(reference='x'\): expected a number, or a tensor"),
        (lambda: targets.Similarity(3), r"Similarity\(other=3\): expected a tensor .*, got int"),
        (lambda: targets.OutputWeights([1.0]), r"OutputWeights\(weights=\[1.0\]\): expected a tensor .*, got list"),
        (lambda: ws.Spray(clusterings=3), "clusterings are 3: expected a tuple of processors"),
        (lambda: ws.Spray(embeddings="tsne"), "embeddings are 'tsne': expected a tuple of processors"),
        (lambda: ws.Spray(array=3), r"Spray\(array=3\): expected a text, got int"),
        (lambda: rules.Epsilon(zero_params=3), r"Epsilon\(zero_params=3\): expected 'bias', \('bias',\) or None"),
        (lambda: rules.Stabilizer("x"), r"Stabilizer\(epsilon='x'\): expected a number"),
        (lambda: composites.EpsilonPlus(layer_map=3), "EpsilonPlus: expected pairs of a module class.*, got 3"),
        (lambda: composites.EpsilonPlus(on_unknown=3), r"EpsilonPlus\(on_unknown=3\): expected a text, got int"),
        (lambda: composites.MixedComposite(3), "expected a tuple of composites, got 3"),
        (lambda: composites.MixedComposite(("x",)), "expected composites, got 'x'"),
        (lambda: Static("x", 2), "rank is 'x': expected a whole number"),
        (lambda: ModelSource(3), "model must be file.py:function, .*, not 3"),
    ],
)
def test_what_is_made_of_the_wrong_type_says_what_was_expected(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"class_names": 3}, "class_names are 3: expected a sequence"),
        ({"class_names": "ab"}, "class_names are 'ab': expected a sequence"),
        ({"class_names": [0, 1]}, "class_names hold 0: expected texts"),
        ({"features": 3}, "features are 3: expected a sequence of names"),
        ({"features": "abc"}, "features are 'abc': expected a sequence of names"),
        ({"rate": "fast"}, "rate is 'fast': expected a number"),
        ({"composite": 3}, "composite"),
    ],
)
def test_explain_refuses_arguments_of_the_wrong_type(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    net = torch.nn.Linear(3, 2)
    with pytest.raises(InputError, match=words):
        ws.explain(net, torch.zeros(4, 3), tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_analyze_takes_a_spray_only(tmp_path: Path) -> None:
    run = ws.explain(torch.nn.Linear(3, 2), torch.rand(4, 3), tmp_path / "run")
    with pytest.raises(InputError, match=r"spray is 3: expected a Spray"):
        ws.analyze(run, 3)

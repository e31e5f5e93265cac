"""What RISE, Sobol and HSIC have in common: masks that samples share, targets that share passes, and their inputs."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import HSIC, RISE, Contrast, Sobol
from whyset.errors import InputError

KINDS = {"rise": (RISE, 40), "sobol": (Sobol, 4), "hsic": (HSIC, 40)}


def make(name: str, model: nn.Module, **given: Any) -> Any:
    kind, n_masks = KINDS[name]
    return kind(model, **{"n_masks": n_masks, **given})


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def network(*shape: int) -> nn.Module:
    torch.manual_seed(1)
    size = int(torch.Size(shape).numel())
    return nn.Sequential(nn.Flatten(), nn.Linear(size, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)).double().eval()


SHAPES = [(6,), (2, 9), (1, 5), (3, 6, 10), (1, 8, 3), (2, 3, 4, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", KINDS)
def test_a_sample_is_explained_as_it_is_alone(name: str, shape: tuple[int, ...]) -> None:
    x, attribute = draw(3, *shape), make(name, network(*shape))
    before = x.clone()
    output, together = attribute(x, [0, 2, 1])
    alone = [attribute(one, target)[1] for one, target in zip(x.split(1), (0, 2, 1), strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(output, network(*shape)(x))
    assert torch.equal(x, before)
    assert together.shape == ((3, *shape) if len(shape) == 1 else (3, 1, *shape[1:]))
    assert (together.flatten(1).amax(1) > together.flatten(1).amin(1)).all()


@pytest.mark.parametrize("name", KINDS)
def test_several_targets_share_the_forward_passes(name: str) -> None:
    model, x, passes = network(2, 4, 5), draw(3, 2, 4, 5), []
    model.register_forward_hook(lambda *_: passes.append(1))
    attribute = make(name, model)
    one = attribute(x, Contrast(0, 2))[1]
    of_one = len(passes)
    _, several = attribute(x, targets=[Contrast(0, 2), 1, torch.tensor([2, 1, 0])])
    assert len(passes) == 2 * of_one
    torch.testing.assert_close(several[0], one)
    torch.testing.assert_close(several[2], attribute(x, [2, 1, 0])[1])
    assert torch.equal(attribute(x, 1)[1], several[1])  # the same masks again


@pytest.mark.parametrize("name", KINDS)
def test_the_batch_bounds_what_is_evaluated_at_once(name: str) -> None:
    model, sizes = network(2, 4, 5), set[int]()
    model.register_forward_pre_hook(lambda _, args: sizes.add(len(args[0])))
    make(name, model)(draw(3, 2, 4, 5), targets=[0, 1])
    assert sizes == {3}


@pytest.mark.parametrize("name", KINDS)
def test_another_seed_draws_other_masks(name: str) -> None:
    model, x = network(2, 4, 5), draw(3, 2, 4, 5)
    first, again, other = (make(name, model, seed=seed)(x, 0)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, rtol=0.01)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", KINDS)
def test_sums_of_half_precision_are_not(name: str, dtype: torch.dtype) -> None:
    model, x = network(2, 4, 5), draw(3, 2, 4, 5)
    found = make(name, model.to(dtype))(x.to(dtype), 0)[1]
    expected = make(name, network(2, 4, 5))(x, 0)[1]
    assert found.dtype == torch.float32
    error = (found - expected).abs().max() / (expected.amax() - expected.amin())
    assert error < (0.2 if dtype == torch.bfloat16 else 0.03)


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 2), 0.7, dtype=x.dtype)


@pytest.mark.parametrize("name", KINDS)
def test_a_constant_output_and_an_input_like_the_fill_have_constant_maps(name: str) -> None:
    x = draw(2, 1, 4, 5)
    _, found = make(name, Constant())(x, 1)
    torch.testing.assert_close(found, torch.full_like(found, 0.7 if name == "rise" else 0.0))
    x[0] = 0.3
    model = network(1, 4, 5)
    output, found = make(name, model, fill_fn=lambda x: torch.full_like(x, 0.3))(x, 1)
    expected = output[0, 1] if name == "rise" else torch.zeros(()).double()
    torch.testing.assert_close(found[0], expected.expand_as(found[0]).detach())
    assert found[1].max() > found[1].min()


@pytest.mark.parametrize("name", KINDS)
def test_cells_that_a_model_ignores_are_the_same_for_every_fill_of_them(name: str) -> None:
    """The model depends on the left half, and both halves are whole cells."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(20, 5), nn.Tanh(), nn.Linear(5, 2)).double()

    class Left(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return model(x[..., :5])

    x = draw(2, 1, 4, 10)
    other = x.clone()
    other[..., 5:] = 9
    maps = [make(name, Left(), cells=(4, 2))(given, 0)[1] for given in (x, other)]
    torch.testing.assert_close(maps[0], maps[1])
    if name == "sobol":
        assert (maps[0][..., 5:] == 0).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_masks": 0}, "n_masks is 0: expected a whole number of at least 1"),
        ({"n_masks": 2.5}, "n_masks is 2.5"),
        ({"cells": 0}, "cells=0: expected positive numbers"),
        ({"cells": (2, -1)}, "expected positive numbers"),
        ({"cells": "7"}, "expected a whole number, or one for each side"),
        ({"cells": ()}, "expected a whole number"),
        ({"seed": -1}, "seed is -1"),
    ],
)
@pytest.mark.parametrize("name", KINDS)
def test_wrong_numbers_are_refused(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make(name, network(3), **given)


@pytest.mark.parametrize("name", KINDS)
def test_ids_and_cells_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"expects a floating point input, got torch.int64"):
        make(name, network(3))(torch.ones(2, 3).long(), 0)
    with pytest.raises(InputError, match="more cells than elements"):
        make(name, network(3), cells=4)(draw(2, 3), 0)
    with pytest.raises(InputError, match=r"class index needs an output of shape \(samples, classes\)"):
        make(name, nn.Identity())(draw(2, 3, 4), 0)

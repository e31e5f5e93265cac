"""Imputed values: constants, blurs and random numbers."""

import math

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.evaluation import IMPUTERS, BlurImputer, ConstantImputer, NoisyLinearImputer, UniformImputer
from whyset.evaluation.imputation import as_imputer


def generators(n):
    return [np.random.default_rng([0, row]) for row in range(n)]


@pytest.mark.parametrize("name", IMPUTERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_values_have_shape_and_type_of_the_input(name, dtype):
    x = torch.randn(2, 3, 6, 8).to(dtype)
    values = IMPUTERS[name]().impute(x, generators(2))
    assert (values.shape, values.dtype) == (x.shape, dtype)


def test_a_blur_keeps_what_is_constant_and_the_mean_of_every_sample_and_channel():
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    np.testing.assert_allclose(BlurImputer(2.0).impute(x, []).mean((2, 3)), x.mean((2, 3)), rtol=0, atol=1e-12)
    flat = x.mean((2, 3), keepdim=True).expand_as(x)
    np.testing.assert_allclose(BlurImputer(2.0).impute(flat, []), flat, rtol=1e-12)


def test_a_wide_blur_is_the_mean_of_each_channel():
    """Up to the part of a Gaussian beyond the four standard deviations at which SciPy cuts it off."""
    x = torch.randn(1, 2, 5, 7, dtype=torch.float64)
    means, cut_off = x.mean((2, 3), keepdim=True).expand_as(x), 2 * math.erfc(4 / math.sqrt(2)) * float(x.abs().max())
    np.testing.assert_allclose(BlurImputer(50.0).impute(x, []), means, rtol=0, atol=cut_off)


def test_uniform_values_are_within_their_bounds_and_differ_between_samples():
    values = UniformImputer(-1.0, 3.0).impute(torch.zeros(2, 1, 40, 50, dtype=torch.float64), generators(2))
    assert -1 <= float(values.min()) < -0.9
    assert 2.9 < float(values.max()) <= 3
    assert not torch.equal(values[0], values[1])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BlurImputer(0.0),
        lambda: UniformImputer(1.0, 1.0),
        lambda: ConstantImputer((1.0, 2.0)).impute(torch.zeros(1, 3, 2), []),
        lambda: BlurImputer().impute(torch.zeros(1, 3), []),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


@pytest.mark.parametrize("name", IMPUTERS)
def test_elements_are_imputed_where_the_mask_is_true(name):
    x = torch.randn(2, 3, 6, 8).double()
    mask = torch.rand(2, 1, 6, 8) < 0.5
    impute = IMPUTERS[name]().prepare(x, generators(2))
    found, everything, nothing = impute(mask), impute(torch.ones_like(mask)), impute(torch.zeros_like(mask))
    assert torch.equal(nothing, x)
    assert torch.equal(everything, IMPUTERS[name]().impute(x, generators(2)))
    assert torch.equal(found[~mask.expand_as(x)], x[~mask.expand_as(x)])
    assert (found != x)[mask.expand_as(x)].all()
    if name != "noisy_linear":  # whose values depend on the mask
        assert torch.equal(found, torch.where(mask, everything, x))


@pytest.mark.parametrize(
    ("text", "imputer"),
    [
        ("blur", BlurImputer()),
        ("blur(sigma=4)", BlurImputer(4.0)),
        ("uniform(low=-1,high=2.5)", UniformImputer(-1.0, 2.5)),
        ("constant(value=0.1,0.2,0.3)", ConstantImputer((0.1, 0.2, 0.3))),
        ("noisy_linear(noise=0)", NoisyLinearImputer(0.0)),
    ],
)
def test_imputers_are_read_from_texts(text, imputer):
    assert as_imputer(text) == imputer
    assert as_imputer(imputer) is imputer


@pytest.mark.parametrize("text", ["blr", "blur(4)", "blur(sigma=4", "blur(sigma=0)", "blur(radius=4)", "", 4])
def test_texts_that_name_no_imputer_are_refused(text):
    with pytest.raises(InputError, match=r"imputer|sigma"):
        as_imputer(text)

"""Attributors that explain by many evaluations, in closed form on models where there is one."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, InputTimesGradient, IntegratedGradients, Occlusion, SmoothGrad
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError


class Quadratic(nn.Module):
    """f(x) = (Σ x², Σ x³) over all but the batch."""

    def forward(self, x):
        flat = x.flatten(1)
        return torch.stack([flat.square().sum(1), flat.pow(3).sum(1)], 1)


def inputs():
    torch.manual_seed(0)
    return torch.randn(3, 2, 5, 7).double()


def test_smooth_grad_of_a_linear_model_is_its_gradient():
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(70, 3)).double(), inputs()
    output, smooth = SmoothGrad(model, n_iter=3)(x, 1)
    torch.testing.assert_close(smooth, Gradient(model)(x, 1)[1])
    torch.testing.assert_close(output, model(x))


def test_smooth_grad_averages_what_noise_does_and_can_be_repeated():
    x = inputs()
    first, again = (SmoothGrad(Quadratic(), n_iter=400, noise_level=0.05)(x, 0)[1] for _ in range(2))
    assert torch.equal(first, again)
    spread = 0.05 * (x.flatten(1).amax(1) - x.flatten(1).amin(1)).view(3, 1, 1, 1)
    assert ((first - 2 * x).abs() < 2 * spread * 5 / 20).all()  # five standard errors of the mean of 400
    with SmoothGrad(Quadratic(), EpsilonPlus(), noise_level=0.0, n_iter=1) as attribute:
        torch.testing.assert_close(attribute(x, 0)[1], x.square())


NOISE = 0.05


def gradients_with_noise(x, n_iter, seed=0):
    """Gradients 2 (x + n) of Σ x² at noisy copies, (n_iter, n, ...), by torch alone."""
    spread = NOISE * (x.flatten(1).amax(1) - x.flatten(1).amin(1)).view(-1, 1, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    noise = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(n_iter)]
    return 2 * (x + spread * torch.stack(noise))


@pytest.mark.parametrize(
    ("statistic", "compute"),
    [
        ("mean", lambda copies: copies.mean(0)),
        ("square", lambda copies: copies.square().mean(0)),
        ("variance", lambda copies: copies.var(0, correction=0)),
    ],
)
def test_statistics_of_smooth_grad_are_those_of_the_gradients_at_the_noisy_copies(statistic, compute):
    x = inputs()
    _, found = SmoothGrad(Quadratic(), noise_level=NOISE, n_iter=7, statistic=statistic)(x, 0)
    torch.testing.assert_close(found, compute(gradients_with_noise(x, 7)))


def test_the_variance_of_large_equal_gradients_does_not_cancel():
    """E[A²] - E[A]² would be negative here, or far too large."""
    x = 1e8 + inputs()
    _, found = SmoothGrad(Quadratic(), noise_level=NOISE, n_iter=9, statistic="variance")(x, 0)
    torch.testing.assert_close(found, gradients_with_noise(x, 9).var(0, correction=0), rtol=1e-5, atol=0)


def test_with_a_seed_for_each_sample_noise_does_not_depend_on_the_batch():
    x = inputs()
    attribute = SmoothGrad(Quadratic(), n_iter=3, statistic="square")
    together = attribute(x, 1, seeds=[11, 12, 13])[1]
    for number, seed in enumerate((11, 12, 13)):
        alone = SmoothGrad(Quadratic(), n_iter=3, statistic="square", seed=seed)(x[number : number + 1], 1)[1]
        torch.testing.assert_close(together[number : number + 1], alone)
    assert not torch.equal(together, attribute(x, 1, seeds=[11, 11, 11])[1])
    with pytest.raises(InputError, match="one for each of 3 samples, got 2"):
        attribute(x, 1, seeds=[1, 2])


def test_input_times_gradient_of_every_target_comes_from_one_forward_pass():
    x, model, passes = inputs(), Quadratic(), []
    model.register_forward_hook(lambda *_: passes.append(1))
    output, attribution = InputTimesGradient(model)(x, targets=[0, 1])
    torch.testing.assert_close(attribution, torch.stack([2 * x.square(), 3 * x.pow(3)]))
    torch.testing.assert_close(output, Quadratic()(x))
    assert len(passes) == 1
    with pytest.raises(InputError, match="expects a floating point input"):
        InputTimesGradient(model)(torch.ones(3, 4).long(), 0)


def test_integrated_gradients_are_complete_and_exact_on_polynomials():
    x = inputs()
    output, attribution = IntegratedGradients(Quadratic())(x, 0)
    torch.testing.assert_close(attribution, x.square())
    baseline = torch.full_like(x, 0.5)
    output, attribution = IntegratedGradients(Quadratic(), baseline_fn=lambda x: baseline, n_iter=300)(x, 1)
    difference = output[:, 1] - Quadratic()(baseline)[:, 1]
    torch.testing.assert_close(attribution.sum((1, 2, 3)), difference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("window", "stride"), [((2, 3), (2, 3)), ((3, 3), (1, 2)), (4, 3)])
def test_occlusion_is_the_share_of_what_a_window_covers(window, stride):
    x = inputs()
    _, attribution = Occlusion(Quadratic(), window=window, stride=stride)(x, 0)
    assert attribution.isfinite().all()  # every element has a window
    if window == stride:  # no overlap: every element of a window gets what the whole window adds to the sum of squares
        torch.testing.assert_close(
            attribution[:, 0, :2, :3], x[:, :, :2, :3].square().sum((1, 2, 3), keepdim=True)[:, 0].expand(3, 2, 3)
        )
        torch.testing.assert_close(attribution[:, 0, 4, 6], x[:, :, 4, 6].square().sum(1))


def test_wrong_settings_are_refused():
    for make in (
        lambda: SmoothGrad(Quadratic(), n_iter=0),
        lambda: SmoothGrad(Quadratic(), statistic="median"),
        lambda: IntegratedGradients(Quadratic(), n_iter=0),
        lambda: Occlusion(Quadratic(), window=0),
    ):
        with pytest.raises(InputError, match="expected"):
            make()
    with pytest.raises(InputError, match="leaves gaps"):
        Occlusion(Quadratic(), window=2, stride=3)(inputs(), 0)

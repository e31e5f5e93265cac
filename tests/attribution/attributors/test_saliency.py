"""Guided IG, Blur IG and XRAI: agreement with PAIR saliency by their authors, completeness, and unusual inputs."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from whyset.attribution import XRAI, BlurIG, Contrast, GuidedIG, IntegratedGradients
from whyset.attribution.attributors.blur import gaussian_blur
from whyset.attribution.attributors.segments import felzenszwalb_segments
from whyset.attribution.attributors.xrai import grow_region
from whyset.errors import InputError

SHAPE, N = (2, 7, 11), 3
Maps = Mapping[str, np.ndarray]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Net(nn.Module):
    """f(x) = (v · tanh(W x), its negative)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.last = draw(8, int(np.prod(SHAPE)), seed=1) / 5, draw(8, seed=2)

    def forward(self, x: Tensor) -> Tensor:
        value = (x.flatten(1) @ self.weight.to(x).T).tanh() @ self.last.to(x)
        return torch.stack([-value, value], 1)


def images() -> Tensor:
    """One of the images has elements that are equal to the baseline, another is the baseline."""
    x = draw(N, *SHAPE)
    x[1, :, :3] = 0.5
    x[2] = 0.5
    return x


def pictures() -> Tensor:
    """Images with regions, for the segmentation."""
    x = draw(2, 3, 30, 44, seed=3) / 10
    x[:, :, 5:20, 8:30] += torch.tensor([1.0, -1.0, 0.5])[:, None, None]
    x[:, 0, 18:] -= 2
    return x


def random_masks(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    top, left = rng.integers(0, height - 4, 25), rng.integers(0, width - 4, 25)
    masks = np.zeros((25, height, width), bool)
    for mask, one, other in zip(masks, top, left, strict=True):
        mask[one : one + rng.integers(2, 15), other : other + rng.integers(2, 20)] = True
    return masks


def half(x: Tensor) -> Tensor:
    return torch.full_like(x, 0.5)


def to_last(x: Tensor) -> np.ndarray:
    return x.movedim(1, -1).numpy()


@pytest.fixture(scope="module")
def attributions() -> Tensor:
    return draw(2, 3, 30, 44, seed=5)


@pytest.fixture(scope="module")
def saliency(
    oracle_python: Callable[[str], Path], attributions: Tensor, tmp_path_factory: pytest.TempPathFactory
) -> Maps:
    """Maps of PAIR saliency, computed in its environment; its layout has the channels last."""
    folder, net = tmp_path_factory.mktemp("saliency"), Net()
    np.savez(
        folder / "given.npz",
        images=to_last(images()),
        baselines=to_last(half(images())),
        weight=to_last(net.weight.view(8, *SHAPE)).reshape(8, -1),
        last=net.last.numpy(),
        pictures=to_last(pictures()),
        masks=random_masks(30, 44),
        attributions=to_last(attributions),
        min_pixel_diff=9,
    )
    script = Path(__file__).with_name("saliency_maps.py")
    command = [oracle_python("saliency"), script, folder / "given.npz", folder / "found.npz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "found.npz"))


def assert_same(found: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(to_last(found), expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "given"),
    [("guided", {}), ("guided_free", {"max_dist": 1.0}), ("guided_straight", {"max_dist": 0.0, "fraction": 0.5})],
)
def test_guided_ig_is_that_of_saliency(name: str, given: Mapping[str, Any], saliency: Maps) -> None:
    _, found = GuidedIG(Net(), baseline_fn=half, n_iter=30, **given)(images(), 1)
    assert_same(found, saliency[name])
    assert (found[2] == 0).all()


@pytest.mark.parametrize(
    ("name", "given"), [("blur", {"max_sigma": 5}), ("blur_sqrt", {"max_sigma": 9, "sqrt": True, "grad_step": 0.1})]
)
def test_blur_ig_is_that_of_saliency(name: str, given: Mapping[str, Any], saliency: Maps) -> None:
    assert_same(BlurIG(Net(), n_iter=20, **given)(images(), 1)[1], saliency[name])


@pytest.mark.parametrize("algorithm", ["full", "fast"])
def test_regions_grow_as_in_saliency(algorithm: Any, attributions: Tensor, saliency: Maps) -> None:
    masks = random_masks(30, 44).reshape(25, -1)
    pixels = attributions.amax(1).flatten(1).numpy()
    found = np.stack([grow_region(one, masks, 9, algorithm).reshape(30, 44) for one in pixels])
    np.testing.assert_allclose(found, saliency[f"xrai_{algorithm}"], rtol=1e-10)
    assert len(np.unique(found[0])) > 8
    np.testing.assert_allclose(found.sum((1, 2)), pixels.sum(1))


@pytest.mark.parametrize("algorithm", ["full", "fast"])
def test_regions_of_an_image_are_those_of_saliency(algorithm: Any, attributions: Tensor, saliency: Maps) -> None:
    pytest.importorskip("skimage")
    for picture, pixels, expected, share in zip(
        pictures(), attributions.amax(1), saliency[f"whole_{algorithm}"], saliency["segments"], strict=True
    ):
        masks = felzenszwalb_segments(picture.numpy())
        np.testing.assert_allclose(masks.sum(0) / len(masks), share * masks.sum() / len(masks) / share.sum())
        found = grow_region(pixels.flatten().numpy(), masks.reshape(len(masks), -1), 9, algorithm)
        np.testing.assert_allclose(found.reshape(30, 44), expected, rtol=1e-10)


# Completeness


def test_guided_ig_sums_to_the_change_of_the_output_as_steps_grow() -> None:
    net, x = Net(), images()
    errors = []
    for n_iter in (20, 100, 500):
        output, found = GuidedIG(net, n_iter=n_iter)(x, 1)
        errors.append((found.sum((1, 2, 3)) - (output - net(torch.zeros_like(x)))[:, 1]).abs().max())
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3


def test_guided_ig_without_a_deviation_is_integrated_gradients() -> None:
    """Both are sums over one line, by the left end and by the middle of each step."""
    x = images()
    found = GuidedIG(Net(), max_dist=0.0, n_iter=500)(x, 1)[1]
    expected = IntegratedGradients(Net(), n_iter=500)(x, 1)[1]
    assert (found - expected).abs().max() < 2e-3 * expected.abs().max()


def test_blur_ig_sums_to_the_change_of_the_output_as_steps_get_smaller() -> None:
    net, x = Net(), images()
    errors = []
    for factor in (1, 4, 16):
        output, found = BlurIG(net, max_sigma=4.0, n_iter=30 * factor, grad_step=0.1 / factor)(x, 1)
        errors.append((found.sum((1, 2, 3)) - (output - net(gaussian_blur(x, 4.0)))[:, 1]).abs().max())
    assert errors[1] < errors[0] / 2
    assert errors[2] < errors[1] / 2


# Parts


@pytest.mark.parametrize("shape", [(2, 3, 9, 14), (2, 1, 40), (1, 2, 3, 4, 5), (1, 1, 1, 7)])
@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.4, 3.3, 50.0])
def test_the_blur_is_that_of_scipy(shape: tuple[int, ...], sigma: float) -> None:
    x = draw(*shape)
    expected = gaussian_filter(x.numpy(), [0, 0, *[sigma] * (len(shape) - 2)], mode="constant")
    np.testing.assert_allclose(gaussian_blur(x, sigma).numpy(), expected, rtol=1e-12, atol=1e-14)


def halves(image: np.ndarray) -> np.ndarray:
    """The upper and the lower half."""
    masks = np.zeros((2, *image.shape[1:]), bool)
    masks[0, :3], masks[1, 3:] = True, True
    return masks


def test_xrai_is_the_mean_of_integrated_gradients_in_each_segment() -> None:
    x = images()[:2]
    _, found = XRAI(Net(), n_iter=40, segments_fn=halves)(x, [1, 0])
    parts = []
    for pick in (torch.amin, torch.amax):
        flat = pick(x, (1, 2, 3), keepdim=True).expand_as(x)
        parts.append(IntegratedGradients(Net(), baseline_fn=lambda _, flat=flat: flat, n_iter=40)(x, [1, 0])[1])
    pixels = torch.stack(parts).mean(0).amax(1, keepdim=True)
    upper, lower = pixels[:, :, :3].mean((2, 3), keepdim=True), pixels[:, :, 3:].mean((2, 3), keepdim=True)
    expected = torch.cat([upper.expand(2, 1, 3, 11), lower.expand(2, 1, 4, 11)], 2)
    torch.testing.assert_close(found, expected)


def test_segments_that_add_too_little_share_the_rest() -> None:
    pixels, masks = np.arange(6.0), np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0]], bool)
    assert grow_region(pixels, masks, 1).tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert grow_region(pixels, masks, 2).tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert grow_region(pixels, masks, 3).tolist() == [1.0, 1.0, 1.0, 4.0, 4.0, 4.0]
    assert grow_region(pixels, masks, 7).tolist() == [2.5] * 6


@pytest.mark.parametrize("shape", [(3, 9, 14), (1, 40, 6), (4, 12, 12)])
def test_constant_and_small_images_have_segments(shape: tuple[int, ...]) -> None:
    pytest.importorskip("skimage")
    for image in (np.full(shape, 0.3), np.random.default_rng(0).random(shape)):
        masks = felzenszwalb_segments(image)
        assert masks.shape[1:] == shape[1:]
        assert masks.any(0).all()
        assert masks.any((1, 2)).all()


# Unusual inputs


def make(name: str, **given: Any) -> Any:
    kinds = {"guided": GuidedIG, "blur": BlurIG, "xrai": XRAI}
    return kinds[name](Net(), n_iter=8, **({"segments_fn": halves} if name == "xrai" else {}) | given)


@pytest.mark.parametrize("name", ["guided", "blur", "xrai"])
def test_a_sample_is_explained_as_it_is_alone(name: str) -> None:
    x = images()
    together = make(name)(x, [1, 0, 1])[1]
    alone = torch.cat([make(name)(one, target)[1] for one, target in zip(x.split(1), (1, 0, 1), strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)
    assert together.isfinite().all()


@pytest.mark.parametrize("name", ["guided", "blur", "xrai"])
def test_other_targets_and_types_are_explained(name: str) -> None:
    x = images()
    contrast = make(name)(x, Contrast(1, 0))[1]
    if name != "xrai":  # the order of regions is not linear
        torch.testing.assert_close(contrast, 2 * make(name)(x, 1)[1])
    single = make(name)(x.float(), 1)[1]
    assert single.dtype == torch.float32
    double = make(name)(x, 1)[1]
    assert (single - double).abs().max() < 1e-3 * double.abs().max()
    assert make(name)(x.to(torch.bfloat16), 1)[1].isfinite().all()
    torch.testing.assert_close(make(name)(x.requires_grad_(), 1)[1], double)


def test_rows_have_a_path_too() -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).double(), draw(6, 5)
    output, found = GuidedIG(net, n_iter=500, max_dist=0.1)(x, 1)
    change = (output - net(torch.zeros_like(x)))[:, 1]
    assert (found.sum(1) - change).abs().max() < 0.01 * change.abs().max()


def test_a_path_ends_where_no_element_can_move() -> None:
    """In single precision and with gradients that are not numbers, no step can reach its distance exactly."""

    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x.flatten(1)[:, :2] - 0.3).sqrt()

    x = images().float()
    assert not GuidedIG(Broken(), n_iter=5)(x, 1)[1].isfinite().all()
    assert GuidedIG(Net(), n_iter=7, max_dist=1.0)(x * 1e6, 1)[1].isfinite().all()


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "no steps": (lambda: GuidedIG(Net(), n_iter=0), "GuidedIG: n_iter is 0: expected a whole number of at least 1"),
    "no fraction": (lambda: GuidedIG(Net(), fraction=0.0), "expected more than 0 and at most 1"),
    "a distance": (lambda: GuidedIG(Net(), max_dist=1.5), "expected a number from 0 to 1"),
    "no blur": (lambda: BlurIG(Net(), max_sigma=0), "expected positive numbers"),
    "no step of the blur": (lambda: BlurIG(Net(), grad_step=-0.1), "expected positive numbers"),
    "an algorithm": (lambda: make("xrai", algorithm="slow"), "expected 'full' or 'fast'"),
    "no pixels": (lambda: make("xrai", min_pixel_diff=0), "min_pixel_diff is 0"),
    "blurred rows": (lambda: make("blur")(draw(3, 5), 1), r"whose elements have neighbors, got \(3, 5\).*explain rows"),
    "segments of series": (lambda: make("xrai")(draw(3, 2, 5), 1), r"expects images .*got \(3, 2, 5\)"),
    "ids": (lambda: make("guided")(torch.ones(3, 5).long(), 1), "expects a floating point input"),
    "masks of numbers": (lambda: make("xrai", segments_fn=lambda x: x)(images(), 1), "expected masks of bool"),
    "masks of another size": (
        lambda: make("xrai", segments_fn=lambda x: np.ones((1, 3, 3), bool))(images(), 1),
        r"shape \(1, 3, 3\): expected masks of bool \(segments, 7, 11\)",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_that_names_the_remedy(case: str) -> None:
    call, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        call()

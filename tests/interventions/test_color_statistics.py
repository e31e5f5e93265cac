"""Colors: means and standard deviations of the result, and pixels against normalized inputs."""

import pytest
import torch

from whyset.interventions import ColorStatistics


def statistics(x):
    return torch.stack([x.mean((2, 3)), x.std((2, 3), correction=0)], 1)


@pytest.fixture
def images():
    torch.manual_seed(0)
    return torch.rand(2, 4, 3, 9, 11, dtype=torch.float64)


def test_the_result_has_mean_and_standard_deviation_of_the_sample(images):
    x, host = images
    colors = ColorStatistics()
    torch.testing.assert_close(colors.select(x).values, statistics(x))
    unclipped = colors.combine(colors.select(x).values, host)
    torch.testing.assert_close(statistics(unclipped), statistics(x))
    low, high = (bound(x, host) for bound in (torch.minimum, torch.maximum))
    bounds = low.amin((2, 3), keepdim=True), high.amax((2, 3), keepdim=True)
    torch.testing.assert_close(colors.insert(x, colors.select(x), host), unclipped.clamp(*bounds))


def test_the_arrangement_of_the_host_stays(images):
    x, host = images
    result = ColorStatistics().combine(statistics(x), host)
    normalized = [(y - y.mean((2, 3), keepdim=True)) / y.std((2, 3), keepdim=True) for y in (result, host)]
    torch.testing.assert_close(*normalized)


def test_a_constant_host_gets_the_mean(images):
    x = images[0]
    colors = ColorStatistics()
    result = colors.insert(x, colors.select(x), torch.full_like(x, 0.5))
    torch.testing.assert_close(result, x.mean((2, 3), keepdim=True).expand_as(x))


def test_removal_by_the_mean_gives_all_channels_the_same_statistics(images):
    tinted = images[0] * torch.tensor([0.3, 0.5, 0.4]).view(3, 1, 1) + 0.2
    colors = ColorStatistics()
    gray = colors.combine(colors.neutral(colors.select(tinted).values, None), tinted)
    expected = statistics(tinted).mean(2, keepdim=True).expand(-1, -1, 3)
    torch.testing.assert_close(statistics(gray), expected)


@pytest.mark.parametrize("name", ["color_statistics", "frequency_band", "amplitude", "phase"])
def test_pixels_and_normalized_inputs_give_the_same_result(images, make, name):
    """The normalized means are negative: their sign is not taken for a phase."""
    intervention = make(name).intervention
    mean, std = torch.tensor([0.9, 0.8, 0.7]).view(3, 1, 1), torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    x, host = images
    pixels = intervention.insert(x, intervention.select(x), host)
    x, host = ((y - mean) / std for y in images)
    normalized = intervention.insert(x, intervention.select(x), host)
    torch.testing.assert_close((pixels - mean) / std, normalized)

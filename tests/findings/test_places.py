"""Bounds of evidence, and the words for places where those of several samples agree."""

import pytest
import torch

from whyset.findings.places import find_bounds, name_place
from whyset.interventions import Channels, ColorStatistics, Frame, TokenSpan, Window


def test_bounds_are_those_of_the_window() -> None:
    x, relevance = torch.rand(1, 3, 9, 12), torch.zeros(1, 9, 12)
    relevance[0, 2:5, 7:9] = 1.0
    window = Window(side=(3, 2))
    assert find_bounds(window, window.select(x, relevance), x) == ((2, 5), (7, 9))


def test_bounds_of_a_span_of_tokens() -> None:
    ids, relevance = torch.randint(0, 9, (1, 7)), torch.tensor([[0.0, 0, 0, 1, 1, 0, 0]])
    span = TokenSpan(length=2)
    assert find_bounds(span, span.select(ids, relevance), ids) == ((3, 5),)


def test_statistics_channels_and_frames_have_no_bounds() -> None:
    x, series = torch.rand(1, 3, 9, 12), torch.rand(1, 4, 20)
    for intervention, given in ((ColorStatistics(), x), (Frame(width=1), x), (Channels(), series)):
        evidence = intervention.select(given, torch.rand(given.shape))
        assert find_bounds(intervention, evidence, given) is None


@pytest.mark.parametrize(
    ("bounds", "sides", "modality", "place"),
    [
        ([((0, 6), (26, 32))] * 3, (32, 32), "image", "upper right"),
        ([((26, 32), (13, 19))] * 2, (32, 32), "image", "bottom"),
        ([((13, 19), (13, 19))] * 2, (32, 32), "image", "center"),
        ([((0, 10),), ((2, 12),)], (100,), "series", "beginning"),
        ([((0, 6), (26, 32)), ((20, 26), (2, 8))], (32, 32), "image", None),  # they do not agree
        ([((0, 6), (26, 32)), None], (32, 32), "image", None),
        ([((0, 6), (26, 32))], (32, 32), "image", None),  # one sample does not agree with any
        ([((0, 2),), ((0, 2),)], (20,), "text", None),
    ],
)
def test_words(bounds, sides, modality, place) -> None:
    assert name_place(bounds, sides, modality) == place

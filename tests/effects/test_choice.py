"""Chosen interventions can be applied to inputs of every modality, also to small ones."""

import pytest
import torch

from whyset.effects import choose_interventions
from whyset.effects.choice import CHOICES
from whyset.interventions import Frame, Window
from whyset.modality import MODALITIES

SHAPES = [
    ("image", (3, 32, 48)), ("image", (1, 8, 8)), ("image", (1, 3, 3)), ("volume", (1, 6, 9, 13)),
    ("series", (3, 60)), ("series", (1, 20)), ("text", (12,)), ("text", (100,)), ("table", (7,)),
]  # fmt: skip


@pytest.mark.parametrize(("modality", "shape"), SHAPES, ids=str)
def test_chosen_interventions_fit(modality, shape):
    ids = modality == "text"
    x, host = (torch.randint(1, 9, (4, *shape)) if ids else torch.randn(4, *shape) for _ in range(2))
    chosen = choose_interventions(modality, shape)
    assert len(set(chosen)) == len(chosen)
    for intervention in chosen:
        evidence = intervention.select(x, torch.rand(4, *shape))
        null = intervention.null(x, evidence, seeds=range(4), others=host)
        for one in (evidence, null):
            assert intervention.insert(x, one, host).shape == x.shape
            assert intervention.remove(x, one, "host", host).shape == x.shape


def test_there_is_a_choice_for_each_modality():
    assert set(CHOICES) == set(MODALITIES)


@pytest.mark.parametrize("shape", [(1, 1, 12), (1, 2, 2), (1, 3, 3), (3, 32, 48)], ids=str)
def test_windows_are_smaller_than_the_image(shape):
    """A window of the whole image would replace the host by the sample, which turns every prediction."""
    sides = [one.side for one in choose_interventions("image", shape) if isinstance(one, Window)]
    assert sides
    assert all(side == 1 or side < min(shape[1:]) for side in sides)


@pytest.mark.parametrize(("shape", "fits"), [((1, 8, 8), True), ((1, 6, 6), False), ((1, 2, 2), False)], ids=str)
def test_a_frame_that_covers_more_than_half_of_an_image_is_not_chosen(shape, fits):
    assert any(isinstance(one, Frame) for one in choose_interventions("image", shape)) == fits

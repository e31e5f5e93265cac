"""Scores of the target."""

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.evaluation.scores import SCORES, run_model, score_targets

OUTPUTS = torch.tensor([[1.0, 3.0, 2.0], [0.0, -1.0, 0.0]])


def model(x):
    return OUTPUTS[: len(x)]


def test_scores_are_outputs_probabilities_or_whether_the_target_is_the_largest():
    x, target = torch.zeros(2, 4), torch.tensor([1, 1])
    scores = {score: score_targets(model, x, target, score) for score in SCORES}
    np.testing.assert_allclose(scores["output"], [3, -1])
    np.testing.assert_allclose(scores["probability"], OUTPUTS.double().softmax(1)[:, 1])
    np.testing.assert_array_equal(scores["correct"], [1, 0])


def test_a_single_output_has_the_probability_of_a_sigmoid():
    found = score_targets(lambda x: torch.tensor([0.5, -2.0]), torch.zeros(2, 4), torch.zeros(2).long(), "probability")
    np.testing.assert_allclose(found, torch.tensor([0.5, -2.0]).double().sigmoid())


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(InputError, match="expected one tensor of outputs"):
        run_model(lambda x: x.unsqueeze(1), torch.zeros(2, 4))
    with pytest.raises(InputError, match="expected classes from 0 to 2"):
        score_targets(model, torch.zeros(2, 4), torch.tensor([0, 3]), "output")

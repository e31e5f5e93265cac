"""Each method against a closed form, or against scikit-learn in the units of the activations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from whyset.errors import InputError
from whyset.fixing.concept_methods import CONCEPT_METHODS, PatternCav, SvmCav, as_concept_method


def draw(seed: int, n: int = 30, m: int = 50, channels: int = 4):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n + m, channels)) * [1, 10, 0.1, 3][:channels]
    x[:n, 0] += 2
    return x, np.repeat([1.0, 0.0], [n, m])


@given(st.integers(0, 99), st.integers(2, 20), st.integers(2, 20))
def test_the_pattern_of_two_groups_is_the_difference_of_their_means(seed, n, m):
    x, t = draw(seed, n, m)
    np.testing.assert_allclose(PatternCav().fit(x, t), x[:n].mean(0) - x[n:].mean(0), atol=1e-12)


def test_the_pattern_is_the_covariance_divided_by_the_variance():
    x, t = draw(0)
    joint = np.cov(np.column_stack([x, t]), rowvar=False)
    np.testing.assert_allclose(PatternCav().fit(x, t), joint[:-1, -1] / joint[-1, -1])


def test_the_normal_separates_as_the_machine_in_its_own_units():
    x, t = draw(1)
    scaler = StandardScaler().fit(x)
    machine = SVC(kernel="linear", class_weight="balanced").fit(scaler.transform(x), t)
    scores = machine.decision_function(scaler.transform(x))
    own = x @ SvmCav().fit(x, t)
    np.testing.assert_allclose(own - own.mean(), scores - scores.mean(), atol=1e-9)


@pytest.mark.parametrize("name", CONCEPT_METHODS)
def test_a_vector_points_to_the_samples_with_the_concept_and_ignores_constant_channels(name):
    x, t = draw(2)
    x[:, 2] = 5
    vector = as_concept_method(name).fit(x, t)
    assert vector @ (x[t == 1].mean(0) - x[t == 0].mean(0)) > 0
    assert abs(vector[2]) < 1e-12


def test_noise_that_channels_share_turns_a_normal_away_but_not_a_pattern():
    """Haufe (2014): x₁ = t + noise, x₂ = noise. A classifier subtracts x₂, which has nothing of the concept."""
    random = np.random.default_rng(0)
    t = np.repeat([1.0, 0.0], 500)
    noise = random.normal(size=1000)
    x = np.column_stack([t + noise, noise]) + 0.1 * random.normal(size=(1000, 2))
    pattern, normal = PatternCav().fit(x, t), SvmCav().fit(x, t)
    assert abs(pattern[1]) < 0.2 * pattern[0]
    assert normal[1] < -0.8 * normal[0]


@pytest.mark.parametrize("given", ["patern", PatternCav, 3])
def test_an_unknown_method_is_refused(given):
    with pytest.raises(InputError, match=r"concept method|method: expected"):
        as_concept_method(given)

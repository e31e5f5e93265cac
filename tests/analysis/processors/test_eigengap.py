import numpy as np
import pytest

from whyset.analysis.processors import Eigengap, SpectrumOfGraph
from whyset.errors import InputError


def spectrum(*eigenvalues: float, components: int = 1, samples: int = 100) -> SpectrumOfGraph:
    return SpectrumOfGraph(
        np.array(eigenvalues), np.zeros((samples, len(eigenvalues))), components, np.zeros(samples, bool)
    )


def test_the_largest_gap_gives_the_number() -> None:
    number = Eigengap()(spectrum(1.0, 0.95, 0.9, 0.5, 0.45, 0.3))
    assert (number.clusters, number.clear) == (3, True)
    assert number.gap == pytest.approx(0.4)


def test_one_strategy_still_gets_two_clusters_or_more_but_is_not_clear() -> None:
    number = Eigengap()(spectrum(1.0, 0.5, 0.45, 0.3, 0.28))
    assert (number.clusters, number.clear) == (3, False)
    assert number.gap == pytest.approx(0.15)


def test_components_are_clusters_at_least_and_their_number_is_clear() -> None:
    number = Eigengap()(spectrum(1, 1, 1, 1, 0.5, 0.1, components=4))
    assert (number.clusters, number.clear) == (4, True)
    number = Eigengap(maximum=2)(spectrum(1, 1, 1, 1, 0.9, 0.1, components=4))
    assert number.clusters == 4


def test_the_maximum_and_a_quarter_of_the_samples_bound_the_number() -> None:
    values = (1.0, 0.99, 0.9, 0.89, 0.88, 0.2, 0.1)
    assert Eigengap(maximum=4)(spectrum(*values)).clusters == 2
    assert Eigengap()(spectrum(*values)).clusters == 5
    assert Eigengap()(spectrum(*values, samples=16)).clusters == 2


def test_too_few_eigenvalues_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        Eigengap()(spectrum(1.0, 0.5))

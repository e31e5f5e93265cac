"""Details are what is left of a map without its local means; a mark keeps them, a blurred pose does not."""

import numpy as np
import pytest

from whyset.analysis.scores import Details, coherence, contrast_details
from whyset.errors import InputError


def test_a_plane_has_no_details_inside_and_a_point_keeps_all_but_its_share_of_the_window() -> None:
    rows, columns = np.mgrid[:12, :9].astype(float)
    plane, point = 2 * rows - 3 * columns, np.zeros((12, 9))
    point[6, 4] = 1
    found = Details((12, 9))(np.stack([plane, point]).reshape(2, -1)).reshape(2, 12, 9)
    np.testing.assert_allclose(found[0, 2:-2, 2:-2], 0, atol=1e-12)
    assert found[1, 6, 4] == pytest.approx(1 - 1 / 25)
    np.testing.assert_allclose(found[1].sum(), 0, atol=1e-12)


def test_rows_without_places_are_unchanged() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 6))
    for shape in (None, (6,)):
        np.testing.assert_array_equal(Details(shape)(rows), rows)


def test_the_contrast_is_the_coherence_inside_and_outside() -> None:
    details = np.random.default_rng(1).normal(size=(20, 7))
    inside = np.arange(20) < 8
    assert contrast_details(details, inside) == (coherence(details[:8]), coherence(details[8:]))
    assert contrast_details(details, np.arange(20) < 1)[0] is None


def test_a_window_of_one_cell_would_leave_nothing_and_is_refused() -> None:
    with pytest.raises(InputError, match="window"):
        Details(window=1)

"""An exponential over a sum is a softmax if each element is a part of the sum that it meets."""

import pytest
import torch

from whyset.attribution.intercept.exponentials import Exponential, Held, Terms, has_own_sum, sum_of_own

E = torch.arange(1.0, 10.0, dtype=torch.float64).view(1, 3, 3)
PATHS = {
    "columns": ((lambda t: t.mT, lambda t: t.sum(2), lambda t: t[:, None]), True),
    "rows without their dimension": ((lambda t: t.sum(2), lambda t: t[:, None]), False),
    "rows": ((lambda t: t.mean(2), lambda t: t[..., None]), True),
    "everything": ((lambda t: t.flatten(1), lambda t: t.sum(1), lambda t: t[:, None, None]), True),
    "expanded": ((lambda t: t.sum(2, keepdim=True), lambda t: t.expand(1, 3, 3)), True),
    "of other elements": ((lambda t: t.flip(1), lambda t: t.sum(2, keepdim=True)), False),
}


@pytest.mark.parametrize("name", PATHS)
def test_elements_meet_their_own_sum_or_another_one(name):
    path, expected = PATHS[name]
    exponential = Exponential(Held(E.log()), 0)
    terms = Terms(exponential, Held(E), 1, path)
    assert has_own_sum(terms, exponential, 1) == expected
    assert not has_own_sum(terms, exponential, 2)  # another exponential


def test_sums_of_own_elements_are_those_of_the_group():
    path, _ = PATHS["columns"]
    exponential = Exponential(Held(E.log()), 0)
    found = sum_of_own(Terms(exponential, Held(E), 1, path), exponential, E)
    torch.testing.assert_close(found, E.sum(1, keepdim=True).expand_as(E))

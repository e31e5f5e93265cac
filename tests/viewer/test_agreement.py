"""The numbers of agreement that the browser's tests hold are scikit-learn's."""

import json
from pathlib import Path

import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

CASES = json.loads((Path(__file__).parents[2] / "web" / "tests" / "agreement.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_expected_numbers_are_scikit_learns(case: dict) -> None:
    left, right = case["left"], case["right"]
    assert case["adjusted_rand"] == pytest.approx(adjusted_rand_score(left, right), abs=1e-12)
    assert case["information"] == pytest.approx(normalized_mutual_info_score(left, right), abs=1e-12)

"""What counts as enriched: a q-value below 0.05, as everywhere."""

import pytest

from whyset.report.enrichment import name_enriched
from whyset.report.numbers import SIGNIFICANT
from whyset.store.evidence import EnrichmentTest


@pytest.mark.parametrize(("q_value", "named"), [(0.0499, 1), (0.05, 0), (0.0501, 0)])
def test_only_a_q_value_below_the_level_is_named(q_value: float, named: int) -> None:
    test = EnrichmentTest("mark", "yes", 3, 4, 1, 4, 0.01, q_value)
    assert len(name_enriched([test], ())) == named
    assert SIGNIFICANT == 0.05

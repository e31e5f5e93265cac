"""What counts as enriched: a q-value below 0.05, as everywhere."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import fisher_exact

from whyset.report.enrichment import find_enriched, name_enriched
from whyset.report.numbers import SIGNIFICANT
from whyset.store.evidence import EnrichmentTest


@pytest.mark.parametrize(("q_value", "named"), [(0.0499, 1), (0.05, 0), (0.0501, 0)])
def test_only_a_q_value_below_the_level_is_named(q_value: float, named: int) -> None:
    test = EnrichmentTest("mark", "yes", 3, 4, 1, 4, 0.01, q_value)
    assert len(name_enriched([test], ())) == named
    assert SIGNIFICANT == 0.05


def test_further_attributes_are_tested_among_samples_however_many_explanations_they_have() -> None:
    samples, targets = 24, 3
    index = np.arange(samples * targets)
    clusters = (index // targets % 2).astype(np.int32)  # all three explanations of a sample in one cluster
    clusters[0] = 1  # but one of sample 0, which is thus inside of both
    columns = {"index": index, "clustering.kmeans": clusters}
    evidence = SimpleNamespace(default_clustering="kmeans")
    category = SimpleNamespace(evidence=evidence, columns=columns, column=columns.__getitem__)
    mark = np.where(np.arange(samples) % 2 == 1, "yes", "no")
    mark[[3, 5]] = "no"
    slight = np.where(np.arange(samples) < 5, "a", "b")  # 3 of 12 and 2 of 12: nothing
    attributes = {"mark": np.repeat(mark, targets), "slight": np.repeat(slight, targets)}
    found = find_enriched(category, attributes, targets_per_sample=targets)
    (inside_0, inside_1) = ([one for one in found[cluster] if one.attribute == "mark"] for cluster in (0, 1))
    assert [(one.value, one.inside, one.n_inside, one.outside, one.n_outside) for one in inside_0] == [
        ("no", 12, 12, 2, 12)
    ]
    assert [(one.value, one.inside, one.n_inside, one.outside, one.n_outside) for one in inside_1] == [
        ("yes", 10, 13, 0, 11)
    ]
    assert "yes: 10 of 13 samples, elsewhere 0 of 11 (" in str(inside_1[0])
    least = fisher_exact([[10, 3], [0, 11]], "greater").pvalue
    assert inside_1[0].q_value >= least
    assert not any(one.attribute == "slight" for each in found.values() for one in each)

"""Which samples get the evidence of which carriers."""

from dataclasses import replace

import numpy as np
import pytest

from whyset.fixing.training import Transplants


@pytest.mark.parametrize("hosts", ["all", "others"])
def test_evidence_of_carriers_gets_into_other_samples_only(toy, hosts):
    seen = []

    def insert(sources, into, x):
        seen.append((sources, into))
        return toy.task.insert(sources, into, x)

    Transplants(share=0.5, hosts=hosts, epochs=2).apply(replace(toy.task, insert=insert))
    sources, into = (np.concatenate(each) for each in zip(*seen, strict=True))
    assert set(sources) <= set(toy.task.carriers)
    assert not set(into) & set(toy.task.carriers)
    assert (0 in toy.task.labels[into]) == (hosts == "all")
    possible = 2 * (360 - 48 if hosts == "all" else 240)
    assert abs(len(into) / possible - 0.5) < 4 * np.sqrt(0.25 / possible)

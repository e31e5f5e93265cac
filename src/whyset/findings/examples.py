"""Examples of a finding: the evidence of its samples in hosts that it turns, as the model saw them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from whyset.effects.class_job import ClassRows, ClassTester, Insertions
from whyset.effects.log_odds import LogOdds
from whyset.findings.places import find_bounds
from whyset.interventions import Intervention
from whyset.store.findings.records import FoundExample
from whyset.store.layout import INPUT

_HOSTS = 4
"""Hosts of each sample that are looked at for an example."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples of one finding: records, whose `index` counts from 0, and the changed hosts in their stored form."""

    records: tuple[FoundExample, ...]
    inputs: tuple[NDArray[Any], ...]

    def shifted(self, by: int) -> tuple[FoundExample, ...]:
        """Return the records with their places in an array that has `by` other examples before them."""
        return tuple(one if one.index < 0 else replace(one, index=one.index + by) for one in self.records)


def make_examples(
    tester: ClassTester, group: ClassRows, intervention: Intervention, rows: NDArray[np.int64]
) -> Examples:
    """Make an example of each of these rows: a host that its evidence turns, if one of the first four does."""
    records: list[FoundExample] = []
    inputs: list[NDArray[Any]] = []
    for found in tester.insert(group, intervention, rows, min(_HOSTS, tester.test.n_hosts)):
        for place in range(len(found.rows)):
            host = _choose_host(found, place, group.label)
            changed = None if found.changed is None else _store(tester, found.changed[host])
            index = -1 if changed is None else len(inputs)
            records.append(_record(tester, group.label, intervention, found, place, host, index))
            inputs += [] if changed is None else [changed]
    return Examples(tuple(records), tuple(inputs))


def _choose_host(found: Insertions, place: int, label: int) -> int:
    """Return the first host of a sample that turns, else its first one."""
    count: int = found.hosts.shape[1]
    own = slice(place * count, (place + 1) * count)
    turned = (found.after[own].argmax(1) == label) & (found.before[own].argmax(1) != label)
    first = int(turned.int().argmax())
    return place * count + first


def _store(tester: ClassTester, changed: Tensor) -> NDArray[Any] | None:
    """Return a changed host as the run stores its inputs; None if it does not."""
    if INPUT not in {spec.name for spec in tester.run.arrays}:
        return None
    stored: NDArray[Any] = tester.worker.reading.source.preprocessing.undo(changed.cpu())
    return stored


def _record(
    tester: ClassTester,
    label: int,
    intervention: Intervention,
    found: Insertions,
    place: int,
    host: int,
    index: int,
) -> FoundExample:
    wanted = tester.worker.job.wanted
    log_odds = LogOdds(wanted.kind, wanted.output)
    both = (found.before[host : host + 1], found.after[host : host + 1])
    before, after = (float(log_odds(scores, label).double().sigmoid()) for scores in both)
    return FoundExample(
        row=int(found.rows[place]),
        host_row=int(found.hosts.ravel()[host]) * tester.run.config.targets_per_sample,
        index=index,
        region=find_bounds(intervention, found.evidence[[place]], found.x[:1]),
        before=int(found.before[host].argmax()),
        after=int(found.after[host].argmax()),
        probability_before=before,
        probability_after=after,
    )

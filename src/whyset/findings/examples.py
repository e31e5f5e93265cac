"""Examples of a finding: the evidence of its samples in hosts that it turns, as the model saw them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from whyset.effects.class_job import ClassRows, ClassTester, Insertion
from whyset.effects.log_odds import LogOdds
from whyset.findings.places import Bounds, find_bounds
from whyset.interventions import Intervention
from whyset.store.effects import FreshTrials
from whyset.store.findings.records import FoundExample

_HOSTS = 4
"""Hosts of each sample that are looked at for examples."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples of one finding: records, whose `index` counts from 0, and the changed hosts in their stored form."""

    records: tuple[FoundExample, ...]
    inputs: tuple[NDArray[Any], ...]

    def shifted(self, by: int) -> tuple[FoundExample, ...]:
        """Return the records with their places in an array that has `by` other examples before them."""
        return tuple(one if one.index < 0 else replace(one, index=one.index + by) for one in self.records)


def make_examples(
    tester: ClassTester, group: ClassRows, intervention: Intervention, trials: FreshTrials, count: int
) -> Examples:
    """Make examples of the samples whose evidence turns most hosts, at most one host of each."""
    shares = np.asarray(trials.turned) / np.maximum(trials.hosts, 1)
    records: list[FoundExample] = []
    inputs: list[NDArray[Any]] = []
    for place in np.argsort(-shares, kind="stable")[:count]:
        row = trials.rows[place]
        found = tester.insert(group, intervention, row, min(_HOSTS, tester.test.n_hosts))
        host = _choose_host(found, group.label)
        changed = None if found.changed is None else _store(tester, found.changed[host])
        bounds = find_example_bounds(tester, intervention, found)
        records.append(_record(tester, group, row, found, host, len(inputs) if changed is not None else -1, bounds))
        inputs += [] if changed is None else [changed]
    return Examples(tuple(records), tuple(inputs))


def find_example_bounds(tester: ClassTester, intervention: Intervention, found: Insertion) -> Bounds | None:
    return find_bounds(intervention, found.evidence, tester.pool.x[:1])


def list_bounds(
    tester: ClassTester, group: ClassRows, intervention: Intervention, rows: Sequence[int]
) -> Iterator[Bounds | None]:
    """Yield the bounds of the evidence of rows."""
    for row in rows:
        yield find_example_bounds(tester, intervention, tester.insert(group, intervention, row, 1))


def _choose_host(found: Insertion, label: int) -> int:
    """Return the first host that turns, else the first one."""
    turned = (found.after.argmax(1) == label) & (found.before.argmax(1) != label)
    return int(turned.int().argmax())


def _store(tester: ClassTester, changed: Tensor) -> NDArray[Any] | None:
    if "input" not in {spec.name for spec in tester.run.arrays}:
        return None
    stored: NDArray[Any] = tester.worker.reading.source.preprocessing.undo(changed.cpu())
    return stored


def _record(
    tester: ClassTester, group: ClassRows, row: int, found: Insertion, host: int, index: int, bounds: Bounds | None
) -> FoundExample:
    wanted = tester.worker.job.wanted
    log_odds = LogOdds(wanted.kind, wanted.output)
    before, after = (
        float(log_odds(scores[host : host + 1], group.label).double().sigmoid())
        for scores in (found.before, found.after)
    )
    return FoundExample(
        row=int(row),
        host_row=int(found.hosts[host]) * tester.run.config.targets_per_sample,
        index=index,
        region=bounds,
        before=int(found.before[host].argmax()),
        after=int(found.after[host].argmax()),
        probability_before=before,
        probability_after=after,
    )

"""Trials: evidence of samples inserted into hosts or removed, and what the model then predicts."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.effects.host_pool import HostChoice, HostPool
from whyset.effects.log_odds import LogOdds
from whyset.interventions import Evidence, Fill, Intervention
from whyset.store.effects import FreshTrials, SelectionTrials

T = TypeVar("T", SelectionTrials, FreshTrials)

_DIGITS = 4
"""Decimals of stored changes of log-odds."""


@dataclass(frozen=True, eq=False)
class Inserted:
    """Results of insertions for each sample (n,): the hosts with room for the evidence, those that turned, and the mean
    change of the log-odds.
    """

    hosts: NDArray[np.int64]
    turned: NDArray[np.int64]
    log_odds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials with the samples of one class.

    A host turns if the class is predicted with the evidence, and another class was predicted without; so a host that is
    already predicted as the class never turns, and counts as a host.
    """

    model: nn.Module
    log_odds: LogOdds
    pool: HostPool
    choice: HostChoice
    label: int
    seed: int

    def select(
        self,
        intervention: Intervention,
        x: Tensor,
        evidence: Evidence,
        samples: NDArray[np.int64],
        count: int | None = None,
    ) -> SelectionTrials:
        """Insert the evidence into the hosts that select candidates, or the first `count`; the caller sets rows."""
        found = self.insert(intervention, x, evidence, self.choice.for_selection(samples, count))
        return SelectionTrials((), *_to_columns(found))

    def measure(
        self,
        intervention: Intervention,
        fill: Fill,
        x: Tensor,
        evidence: Evidence,
        samples: NDArray[np.int64],
        n_hosts: int,
    ) -> FreshTrials:
        """Insert the evidence and its null into the same fresh hosts, and remove both; rows are set by the caller."""
        hosts, null = self.choice.fresh(samples, n_hosts), self.make_null(intervention, x, evidence, samples)
        found, of_null = (self.insert(intervention, x, one, hosts) for one in (evidence, null))
        before = self.model(x).float()
        filling = self.pool.x[self.pool.find(self.choice.for_removal(samples))]
        fits = intervention.fits(evidence, filling) & intervention.fits(null, filling)
        predicted = self._predicts(before) & fits
        removed, removal = self._remove(intervention, fill, x, evidence, filling, before, fits)
        null_removed = None
        if not intervention.null_needs_others:
            still = self._remove(intervention, fill, x, null, filling, before, fits)[0] & predicted
            null_removed = tuple(still.tolist())
        _, null_turned, null_log_odds = _to_columns(of_null)
        return FreshTrials(
            (),
            *_to_columns(found),
            null_turned=null_turned,
            null_log_odds=null_log_odds,
            predicted=tuple(predicted.tolist()),
            removed=tuple((removed & predicted).tolist()),
            removal_log_odds=_round(removal.double().cpu().numpy()),
            null_removed=null_removed,
        )

    def make_null(
        self, intervention: Intervention, x: Tensor, evidence: Evidence, samples: NDArray[np.int64]
    ) -> Evidence:
        """Return the null, with seeds of the samples."""
        if intervention.null_needs_others:
            return intervention.null(x, evidence, others=self.pool.x[self.pool.find(self.choice.for_null(samples))])
        seeds = [int(np.random.SeedSequence([self.seed, int(one)]).generate_state(1)[0]) for one in samples]
        return intervention.null(x, evidence, seeds=seeds)

    def insert(self, intervention: Intervention, x: Tensor, evidence: Evidence, hosts: NDArray[np.int64]) -> Inserted:
        """Insert the evidence of each sample into its hosts (n, count)."""
        count = len(hosts)
        rows = torch.arange(count, device=x.device).repeat_interleave(hosts.shape[1])
        places = self.pool.find(hosts.ravel())
        kept = torch.nonzero(intervention.fits(evidence[rows], self.pool.x[places])).flatten()
        rows, places = rows[kept], places[kept]
        of_sample = rows.cpu().numpy()
        if len(of_sample) == 0:
            return Inserted(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count))
        after = intervention.insert_output(self.model, x[rows], evidence[rows], self.pool.x[places]).float()
        before = self.pool.scores[places]
        turned = (self._predicts(after) & ~self._predicts(before)).cpu().numpy()
        change = (self.log_odds(after, self.label) - self.log_odds(before, self.label)).double().cpu().numpy()
        n_hosts = np.bincount(of_sample, minlength=count)
        return Inserted(
            n_hosts,
            np.bincount(of_sample, turned, count).astype(np.int64),
            np.bincount(of_sample, change, count) / np.maximum(n_hosts, 1),
        )

    def _remove(
        self,
        intervention: Intervention,
        fill: Fill,
        x: Tensor,
        evidence: Evidence,
        filling: Tensor,
        before: Tensor,
        fits: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return whether the class is no longer predicted without the evidence, (n,), and the change of log-odds."""
        after = before.clone()
        rows = torch.nonzero(fits).flatten()
        if len(rows):
            after[rows] = intervention.remove_output(self.model, x[rows], evidence[rows], fill, filling[rows]).float()
        return ~self._predicts(after), self.log_odds(after, self.label) - self.log_odds(before, self.label)

    def _predicts(self, scores: Tensor) -> Tensor:
        return scores.argmax(1) == self.label


def join_trials(rows: Iterable[int], parts: Iterable[T], kind: type[T]) -> T:
    """Join the trials of several batches, with the rows of all of their samples."""
    found = list(parts)
    parts_of = {part.name: [getattr(one, part.name) for one in found] for part in fields(kind) if part.name != "rows"}
    columns: dict[str, Any] = {
        name: None if None in several else tuple(value for column in several for value in column)
        for name, several in parts_of.items()
    }
    return kind(rows=tuple(int(row) for row in rows), **columns)


def _to_columns(found: Inserted) -> tuple[Any, Any, Any]:
    return tuple(found.hosts.tolist()), tuple(found.turned.tolist()), _round(found.log_odds)


def _round(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((np.round(values, _DIGITS) + 0.0).tolist())

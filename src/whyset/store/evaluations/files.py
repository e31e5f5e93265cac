"""The files of evaluations in a run: one folder for each, `evaluation.json`, and one sealed file for each metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from whyset.arguments import name_unknown
from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.printable import printable
from whyset.store.commits import hash_commits
from whyset.store.evaluations.codec import samples_from_json, values_from_json
from whyset.store.evaluations.records import EVALUATION_SCHEMA, EvaluatedSamples, MetricValues
from whyset.store.evaluations.table import make_table
from whyset.store.layout import EVALUATIONS, list_records, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import digest_json, read_sealed
from whyset.store.summary_table import make_summary_table

HEAD = "evaluation.json"
MISSING = "it is not finished; evaluate again"
OUTDATED = "it was measured on other samples than the rest of this evaluation; evaluate again"
OTHER_COMMITS = "it was measured on other commits of the run than the rest of this evaluation; evaluate again"
UNFINISHED_KINDS = {MISSING: "unfinished", OUTDATED: "outdated", OTHER_COMMITS: "outdated"}


@dataclass(frozen=True)
class ListedMetric:
    """A metric that an evaluation lists: its id, which names its file, and its description for users."""

    id: str
    text: str

    @classmethod
    def of(cls, form: Mapping[str, Any], text: str) -> "ListedMetric":
        """Return the entry of a metric with this stored form; equal metrics have equal ids.

        >>> ListedMetric.of({"name": "sparseness", "fields": {}}, "sparseness").id
        'sparseness-ea856edb'
        """
        return cls(safe_name(f"{form['name']}-{digest_json(form).partition(':')[2][:8]}", "metric"), text)


@dataclass(frozen=True)
class StoredMetric:
    """A metric of an evaluation as it is read; `problem` states why it is not known, or is None."""

    id: str
    text: str
    values: MetricValues | None = None
    problem: str | None = None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """An evaluation of the explanations of a run: metrics of some of its samples.

    Examples
    --------
    >>> from whyset import open_run
    >>> open_run("runs/small").evaluation().table.column_names[:3]    # doctest: +SKIP
    ['metric', 'title', 'better']
    """

    run: AnyPath
    name: str
    samples: EvaluatedSamples
    listed: tuple[ListedMetric, ...]
    config_hash: str
    data: str

    def __repr__(self) -> str:
        what = f"{len(self.listed):,} metrics of {len(self.samples.rows):,} samples"
        return printable(f"<evaluation {self.name!r} of {self.run}: {what}>", keep="")

    def _repr_html_(self) -> str:
        """The table that notebooks show: the mean of each metric with its interval."""
        facts = [(one.text, _describe(one)) for one in self.metrics]
        return make_summary_table(f"Evaluation {self.name} of {self.run}", facts)

    @property
    def path(self) -> AnyPath:
        return self.run / EVALUATIONS / self.name

    @cached_property
    def metrics(self) -> list[StoredMetric]:
        """The metrics in order; an unfinished or damaged one, or one that was not measured, has a `problem`."""
        return [self._read(one) for one in self.listed]

    @property
    def table(self) -> pa.Table:
        """Table with one line for each metric that is finished; see `whyset.store.evaluations.table`."""
        return make_table([(one.text, one.values) for one in self.metrics if one.values is not None])

    @property
    def outdated(self) -> bool:
        """True if the run has other commits now than those that were evaluated."""
        return self.data != hash_commits(self.run)

    def get_metric(self, key: str) -> StoredMetric:
        """Return the metric of this id, name or description; InputError: there is none, or several."""
        found = [one for one in self.listed if key in (one.id, one.text, one.id.rpartition("-")[0])]
        if len(found) == 1:
            return self._read(found[0])
        if found:
            raise InputError(f"evaluation {self.name!r} has several metrics {key!r}: {_join(found)}")
        raise name_unknown(f"metric of evaluation {self.name!r}", key, [one.text for one in self.listed])

    def _read(self, listed: ListedMetric) -> StoredMetric:
        file = self.path / f"{listed.id}.json"
        if not file.is_file():
            return StoredMetric(listed.id, listed.text, problem=MISSING)
        try:
            return read_metric(file, listed, self.config_hash, self.data, len(self.samples.rows))
        except BrokenRunError as error:
            return StoredMetric(listed.id, listed.text, problem=f"{error}; {advise_again(self.run, self.name)}")


def _describe(metric: StoredMetric) -> str:
    if metric.problem is not None or metric.values is None:
        return metric.problem or MISSING
    mean = metric.values.mean
    if mean is None:
        return "not defined for any sample"
    interval = "" if mean.interval is None else f" [{mean.interval[0]:.3g}, {mean.interval[1]:.3g}]"
    return f"{mean.value:.3g}{interval}"


def _join(metrics: Sequence[ListedMetric]) -> str:
    return ", ".join(f"{one.text} ({one.id})" for one in metrics)


def read_metric(file: AnyPath, listed: ListedMetric, config_hash: str, data: str, n_samples: int) -> StoredMetric:
    """Read a metric; BrokenRunError if the file is damaged. An outdated one has a problem."""
    stored = read_sealed(file, EVALUATION_SCHEMA)
    if stored.get("id") != listed.id:
        raise BrokenRunError(f"{file} is damaged: expected the metric {listed.id!r}, got {stored.get('id')!r}")
    if stored.get("config_hash") != config_hash:
        return StoredMetric(listed.id, listed.text, problem=OUTDATED)
    if stored.get("data") != data:
        return StoredMetric(listed.id, listed.text, problem=OTHER_COMMITS)
    try:
        values = values_from_json(stored.get("values"), n_samples)
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}") from error
    return StoredMetric(listed.id, listed.text, values, values.problem)


def list_evaluations(run: AnyPath) -> list[str]:
    """List the names of the evaluations of a run."""
    return list_records(run / EVALUATIONS, HEAD)


def open_evaluation(run: AnyPath, name: str = "evaluation", n_rows: int | None = None) -> Evaluation:
    """Open an evaluation of a run.

    InputError: it does not exist, or a newer whyset wrote it. BrokenRunError: evaluation.json is damaged.
    """
    file = run / EVALUATIONS / safe_name(name, "evaluation") / HEAD
    if not file.is_file():
        raise InputError(
            f"{run} has no evaluation {name!r}; it has {', '.join(list_evaluations(run)) or 'none yet'}: "
            f"{command('evaluate', run)} makes one"
        )
    advice = advise_again(run, name)
    stored = read_sealed(file, EVALUATION_SCHEMA, advice)
    try:
        listed = tuple(ListedMetric(safe_name(one["id"], "metric"), str(one["text"])) for one in stored["metrics"])
        samples = samples_from_json(stored["samples"], n_rows)
        return Evaluation(run, name, samples, listed, str(stored["config_hash"]), str(stored["data"]))
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}; {advice}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BrokenRunError(f"{file} is damaged: {error!r}; {advice}") from error


def advise_again(run: AnyPath, name: str = "evaluation") -> str:
    """Return the advice for a damaged evaluation."""
    return f"evaluate again: {command('evaluate', run, name=name)} with the same options"

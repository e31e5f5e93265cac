"""The table of methods and metrics: means, the best method of each metric, mean curves, and agreement of metrics."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from whyset.analysis.scores.paired import MethodRanking, correlate_ranks, rank_methods
from whyset.command import command
from whyset.report.next_commands import describe_part, has_model, needs_objects
from whyset.report.provenance import describe_method
from whyset.store.evaluations import Evaluation, MetricValues, StoredMetric
from whyset.store.evaluations.files import MISSING
from whyset.store.remote import AnyPath
from whyset.viewer.evaluated_runs import (
    DEFAULT,
    OTHER_DATA,
    RunCandidate,
    choose_name,
    compare_weights,
    find_unopened,
    list_compared,
    read_candidates,
)
from whyset.viewer.method_schemas import (
    ComparedMetric,
    EvaluatedRun,
    MethodCurve,
    MethodTable,
    MetricAgreement,
    MetricCell,
)
from whyset.viewer.run_registry import LoadedRun, RunHandle

CONFIDENCE = 0.95
OBJECTS = (
    "In {} of {} runs, the model or the data were objects in Python: there, the command measures only metrics that "
    "need neither. For the others, call `whyset.evaluate` with model and dataset."
)
Evaluations = Mapping[str, tuple[LoadedRun, Evaluation]]
Known = Mapping[str, Mapping[str, StoredMetric]]
"""The metrics of each run, by the ids of runs and metrics."""


def make_table(
    first: LoadedRun, others: Sequence[LoadedRun], handles: Mapping[str, RunHandle], name: str | None
) -> MethodTable:
    """Compare the methods of runs on the samples of one evaluation; `handles` are all runs that are open."""
    runs = (first, *others)
    known = list(dict.fromkeys(each for opened in runs for each in opened.run.evaluation_names))
    chosen = choose_name(known, name)
    candidates = read_candidates(first, others, chosen or DEFAULT)
    compared = list_compared(candidates)
    stored: Known = {id: {one.id: one for one in evaluation.metrics} for id, (_, evaluation) in compared.items()}
    metrics, ranked = [], {}
    for metric in dict.fromkeys(one for of_run in stored.values() for one in of_run):
        measured = find_measured(stored, metric)
        ranking = rank_metric(measured, get_seed(compared))
        metrics.append(_make_metric(metric, stored, measured, ranking))
        if ranking is not None and ranking.better is not None and len(ranking.means) > 1:
            sign = 1 if ranking.better == "higher" else -1
            ranked[metric] = {id: sign * mean for id, mean in ranking.means.items()}
    paths = [opened.run.path for opened in runs]
    further = _find_further(first, compared, [handle.path for handle in handles.values()])
    return MethodTable(
        name=chosen,
        evaluations=known,
        n_samples=len(next(iter(compared.values()))[1].samples.rows) if compared else 0,
        runs=[_describe_run(one, handles[one.opened.id].name) for one in candidates],
        metrics=metrics,
        agreement=MetricAgreement(
            metrics=list(ranked), taus=correlate_ranks(list(ranked.values())), n_methods=len(compared)
        ),
        notices=_list_notices(candidates, compared),
        command=_write_command(candidates, chosen, compared, stored),
        unopened=[path.name for path in further],
        view_command=command("view", *paths, *further),
    )


def find_measured(stored: Known, metric: str) -> dict[str, MetricValues]:
    """Return the values of a metric, by the run, of the runs in which it was measured."""
    found = {id: of_run[metric] for id, of_run in stored.items() if metric in of_run}
    return {id: one.values for id, one in found.items() if one.values is not None and one.problem is None}


def rank_metric(measured: Mapping[str, MetricValues], seed: int) -> MethodRanking | None:
    """Rank runs by a metric, as `whyset.evaluate` does; None if it was measured in none."""
    if not measured:
        return None
    better = next(iter(measured.values())).better
    return rank_methods({id: values.array for id, values in measured.items()}, better, seed)


def get_seed(compared: Evaluations) -> int:
    """Return the seed of the evaluations, which is the same in all of them."""
    return next((evaluation.samples.seed for _, evaluation in compared.values()), 0)


def _list_missing(candidates: Sequence[RunCandidate]) -> list[RunCandidate]:
    """List the runs that an evaluation makes comparable: of the same data, not evaluated or outdated."""
    missing = [one for one in candidates if one.evaluation is None or one.evaluation.outdated]
    return [one for one in missing if one.reason != OTHER_DATA]


def _write_command(candidates: Sequence[RunCandidate], name: str | None, compared: Evaluations, stored: Known) -> str:
    """Write the command that evaluates the runs together; empty if there is nothing to evaluate.

    It has the metrics and the samples of the evaluation that is shown: with other samples, it would replace that.
    """
    if not _list_missing(candidates):
        return ""
    options: dict[str, object] = {} if name in (None, DEFAULT) else {"name": name}
    for _, evaluation in list(compared.values())[:1]:
        options |= {"n-samples": len(evaluation.samples.rows), "seed": evaluation.samples.seed}
        options |= {} if evaluation.samples.masks is None else {"masks": "MASKS.npy"}  # only their hash is stored
        options |= {"metric": _list_metrics(stored)}
    return command("evaluate", *(one.opened.run.path for one in candidates if one.reason != OTHER_DATA), **options)


def _list_metrics(stored: Known) -> list[str]:
    """List the metrics of all evaluations as on the command line, each once."""
    values = (one.values for of_run in stored.values() for one in of_run.values())
    return list(dict.fromkeys(describe_part(one.metric) for one in values if one is not None))


def _list_notices(candidates: Sequence[RunCandidate], compared: Evaluations) -> list[str]:
    """List what limits the comparison, and the command if it is shown."""
    notices = compare_weights(opened for opened, _ in compared.values())
    runs = [one.opened.run.config for one in candidates if one.reason != OTHER_DATA]
    n_objects = sum(has_model(config) and needs_objects(config) for config in runs)
    return [*notices, OBJECTS.format(n_objects, len(runs))] if n_objects and _list_missing(candidates) else notices


def _describe_run(candidate: RunCandidate, name: str) -> EvaluatedRun:
    opened = candidate.opened
    return EvaluatedRun(
        id=opened.id,
        name=name,
        method=describe_method(opened.run),
        compared=candidate.evaluation is not None,
        reason=candidate.reason,
        notices=candidate.notices,
    )


def _find_further(first: LoadedRun, compared: Evaluations, known: Iterable[AnyPath]) -> list[Path]:
    """Find evaluated runs that are not open in the folder of the run, or of the first one that is compared."""
    opened, evaluation = compared.get(first.id) or next(iter(compared.values()), (None, None))
    return [] if opened is None or evaluation is None else find_unopened(opened, evaluation, known)


def _make_metric(
    metric: str, stored: Known, measured: Mapping[str, MetricValues], ranking: MethodRanking | None
) -> ComparedMetric:
    listed = next(of_run[metric] for of_run in stored.values() if metric in of_run)
    known = next((one.values for of_run in stored.values() if (one := of_run.get(metric)) and one.values), None)
    return ComparedMetric(
        id=metric,
        text=listed.text,
        title=listed.text if known is None else known.title,
        better=None if known is None else known.better,
        n_common=0 if ranking is None else ranking.n_samples,
        cells=[_make_cell(id, of_run.get(metric), measured.get(id), ranking) for id, of_run in stored.items()],
    )


def _make_cell(
    id: str, stored: StoredMetric | None, values: MetricValues | None, ranking: MethodRanking | None
) -> MetricCell:
    problem = "it was not measured in this run" if stored is None else stored.problem
    mean = None if values is None else values.mean
    best = None if ranking is None or values is None else ranking.best
    pair = None if ranking is None or best is None or id == best else ranking.get_pair(best, id)
    is_close = pair is not None and not pair.is_significant
    return MetricCell(
        run=id,
        mean=None if mean is None else mean.value,
        interval=None if mean is None else mean.interval,
        n_samples=0 if mean is None else mean.n_samples,
        n_undefined=0 if values is None else values.n_undefined,
        problem=problem or (MISSING if values is None else None),
        mark="best" if best is not None and id == best else "close" if is_close else None,
        p=None if pair is None else pair.p_corrected,
        curve=None if values is None else _make_curve(values),
    )


def _make_curve(values: MetricValues) -> MethodCurve | None:
    curves = np.array([curve for curve in values.curves or () if curve is not None], np.float64)
    if values.fractions is None or not len(curves):
        return None
    count = len(curves)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = curves.mean(0)
        half = stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * curves.std(0, ddof=1) / count**0.5 if count > 1 else None
    if not np.isfinite(mean if half is None else mean + half).all():
        return None  # values of an extent that has no mean
    return MethodCurve(
        fractions=list(values.fractions),
        mean=mean.tolist(),
        low=None if half is None else (mean - half).tolist(),
        high=None if half is None else (mean + half).tolist(),
        n_samples=count,
    )

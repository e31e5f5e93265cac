"""`evaluate`: metrics of explanations of runs, stored in them, or of attributors."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyset.display import resolve_progress
from whyset.engines import Progress
from whyset.errors import InputError
from whyset.evaluation.attributor_material import open_given
from whyset.evaluation.config import EvaluateConfig
from whyset.evaluation.masks import hash_masks, read_masks
from whyset.evaluation.material import Material
from whyset.evaluation.measuring import describe_metric, describe_unmeasured, measure
from whyset.evaluation.metrics.metric import Metric
from whyset.evaluation.result import EvaluationResult
from whyset.evaluation.run_material import open_material
from whyset.evaluation.sampling import Numbers, draw_samples, hash_inputs, require_same_inputs
from whyset.options.documented import takes
from whyset.runner.explaining import finishing
from whyset.store import Run, open_run
from whyset.store.evaluations import EvaluatedSamples, EvaluationWriter, ListedMetric, MetricValues, open_writer
from whyset.store.remote import RemotePath


@takes(EvaluateConfig)
def evaluate(given: EvaluateConfig) -> EvaluationResult:
    """Measure how good explanations are, by metrics, and compare methods on the same samples.

    The relevance of a run is what it stores; further inputs are explained by its own method. The metrics are stored in
    the run, each as soon as it is finished, so that an interrupted evaluation continues. Of runs without a model, only
    metrics of the relevance maps are measured, and the others are listed with the reason.

    {parameters}

    Returns
    -------
    EvaluationResult
        The values of each sample, means with intervals, and comparisons.

    Raises
    ------
    InputError
        An argument does not fit, runs have different data, the model or the data are not those of a run
        (RunMismatchError), or a metric that was named cannot be measured.

    Examples
    --------
    >>> result = evaluate("runs/small", metrics=["sparseness"], n_samples=20, progress=False)
    >>> result.get_values("small", "sparseness").mean.n_samples
    20
    """
    said = resolve_progress(given.progress)
    return _evaluate_attributors(given, said) if given.has_attributors else _evaluate_runs(given, said)


def _evaluate_runs(given: EvaluateConfig, said: Progress) -> EvaluationResult:
    runs = [_open(one) for one in _list(given.explanations)]
    named = dict(zip(name_runs(runs), runs, strict=True))
    samples = draw_samples(runs, given.n_samples, given.seed)
    notices = [*require_same_inputs(runs, samples), *_compare_models(runs)]
    masks = read_masks(given.masks, runs[0].sample_count, samples)
    found = {name: _evaluate_run(name, run, samples, masks, given, said) for name, run in named.items()}
    return EvaluationResult(found, len(samples), given.seed, tuple(notices))


def _evaluate_run(
    name: str, run: Run, samples: Numbers, masks: Any, given: EvaluateConfig, said: Progress
) -> Mapping[str, MetricValues]:
    metrics = {ListedMetric.of(one.to_dict(), describe_metric(one)): one for one in given.chosen_metrics}
    rows = tuple((samples * run.config.targets_per_sample).tolist())
    evaluated = EvaluatedSamples(rows, given.seed, hash_inputs(run, samples), hash_masks(masks))
    origin = {"model": given.model, "dataset": given.dataset, "data": given.data, "device": given.device}
    with open_material(
        run, samples, given.seed, masks, given.batch_size, said, trust=given.trust, **origin
    ) as material:
        if given.is_explicit:
            _require_measurable(name, metrics.values(), material)
        material.require_fitting_masks()
        writer = open_writer(run.path, given.name, evaluated, list(metrics))
        if writer.replaces:
            said.info(
                f"{name}: evaluation {given.name!r} of other samples, masks or commits, or with another seed, is "
                "replaced; another name= (--name) would keep it."
            )
        return dict(_measure_all(name, metrics, material, given, said, writer))


def _evaluate_attributors(given: EvaluateConfig, said: Progress) -> EvaluationResult:
    metrics = {ListedMetric.of(one.to_dict(), describe_metric(one)): one for one in given.chosen_metrics}
    found = {}
    count = len(given.x) if given.x is not None else 0
    masks = read_masks(given.masks, count)
    with open_given(given.model, given.x, given.target, masks, given.seed, given.batch_size) as samples:
        for name, one in _name_methods(given.explanations).items():
            material = samples.open(name, one)
            if given.is_explicit:
                _require_measurable(name, metrics.values(), material)
            material.require_fitting_masks()
            found[name] = dict(_measure_all(name, metrics, material, given, said, None))
    return EvaluationResult(found, count, given.seed)


def _measure_all(
    name: str,
    metrics: Mapping[ListedMetric, Metric],
    material: Material,
    given: EvaluateConfig,
    said: Progress,
    writer: EvaluationWriter | None,
) -> Iterator[tuple[str, MetricValues]]:
    """Measure what is not finished yet, write each metric at once, and yield all by their description."""
    kept = {} if writer is None else {one: found for one in metrics if (found := writer.find(one)) is not None}
    if kept:
        said.info(f"{name}: {len(kept)} of {len(metrics)} metrics are finished already and kept.")
    said.start((len(metrics) - len(kept)) * material.count, "samples")
    with finishing(said):
        for listed, metric in metrics.items():
            found = kept.get(listed)
            if found is None:
                found = _measure(name, metric, material, given, said)
                if writer is not None:
                    writer.write(listed, found)
            yield listed.text, found


def _measure(name: str, metric: Metric, material: Material, given: EvaluateConfig, said: Progress) -> MetricValues:
    """Measure a metric; one that cannot be measured has a problem, unless it was named."""
    lack = material.find_lack(metric)
    if lack is None:
        try:
            return measure(metric, material, given.seed, said.advance)
        except InputError as error:
            if given.is_explicit:
                raise InputError(f"{name}, {describe_metric(metric)}: {error}") from error
            lack = str(error)
    return describe_unmeasured(metric, lack)


def _require_measurable(name: str, metrics: Any, material: Material) -> None:
    for metric in metrics:
        lack = material.find_lack(metric)
        if lack is not None:
            raise InputError(f"{name}: {describe_metric(metric)} cannot be measured: {lack}")


def _name_methods(given: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the methods by their names as texts; InputError: two names have the same text."""
    named = {str(name): one for name, one in given.items()}
    if len(named) < len(given):
        raise InputError(f"expected methods of different names, got {', '.join(map(repr, given))}")
    return named


def name_runs(runs: Sequence[Run]) -> list[str]:
    """Return the names of runs: those of their folders, or their whole paths if folders have equal names."""
    folders = [run.path.resolve() if isinstance(run.path, Path) else run.path for run in runs]
    repeated = next((run.path for run, folder in zip(runs, folders, strict=True) if folders.count(folder) > 1), None)
    if repeated is not None:
        raise InputError(f"the run {repeated} is given twice")
    names = [run.path.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def _list(given: Any) -> list[Any]:
    several = [given] if isinstance(given, str | Run) or not isinstance(given, Sequence) else list(given)
    if not several:
        raise InputError("expected one or more runs, or a mapping of names to attributors")
    return several


def _open(given: Any) -> Run:
    if not isinstance(given, str | Path | RemotePath | Run):
        raise InputError(f"expected a run, its folder or its URL, or a sequence of them, got {given!r:.80}")
    return (given if isinstance(given, Run) else open_run(given)).thoroughly()


def _compare_models(runs: Sequence[Run]) -> list[str]:
    """Return a notice if the runs explain different weights."""
    known = {run.config.weights_hash for run in runs if run.config.weights_hash}
    if len(known) < 2:
        return []
    return ["The runs explain models with different weights, so differences are not those of methods alone."]

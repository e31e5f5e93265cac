"""`tune`: the rules or the method for a network, chosen on some samples and compared with presets on others."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whyset.display import resolve_progress
from whyset.engines import Progress, get_engine
from whyset.errors import InputError
from whyset.evaluation.masks import hash_masks, read_masks
from whyset.evaluation.measuring import describe_metric
from whyset.evaluation.metrics import Metric
from whyset.evaluation.run_material import find_obstacle
from whyset.evaluation.sampling import draw_evenly, hash_inputs
from whyset.evaluation.tuning.candidates import CandidateMeter
from whyset.evaluation.tuning.config import LEAST, TuneConfig
from whyset.evaluation.tuning.held_out import compare_held_out
from whyset.evaluation.tuning.layers import list_linear_layers
from whyset.evaluation.tuning.samples import TuningSamples, find_distinct, read_samples
from whyset.options.documented import takes
from whyset.runner.explaining import explain, finishing
from whyset.runner.models import ModelSource, layers_hash
from whyset.runner.reopening import ReopenedRun, reopen
from whyset.runner.sources import SpreadSource
from whyset.runner.sources.source import get_structure
from whyset.runner.versions import versions
from whyset.store import DONE, Run
from whyset.store.layout import STATUS
from whyset.store.tunings import TunedOn, Tuning, TuningCandidate, open_journal, write_tuning


@takes(TuneConfig)
def tune(given: TuneConfig) -> Tuning:
    """Choose the rules or the method for a network by a metric, and compare it with the best preset on other samples.

    All presets are measured on the tuning samples, and then configurations of rules of LRP (`SPACE`), by a coordinate
    search from the best preset on: each parameter in turn takes all its values, and keeps the best. The best of these
    is compared with the best preset on held-out samples. It is recommended if it is significantly better there, and
    otherwise the preset is.

    {parameters}

    Returns
    -------
    Tuning
        The recommended method, all candidates, and the comparison on held-out samples, also by other metrics.

    Raises
    ------
    InputError
        An argument does not fit, there are too few samples, the metric cannot be measured, or `out` exists.

    Examples
    --------
    >>> from torch import nn, rand
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 6, 2))
    >>> result = tune(net, rand(40, 3, 8, 6), n_samples=8, n_held_out=8, n_candidates=2, progress=False)
    >>> len(result.tuned_on.held_out_samples)
    8
    """
    began, said = time.perf_counter(), resolve_progress(given.progress)
    with _open(given, said) as opened:
        metric = given.choose_metric(opened.tuning.x)
        _require_measurable(opened.tuning, metric)
        journal = open_journal(given.out_path, _describe(given, opened, metric))
        found = _measure_all(given, opened, metric, journal, said)
        record = _judge(given, opened, metric, found, said)
    record = replace(record, seconds=round(time.perf_counter() - began, 1))
    if given.out_path is not None:
        write_tuning(given.out_path, record)
        journal.remove()
    return record


@dataclass(frozen=True, eq=False)
class _Opened:
    """The run of the samples, with its model and data, and both parts of the samples."""

    run: Run
    reopened: ReopenedRun
    tuning: TuningSamples
    held_out: TuningSamples
    notices: tuple[str, ...]


@contextmanager
def _open(given: TuneConfig, said: Progress) -> Iterator[_Opened]:
    """Explain the samples by the plain gradient, which finds the classes to explain, and divide them."""
    with tempfile.TemporaryDirectory(prefix="whyset-tune-") as folder:
        count = given.n_samples + given.n_held_out
        options = given.get_options() | {"composite": "gradient", "limit": count, "record": "none", "progress": False}
        run = explain(given.model, given.dataset, Path(folder) / "run", **options)
        obstacle = find_obstacle(run)
        if obstacle is not None:
            raise InputError(f"this model cannot be tuned: {obstacle}")
        origin: dict[str, Any] = {"dataset": given.dataset} if run.config.origin.get("data") is None else {}
        origin |= {} if isinstance(given.model, ModelSource) else {"model": given.model}
        with reopen(run, get_engine("serial"), said, device=given.device, trust=True, **origin) as reopened:
            if get_structure(reopened.job.source) is not None:
                raise InputError("samples with several inputs are not tuned: metrics change a single input")
            yield _divide(given, run, reopened)


def _divide(given: TuneConfig, run: Run, reopened: ReopenedRun) -> _Opened:
    numbers, notices = np.flatnonzero(run.column(STATUS) == DONE), []
    _require_enough(len(numbers), "that can be explained")
    target = run.column("target").astype(np.int64)[numbers]
    samples = read_samples(
        reopened, numbers, target, _read_masks(given, reopened, numbers), given.seed, given.batch_size
    )
    distinct = find_distinct(samples.x)
    found, wanted = len(distinct), given.n_samples + given.n_held_out
    if found < len(numbers):
        _require_enough(found, "with different inputs")
        notices.append(
            f"{len(numbers) - found} of {len(numbers)} samples repeat the input of another and are left out."
        )
        samples = samples.select(distinct)
    n_tuning = given.n_samples
    if found < wanted:
        n_tuning = min(max(LEAST, round(found * given.n_samples / wanted)), found - LEAST)
        notices.append(f"There are {found} samples, so {n_tuning} are for tuning and {found - n_tuning} are held out.")
    drawn = draw_evenly(target[distinct], n_tuning, given.seed)
    rest = np.setdiff1d(np.arange(found), drawn)
    return _Opened(run, reopened, samples.select(drawn), samples.select(rest), tuple(notices))


def _require_enough(found: int, which: str) -> None:
    if found < 2 * LEAST:
        raise InputError(
            f"expected at least {2 * LEAST} samples, {LEAST} to tune and {LEAST} held out, got {found} {which}: give "
            "more data"
        )


def _read_masks(given: TuneConfig, reopened: ReopenedRun, numbers: Any) -> Any:
    """Return the masks of samples of the run, which are some of the data."""
    if given.masks is None:
        return None
    source: Any = reopened.job.source
    while not isinstance(source, SpreadSource) and hasattr(source, "whole"):
        source = source.whole
    if isinstance(source, SpreadSource):
        return read_masks(given.masks, len(source.whole), source.indices[numbers])
    return read_masks(given.masks, len(source), numbers)


def _require_measurable(samples: TuningSamples, metric: Metric) -> None:
    lack = samples.find_lack(metric)
    if lack is not None:
        raise InputError(f"metric {describe_metric(metric)} cannot be measured: {lack}")


def _describe(given: TuneConfig, opened: _Opened, metric: Metric) -> Any:
    """Return everything that the values of candidates depend on."""
    return {
        "weights": opened.run.config.weights_hash,
        "layers": layers_hash(opened.reopened.model),
        "inputs": hash_inputs(opened.run, np.arange(opened.run.sample_count)),
        "samples": opened.tuning.numbers.tolist(),
        "target": opened.tuning.target.tolist(),
        "masks": hash_masks(opened.tuning.masks),
        "metric": metric.to_dict(),
        "seed": given.seed,
        "versions": versions(),
        "device": str(opened.tuning.x.device),
    }


def _measure_all(
    given: TuneConfig, opened: _Opened, metric: Metric, journal: Any, said: Progress
) -> tuple[CandidateMeter, list[TuningCandidate]]:
    samples = opened.tuning
    layers = list_linear_layers(samples.model, samples.x[:1])
    presets = given.named_presets
    codec = opened.reopened.job.source.preprocessing
    said.start(len(presets) + given.n_candidates, "candidates")
    with finishing(said):
        more = (layers, journal, lambda _: said.advance(1))
        candidates = CandidateMeter(samples, metric, codec, opened.run.modality, *more)
        of_presets = candidates.measure_presets(presets)
        searched = candidates.search(of_presets, given.n_candidates)
    return candidates, [*of_presets, *searched]


def _judge(
    given: TuneConfig,
    opened: _Opened,
    metric: Metric,
    found: tuple[CandidateMeter, list[TuningCandidate]],
    said: Progress,
) -> Tuning:
    candidates, listed = found
    better: Any = metric.better
    presets = [one for one in listed if one.kind == "preset"]
    preset, tuned = _find_best(presets, better), _find_best(listed[len(presets) :], better)
    composite = _find_best([one for one in presets if candidates.has_rules(one)], better)
    if preset is None:
        raise InputError("no preset is defined for all samples for which others are: give other presets, or a metric")
    said.info("comparing the best preset with the best searched candidate on held-out samples")
    metrics = (metric, *(one for one in given.others if one != metric))
    compared = compare_held_out(opened.held_out, metrics, candidates.find(tuned), candidates.methods[preset.name])
    against = compared[0] if composite == preset else None
    if tuned is not None and composite is not None and composite != preset:
        of_both = candidates.methods[tuned.name], candidates.methods[composite.name]
        (against,) = compare_held_out(opened.held_out, (metric,), *of_both)
    wins = tuned is not None and compared[0].verdict == "better"
    return Tuning(
        metric=metric.to_dict(),
        title=describe_metric(metric),
        better=better,
        candidates=tuple(listed),
        preset=preset.name,
        tuned=None if tuned is None else tuned.name,
        chosen=tuned.name if wins and tuned is not None else preset.name,
        held_out=compared,
        tuned_on=_describe_samples(given, opened),
        composite=None if composite is None else composite.name,
        against_composite=None if tuned is None else against,
        notices=(*opened.notices, *_compare_with_random(compared[0])),
    )


def _find_best(listed: Sequence[TuningCandidate], better: str) -> TuningCandidate | None:
    sign = 1 if better == "higher" else -1
    known = [one for one in listed if one.value is not None]
    return max(known, key=lambda one: sign * (one.value or 0.0), default=None)


def _compare_with_random(first: Any) -> Iterator[str]:
    """Yield a notice if random relevance is at least as good as the best preset."""
    if first.random is None or first.preset is None:
        return
    sign = 1 if first.better == "higher" else -1
    if sign * (first.random.value - first.preset.value) >= 0:
        yield (
            f"Random relevance is as good as the best preset by {first.title} on held-out samples "
            f"({first.random.value:.3g} and {first.preset.value:.3g}), so the metric does not show what the model uses."
        )


def _describe_samples(given: TuneConfig, opened: _Opened) -> TunedOn:
    config, ids = opened.run.config, opened.run.ids
    tuning, held_out = (
        tuple(str(ids[number]) for number in samples.numbers.tolist()) for samples in (opened.tuning, opened.held_out)
    )
    return TunedOn(
        model=config.model,
        weights_hash=str(config.weights_hash),
        layers_hash=layers_hash(opened.reopened.model),
        data=config.dataset_fingerprint,
        target=str(config.target),
        modality=opened.run.modality,
        tuning_samples=tuning,
        held_out_samples=held_out,
        inputs_hash=hash_inputs(opened.run, np.arange(opened.run.sample_count)),
        seed=given.seed,
        versions=versions(),
    )

"""`explain`: every prediction of a model over a data set, as a run folder that can be continued."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import partial

import torch

from whyset.display import resolve_progress
from whyset.engines import Engine, Local, Progress, Static, get_engine
from whyset.errors import InputError, JobStoppedError
from whyset.options.documented import takes
from whyset.runner.activity import Activity, StallReport, watching
from whyset.runner.default_composite import choose_composite
from whyset.runner.devices import on_device, one_worker_per_gpu, place, placement, usable_device
from whyset.runner.evaluation_mode import evaluating
from whyset.runner.explain_config import ExplainConfig
from whyset.runner.fitting import fit_method, keep_method
from whyset.runner.gate import Gate, name_cause
from whyset.runner.input_codecs import note_unused
from whyset.runner.job import Job, name_sample, set_up
from whyset.runner.made_here import explain_missing_mark, has_mark, names_model_file
from whyset.runner.models import LoadedModel, ModelSource, layers_hash
from whyset.runner.output_kinds import Located
from whyset.runner.output_spec import OutputSpec
from whyset.runner.plan import RunPlan
from whyset.runner.prefetch import Prefetcher
from whyset.runner.probe import read_some
from whyset.runner.same_inputs import require_same_inputs
from whyset.runner.same_outputs import require_same_outputs
from whyset.runner.shard import ShardReport, explain_shard
from whyset.runner.shard_duration import seconds_per_row
from whyset.runner.shard_writer import ShardWriter
from whyset.runner.sources import DatasetSource, Source
from whyset.runner.sources.source import get_explained
from whyset.runner.sources.structured import get_given
from whyset.runner.structure_check import check_structure
from whyset.runner.structured_model import with_structure
from whyset.runner.summary import Summary
from whyset.store import Run, RunConfig, open_run
from whyset.store.config import require_same_config
from whyset.store.jsonfile import JSON
from whyset.store.layout import is_run
from whyset.store.rank_lease import RankLease, run_lease
from whyset.store.remote import AnyPath, as_path

STATE_PREPROCESSING = (
    "stop it, and state the preprocessing (preprocessing=): then images are not read before the first is explained"
)


@takes(ExplainConfig)
def explain(request: ExplainConfig) -> Run:
    """Explain every sample of a data set, and write the explanations into a run.

    Called again with the same arguments it continues where it was interrupted, or does nothing. A sample that fails is
    recorded (`run.failures`) and the others are explained; a shard that could not be computed stays uncommitted
    (`run.committed`). docs/modalities.md describes images, volumes, series, tables and texts.

    {parameters}

    Returns
    -------
    Run
        The run.

    Raises
    ------
    InputError
        An argument does not fit, and nothing was written.
    RunMismatchError
        `out` is another run, or its samples have changed, or what the model computes.
    JobStoppedError
        The work could not go on, for example because the disk is full. What is committed is kept, and the same call
        continues.

    Examples
    --------
    >>> from torch import nn, rand
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 6, 2))
    >>> run = explain(net, rand(60, 3, 8, 6), out="runs/small")
    >>> run.relevance.shape
    (60, 3, 8, 6)
    """
    return run_explanation(request)


def run_explanation(
    request: ExplainConfig,
    expected: tuple[RunConfig, AnyPath] | None = None,
    measure: Callable[[torch.nn.Module, Prefetcher, OutputSpec, int], float] = seconds_per_row,
    origin: Mapping[str, JSON] | None = None,
) -> Run:
    """Explain the samples; `expected` is the configuration that the run must have, and the run that it is from.

    `measure` returns the seconds for each explanation, which bound the shards of a new run; one that repeats another
    run has shards of the same size, because random numbers are seeded for each shard. `origin` is added to the origin
    in run.json, for a model that is an object: the origin of a run that names a model file is marked.
    """
    out, said, stall_timeout = as_path(request.out), resolve_progress(request.progress), request.stall_timeout
    chosen, device = get_engine(request.engine), request.device
    if device is not None or isinstance(request.model, ModelSource):
        device = usable_device(device)
    chosen = with_stall_timeout(one_worker_per_gpu(chosen, device), stall_timeout)
    stalls = StallReport(Activity(), stall_timeout, said.warn)
    activity = stalls.activity
    with ExitStack() as watch:
        if stall_timeout:
            watch.enter_context(watching(stalls))
        activity.begin("loading the model")
        loaded = load(request.model, device)
        _say_all(loaded.notes, said)
        activity.begin("opening the data set")
        source = request.source(loaded.preprocessing, loaded.module)
        _measure_range(source, stalls)
        _say_all(filter(None, (*source.notes, note_unused(loaded.preprocessing, source.preprocessing))), said)
        stalls.named = partial(name_sample, source)
        with evaluating(loaded.module):
            activity.begin("reading labels, fingerprint and a few samples of the data set")
            check_structure(loaded.module, source, request.output, pads=request.pads_texts)
            loaded = replace(loaded, module=with_structure(loaded.module, source))
            plan = make_plan(request, loaded, source, out, expected, said, activity)
            if origin is not None:
                plan = replace(plan, config=replace(plan.config, origin={**plan.config.origin, **origin}))
            loaded = replace(loaded, module=with_structure(loaded.module, plan.source))
            said.info(f"{out}: {plan.describe()}")
            _say_all(plan.notes, said)
            if names_model_file(plan.config) and not has_mark(plan.config):
                said.info(explain_missing_mark())
            plan.require_space(out)
            activity.begin("measuring how fast samples are explained, and creating the run")
            reading = Prefetcher(plan.source, plan.shape, request.inputs, 0, activity, plan.scores)
            run = plan.open(out, partial(measure, loaded.module, reading, plan.wanted, request.batch_size))
            keep_method(plan.wanted.method, out)
            pending = bool(chosen.share.of(run.pending_shards()))
            activity.begin("comparing samples with those of the run")
            if pending:
                require_same_inputs(run, reading, said)
                require_same_outputs(run, reading, loaded.module, plan.wanted, said)
            sent = loaded.module if chosen.in_process else bind_code(request.model, loaded.code_hash)
            job = Job(run, sent, plan.source, plan.wanted, plan.shape, request.batch_size, device, request.seed)
            if not chosen.in_process:
                watch.close()  # from here on, the engine watches its workers
            if pending and stall_timeout:
                _note_engines_without_stall_timeout(chosen, said)
            cause = partial(name_cause, plan.wanted.make_model(loaded.module), plan.wanted.method, plan.example)
            return _compute_with_lease(job, chosen, Gate(run, said, plan.checks, cause), activity)


def make_plan(
    request: ExplainConfig,
    loaded: LoadedModel,
    source: Source,
    out: AnyPath,
    expected: tuple[RunConfig, AnyPath] | None,
    said: Progress,
    activity: Activity,
) -> RunPlan:
    """Plan the run; if it repeats another one, its configuration must be the `expected` one."""
    request = _resolve_composite(request, loaded.module, source, said)
    if is_run(out):
        request = request.keep_layers(open_run(out).config)
    wanted = request.get_outputs(source.preprocessing)
    kept = out if expected is None else expected[1]
    wanted = replace(wanted, method=fit_method(wanted.method, loaded.module, source, request.batch_size, kept))
    if isinstance(wanted.kind, Located) and not is_run(kept):
        activity.begin("finding what is explained, by a pass of the model over the data set")
        said.info("the model passes once over the data set to find what is explained")
    plan = RunPlan.of(loaded, source, wanted, request, kept, activity)
    if expected is None:
        return plan
    require_same_config(expected[0], plan.config, expected[1])
    return replace(plan, config=plan.config.with_shard_rows(expected[0].shard_rows), fixed=True)


def _measure_range(source: Source, stalls: StallReport) -> None:
    """Determine the preprocessing of the source, which may read the whole data set; a sample that hangs is named."""
    whole = get_given(source)
    stalls.activity.begin("measuring the range of the data set's values", STATE_PREPROCESSING)
    stalls.named = partial(name_sample, whole)
    if isinstance(whole, DatasetSource):
        whole.activity = stalls.activity
    _ = whole.preprocessing


def _say_all(notes: Iterable[str], said: Progress) -> None:
    for note in notes:
        said.info(note)


def _resolve_composite(request: ExplainConfig, model: torch.nn.Module, source: Source, said: Progress) -> ExplainConfig:
    """Replace the composite "auto"; the choice depends on the model and the modality only."""
    if not request.is_auto:
        return request
    x = place(read_some(source)[0][0][None], model)
    one = get_explained(source, x)[0]
    modality = request.data_spec.complete(source).of(tuple(one.shape), integers=not one.is_floating_point())
    choice = choose_composite(model, x, modality)
    said.info(str(choice))
    return request.with_composite(choice.name)


def _compute_with_lease(job: Job, engine: Engine, gate: Gate, activity: Activity) -> Run:
    """Explain the pending shards, holding the lease of the run if there are any."""
    run, share = job.run, engine.share
    lease = run_lease(run.path, share.rank, share.job, share.restart)
    with lease if share.of(run.pending_shards()) else nullcontext():
        return _compute(job, engine, gate, lease, activity)


def with_stall_timeout(engine: Engine, seconds: float) -> Engine:
    """Give `Local` this timeout, unless it has one."""
    if isinstance(engine, Static):
        return replace(engine, inner=with_stall_timeout(engine.inner, seconds))
    if isinstance(engine, Local) and engine.stall_timeout is None:
        return replace(engine, stall_timeout=seconds)
    return engine


def _note_engines_without_stall_timeout(engine: Engine, said: Progress) -> None:
    """Warn of engines that do not notice workers that hang; this process reports them, and `Local` ends them."""
    inner = engine.inner if isinstance(engine, Static) else engine
    if not (inner.in_process or isinstance(inner, Local)):
        said.info(
            f"the engine {type(inner).__name__} does not notice workers that hang: --stall-timeout (stall_timeout) has "
            "no effect on them"
        )


def _compute(job: Job, engine: Engine, gate: Gate, lease: RankLease, activity: Activity) -> Run:
    """Explain the shards without a commit while this process holds the lease."""
    run, pending, said = job.run, job.run.pending_shards(), gate.progress
    mine, each = engine.share.of(pending), run.config.targets_per_sample
    done = len(run) - _rows(run, pending)
    if done:
        then = "" if mine else "; nothing to do"
        said.info(f"{done // each:,} of {run.sample_count:,} samples are already explained{then}")
    said.start(_rows(run, mine) // each, "samples")
    summary = Summary(run, said, gate)
    gate.begin()
    activity.begin()
    with ShardWriter() as writer, finishing(said), _count_when_stopped(run):
        setup = partial(set_up, job, writer, activity) if engine.in_process else partial(set_up, job)
        for result in engine.map(explain_shard, mine, setup=setup):
            lease.check()
            summary.add(result)
            if isinstance(result.value, ShardReport):
                said.advance(result.value.samples)
    summary.conclude()
    return run


@contextmanager
def _count_when_stopped(run: Run) -> Iterator[None]:
    """Add the number of samples that are kept to a JobStoppedError."""
    try:
        yield
    except JobStoppedError as error:
        kept = int(run.committed.sum()) // run.config.targets_per_sample
        raise JobStoppedError(f"stopped with {kept:,} of {run.sample_count:,} samples explained: {error}") from error


def _rows(run: Run, shards: Sequence[int]) -> int:
    return sum(stop - start for start, stop in map(run.shard_range, shards))


@contextmanager
def finishing(progress: Progress) -> Iterator[None]:
    """Finish the progress display however the block ends."""
    try:
        yield
    finally:
        progress.finish()


def load(model: torch.nn.Module | ModelSource, device: str | None) -> LoadedModel:
    """Load the model on its device; a module of the caller is copied rather than moved."""
    if isinstance(model, ModelSource):
        loaded = model.load()
        on_device(loaded.module, device)
        return loaded
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"model must be a torch.nn.Module or a ModelSource, not {type(model).__name__}")
    elsewhere = device is not None and torch.device(device).type != placement(model)[0].type
    module = on_device(deepcopy(model), device) if elsewhere else model
    name = f"{type(model).__module__}.{type(model).__qualname__} (layers {layers_hash(model)[:12]})"
    return LoadedModel(module, name, None)


def bind_code(model: torch.nn.Module | ModelSource, code_hash: str | None) -> torch.nn.Module | ModelSource:
    """Bind the model to its code: workers execute its file only with the hash that run.json records."""
    return replace(model, code_sha256=code_hash) if isinstance(model, ModelSource) else model

"""Analyze all classes of a run, one job per class, through an engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from whyset.analysis.array_analysis import ArrayAnalysis, write_temporary_run
from whyset.analysis.category import analyze_class
from whyset.analysis.groups import ALL, Group, find_explained, group_samples
from whyset.analysis.maps import get_analyzed_array
from whyset.analysis.memo import Memo
from whyset.analysis.pipelines import Spray
from whyset.analysis.views import BASE, MAPS, VIEW, View, choose_views
from whyset.display import resolve_progress
from whyset.engines import Engine, Progress, get_engine
from whyset.errors import InputError, WhysetError
from whyset.options.spray import INPUT
from whyset.store import Analysis, AnalysisWriter, Run, open_run
from whyset.store.analyses import ListedClass
from whyset.store.jsonfile import JSON
from whyset.store.remote import AnyPath, RemotePath


@dataclass(frozen=True)
class ClassJob:
    """One class to analyze; it can be sent to a worker."""

    group: Group
    spray: Spray
    writer: AnalysisWriter
    memo: Memo | None = None


@dataclass(frozen=True, eq=False)
class BegunView:
    """A view with its analysis, the writer of the results, and the classes."""

    view: View
    spray: Spray
    writer: AnalysisWriter
    groups: list[Group]


def analyze(
    run: Run | str | AnyPath | Any,
    spray: Spray | None = None,
    *,
    views: Sequence[str] | str | None = None,
    labels: Any = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
    modality: str | None = None,
    engine: str | Engine = "serial",
    progress: Progress | bool | None = None,
    memo: str | Path | None = None,
) -> Analysis:
    """Find the strategies in every class of a run, and write them into the run; or those in an array of maps.

    Classes that are finished with the same configuration and from the same rows are kept, so an interrupted analysis
    continues where it stopped. A class that cannot be analyzed (too few samples, for example) is recorded with its
    problem. Each view of the run is an analysis: relevance maps, their Fourier magnitude, recorded channel relevance
    and activations.

    Parameters
    ----------
    run : Run, str, path or array (N, ...)
        A run, its folder or its URL; or relevance maps as in `from_arrays`, which are analyzed in a temporary run. The
        result owns that run (`ArrayAnalysis`) and deletes it when it is no longer used, at the latest at the end of the
        process.
    spray : Spray, optional
        The configuration of the analysis, by default `Spray()`.
    views : str or sequence of str, optional
        Names of the views to analyze: "maps", "spectrum", "channels:LAYER" or "activations:LAYER"; a name without a
        layer stands for all of its layers. By default all views of the run, and of an array the maps alone. If `spray`
        has an array, a preprocessing or a distance of maps, it is the only analysis. That of maps has the name of
        `spray`, and others add the name of the view, such as "spray.channels.layer3".
    labels : sequence (N,), optional
        Classes of an array's maps, as in `from_arrays`. Without labels and predictions, all maps are one class.
    predictions : sequence (N,), optional
        Predicted classes of an array's maps.
    class_names : sequence of str, optional
        Names of the classes of an array's maps.
    modality : str, optional
        Modality of an array's maps, as in `from_arrays`.
    engine : str or Engine, default "serial"
        What computes the classes: an engine or the name of one.
    progress : bool or Progress, optional
        By default a bar on a terminal or in a notebook, and otherwise messages for the logger `whyset.progress`. True
        always shows the bar and False never does; a `Progress` receives messages and the number of finished classes.
    memo : str or path, optional
        A folder that keeps the results of steps. A step whose inputs and parameters are unchanged is not computed
        again: a further clustering, for example, needs no new neighbor graph (see `Memo`).

    Returns
    -------
    Analysis
        The analysis of the first view, as a rule of the maps, as it is stored in the run.

    Raises
    ------
    InputError
        The run has no explained sample or no such view, or none of its classes can be analyzed; or an array does not
        fit.
    WhysetError
        The analysis of some class failed in an unexpected way; the other classes are finished.

    Examples
    --------
    >>> analysis = analyze("runs/small", Spray(n_neighbors=5, surrogates=0))
    >>> analysis.name
    'spray'
    >>> from numpy.random import default_rng
    >>> maps = default_rng(0).normal(size=(40, 3, 8, 6))
    >>> analyze(maps, Spray(surrogates=0), labels=[0, 1] * 20).clusters("1").shape
    (20,)
    """
    spray, progress = Spray() if spray is None else spray, resolve_progress(progress)
    if not isinstance(spray, Spray):
        raise InputError(f"spray is {spray!r}: expected a Spray, such as Spray(n_neighbors=7), or None")
    described = {"labels": labels, "predictions": predictions, "class_names": class_names, "modality": modality}
    if isinstance(run, Run | str | Path | RemotePath):
        _refuse_descriptions(described)
        return _analyze_views(run if isinstance(run, Run) else open_run(run), spray, views, engine, progress, memo)
    owner = write_temporary_run(run, **described)
    if labels is None and predictions is None and spray.group_by == "auto":
        spray = replace(spray, group_by=ALL)
    views = (None if spray.array != INPUT or spray.preprocessing else MAPS) if views is None else views
    analysis = _analyze_views(owner.run, spray, views, engine, progress, memo)
    return ArrayAnalysis.of(analysis, owner)


def _refuse_descriptions(described: Mapping[str, Any]) -> None:
    given = [name for name, value in described.items() if value is not None]
    if given:
        raise InputError(f"{', '.join(given)} describe an array, but a run is analyzed, which has its own: omit them")


def _analyze_views(
    run: Run,
    spray: Spray,
    names: Sequence[str] | str | None,
    engine: str | Engine,
    progress: Progress,
    memo: str | Path | None,
) -> Analysis:
    """Analyze one view after another, and return the analysis of the first.

    That no class can be analyzed in one of the others is reported, and does not fail the rest.
    """
    run = run.thoroughly()
    views = choose_views(run, spray, names)
    kept = None if memo is None else Memo(Path(memo))
    first, *others = views
    begun = [_begin_view(run, spray, first)]
    for view in others:  # all before the first is computed, so that an interrupted analysis says which are missing
        try:
            begun.append(_begin_view(run, spray, view))
        except InputError as error:
            progress.info(f"{view.title}: {error}")
    _say_left_out(run, begun[0].groups, progress)
    analysis = _analyze_view(run, begun[0], get_engine(engine), progress, kept)
    for number, one in enumerate(begun[1:], 2):
        progress.info(f"view {number} of {len(begun)}: {one.view.title}")
        try:
            _analyze_view(run, one, get_engine(engine), progress, kept)
        except InputError as error:
            progress.info(f"{one.view.title}: {error}")
    return analysis


def _analyze_view(run: Run, begun: BegunView, engine: Engine, progress: Progress, memo: Memo | None) -> Analysis:
    spray, writer, groups = begun.spray, begun.writer, begun.groups
    jobs = {n: ClassJob(group, spray, writer, memo) for n, group in enumerate(groups) if not writer.has(group.id)}
    if len(jobs) < len(groups):
        progress.info(f"{len(groups) - len(jobs)} of {len(groups)} classes are finished already and kept.")
    _run_jobs(run, jobs, engine, progress)
    analysis = run.analysis(spray.name)
    _refuse_empty(analysis, groups)
    return analysis


def _begin_view(run: Run, base: Spray, view: View) -> BegunView:
    spray = view.configure(base)
    _require_something(run, spray)
    config: dict[str, JSON] = {"pipeline": spray.to_dict(), "steps": str(spray.pipeline())}
    if spray.name != base.name:
        config |= {VIEW: view.name, BASE: base.name}
    return BegunView(view, spray, *_begin(run, spray, config))


def _begin(run: Run, spray: Spray, config: Mapping[str, JSON]) -> tuple[AnalysisWriter, list[Group]]:
    """Open the writer with the list of all classes; rows committed later count as not yet analyzed.

    A class that appears between listing and opening would be missing, so the list is repeated until it is the same.
    """
    groups = group_samples(run, spray.group_by)
    while True:
        listed = [ListedClass(group.id, group.name) for group in groups]
        writer = run.analysis_writer(spray.name, config, listed)
        groups = group_samples(run, spray.group_by)
        if [group.id for group in groups] == [one.id for one in listed]:
            return writer, groups


def _require_something(run: Run, spray: Spray) -> None:
    """Check the array and the grouping before anything is written."""
    get_analyzed_array(run, spray.array)
    group_samples(run, spray.group_by)


def _run_jobs(run: Run, jobs: Mapping[int, ClassJob], engine: Engine, progress: Progress) -> None:
    """Run all jobs; failures are reported at once, and raised when all others are finished."""
    failed: list[str] = []
    mine = engine.share.of(jobs)
    progress.start(len(mine), "classes")
    try:
        for result in engine.map(_do, mine, setup=partial(_open_job, run.path, jobs)):
            name = jobs[result.task].group.name
            problem = result.value if result.error is None else result.error
            if problem is not None:
                progress.info(f"{name}: {problem}")
            if result.error is not None:
                failed.append(f"{name}: {result.error}")
            progress.advance(1)
    finally:
        progress.finish()
    if failed:
        raise WhysetError(
            f"{len(failed)} of {len(mine)} classes could not be analyzed, the others are finished: {'; '.join(failed)}"
        )


def _open_job(path: AnyPath, jobs: Mapping[int, ClassJob]) -> tuple[Run, Mapping[int, ClassJob]]:
    return open_run(path).thoroughly(), jobs


def _do(state: tuple[Run, Mapping[int, ClassJob]], number: int) -> str | None:
    """Analyze one class, write the result, and return its problem or None."""
    run, job = state[0], state[1][number]
    result = analyze_class(run, job.group, job.spray, job.memo)
    job.writer.write(result)
    return result.evidence.problem


def _say_left_out(run: Run, groups: list[Group], progress: Progress) -> None:
    left_out = len(find_explained(run)) - sum(len(group.indices) for group in groups)
    if left_out:
        progress.info(f"{left_out} explanations have neither a label nor a prediction and take no part.")


def _refuse_empty(analysis: Analysis, groups: list[Group]) -> None:
    ids = {group.id for group in groups}
    problems = [c.problem or c.evidence.problem for c in analysis.categories if c.id in ids]
    if problems and all(problems):
        raise InputError(f"None of the {len(problems)} classes could be analyzed; the first one: {problems[0]}")

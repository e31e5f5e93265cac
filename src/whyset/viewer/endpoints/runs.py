"""The runs and their descriptions."""

import json
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Depends

from whyset.analysis.views import describe_view, get_title, get_view
from whyset.errors import WhysetError
from whyset.report.provenance import describe_method
from whyset.store.config import RunConfig
from whyset.store.layout import ANALYSES
from whyset.store.watched import get_epoch
from whyset.viewer.changes import AnalysisStamp
from whyset.viewer.columns import wire_type
from whyset.viewer.endpoints.spectra import list_spectra
from whyset.viewer.errors import unreadable
from whyset.viewer.growth import compute_progress, count_expected_classes, is_growing
from whyset.viewer.parameters import OneHandle, get_registry
from whyset.viewer.run_columns import CodedColumn
from whyset.viewer.run_registry import LoadedRun, RunHandle, RunRegistry
from whyset.viewer.schemas import AnalysisRow, RunColumn, RunDetail, RunProgress, RunRow

NOT_IN_SUMMARY = ("class_names", "shard_rows", "attributor", "method_text")


def list_runs(library: Annotated[RunRegistry, Depends(get_registry)]) -> list[RunRow]:
    """List the runs of the viewer, readable or not."""
    return [_row(handle) for handle in library.handles.values()]


def get_run(handle: OneHandle) -> RunDetail:
    """Get one run: its shapes, classes, columns, analyses and configuration."""
    detail = handle.read(partial(_detail, handle.name))
    if isinstance(detail, str):
        raise unreadable(detail)
    return detail


def _detail(name: str, opened: LoadedRun) -> RunDetail:
    stored, inputs = opened.run, opened.run.inputs
    folder, epoch = get_epoch(stored.path)
    return RunDetail(
        id=opened.id,
        name=name,
        path=str(stored.path.absolute() if isinstance(stored.path, Path) else stored.path),
        hash=stored.config_hash,
        method=describe_method(stored),
        n_explanations=len(stored),
        n_samples=stored.sample_count,
        committed=opened.committed,
        failed=opened.n_failed,
        classes=list(stored.classes),
        map_shape=list(stored.relevance.shape[1:]),
        input_shape=None if inputs is None else list(inputs.shape[1:]),
        modality=stored.modality,
        features=list(stored.config.features) or None,
        rate=stored.config.rate,
        accuracy=opened.accuracy,
        summary=_summary(stored.config),
        columns=[_column(name, column) for name, column in opened.columns.items()],
        analyses=[_analysis(opened, name) for name in stored.analyses],
        problem=opened.problem,
        version=opened.version,
        growing=is_growing(stored.path),
        checks=[*opened.relevance_checks, *stored.stored_checks],
        relevance=opened.relevance,
        spectra=list_spectra(stored),
        epoch=epoch if folder is not None else None,
    )


def get_progress(handle: OneHandle) -> RunProgress:
    """Get the progress of the run without reading it; cheap enough for polling."""
    return compute_progress(handle.path)


def _row(handle: RunHandle) -> RunRow:
    row = handle.read(partial(_readable_row, handle.name))
    if isinstance(row, str):
        nothing = {"n_explanations": 0, "n_samples": 0, "committed": 0, "failed": 0, "analyses": []}
        return RunRow.model_validate({"id": handle.id, "name": handle.name, **nothing, "problem": row})
    return row


def _readable_row(name: str, opened: LoadedRun) -> RunRow:
    return RunRow(
        id=opened.id,
        name=name,
        n_explanations=len(opened.run),
        n_samples=opened.run.sample_count,
        committed=opened.committed,
        failed=opened.n_failed,
        analyses=list(opened.run.analyses),
        problem=opened.problem,
    )


def _column(name: str, column: CodedColumn) -> RunColumn:
    values = None if column.values is None else list(column.values)
    return RunColumn(name=name, dtype=wire_type(column.numbers.dtype), length=len(column.numbers), values=values)


def _analysis(opened: LoadedRun, name: str) -> AnalysisRow:
    version = AnalysisStamp.of(opened.run.path / ANALYSES / name).version  # first: later additions count as growth
    try:
        analysis = opened.run.analysis(name)
        finished, problem = sum(category.exists for category in analysis.categories), None
        title, view = get_title(analysis, opened.run.analyses), describe_view(get_view(analysis))
        expected = count_expected_classes(opened, analysis.config) if analysis.listed is None else len(analysis.listed)
    except (WhysetError, OSError) as error:
        title, view, finished, expected, problem = name, name, 0, None, str(error)
    return AnalysisRow(
        name=name,
        title=title,
        view=view,
        categories=finished,
        expected=expected,
        version=version,
        problem=problem,
    )


def _summary(config: RunConfig) -> dict[str, str]:
    names = (field.name for field in fields(config) if field.name not in NOT_IN_SUMMARY)
    summary = {name: _words(getattr(config, name)) for name in names}
    if config.attributor is not None:  # shown where other runs name their composite
        summary["composite"] = config.method
        summary["attributor"] = _words(config.attributor)
    return summary


def _words(value: object) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

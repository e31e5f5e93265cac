"""Import: a project is read and checked as a whole, then written as a run to a temporary folder, then renamed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whyset.errors import InputError
from whyset.progress import Progress, Silent
from whyset.store import ArraySpec, CategoryResult, Run, RunConfig, open_run
from whyset.store.analyses import ListedClass
from whyset.store.create import create_run, require_free_space
from whyset.store.default_arrays import shard_rows_for, standard_arrays
from whyset.store.jsonfile import JSON
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.store.virelay.beside import beside, refuse_existing
from whyset.store.virelay.categories import FoundCategory
from whyset.store.virelay.counting import count_blocks
from whyset.store.virelay.findings import ImportFinding, ImportFindings
from whyset.store.virelay.names import safe_name_for, safe_names
from whyset.store.virelay.project import STRATEGIES
from whyset.store.virelay.reading import FoundProject, read_all

SAMPLE = "sample_index"
"""The column with the number of each row's sample in the project's data set."""


@dataclass(frozen=True)
class CategoryNames:
    """The names of a category, its embeddings and its clusterings in a run, and its output of the model."""

    id: str
    name: str
    label: int | None
    embeddings: dict[str, str]
    clusterings: dict[str, str]


Describe = Callable[[Run, FoundCategory, CategoryNames], CategoryResult]
"""Makes the result for a category whose `index` holds rows of the run."""


@dataclass(frozen=True)
class ImportSettings:
    """Settings of an import: `link` does not copy images, `map_path` replaces beginnings of paths (old, new)."""

    link: bool = False
    map_path: tuple[tuple[str, str], ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float16", "float32"):
            raise InputError(f"dtype is {self.dtype!r}: expected 'float16' or 'float32'")


def import_project(
    project: Path,
    out: Path,
    describe: Describe,
    settings: ImportSettings | None = None,
    *,
    warn: Callable[[ImportFinding], None] = lambda finding: None,
    telling: Progress | None = None,
) -> Run:
    """Import a project into a new run folder; `warn` receives tolerated inconsistencies, `telling` shows progress.

    Raises DamagedProjectError, with all findings, if the project is inconsistent. If the import fails, `out` is
    unchanged.
    """
    settings, telling = settings or ImportSettings(), telling or Silent()
    refuse_existing(out)
    findings = ImportFindings(project)
    found = read_all(project, findings, settings.map_path, pictures=not settings.link)
    for finding in findings.warnings:
        warn(finding)
    with beside(out) as folder:
        run = _write_run(folder, out, found, settings, findings, telling)
        for method, name in safe_names(found.analyses).items():
            _write_analysis(run, name, method, found, describe, telling)
    telling.info(f"{len(run):,} explanations, {len(found.analyses)} analyses")
    return open_run(out)


def _write_run(
    folder: Path, out: Path, found: FoundProject, settings: ImportSettings, findings: ImportFindings, telling: Progress
) -> Run:
    rows, dataset = found.attributions, found.dataset
    arrays = (
        *standard_arrays(rows.shape, input_shape=None if settings.link else dataset.shape, dtype=settings.dtype),
        ArraySpec(SAMPLE, (), "int64", -1),
    )
    require_free_space(out, arrays, len(rows))
    decided, confidence_is = rows.decide_predictions()
    labels = dataset.labels[rows.samples]
    columns = {"target": found.targets, **decided, SAMPLE: rows.samples}
    ids, uris = dataset.ids, dataset.uris
    table = samples_table(
        [ids[sample] for sample in rows.samples],
        [None if label < 0 else int(label) for label in labels],
        [uris[sample] for sample in rows.samples],
    )
    config = _config(found, settings, confidence_is, [str(finding) for finding in findings.warnings], arrays)
    run = create_run(folder, config, table, arrays)
    shards = (range(*run.shard_range(shard)) for shard in range(run.shard_count))
    for shard, rows_there in enumerate(count_blocks(shards, len(run), "explanations", telling)):
        start, stop = rows_there.start, rows_there.stop
        values = {name: column[start:stop] for name, column in columns.items()}
        values["attribution/input"] = rows.maps(start, stop)
        if not settings.link:
            values["input"] = dataset.pictures(rows.samples[start:stop])
        write_shard(run, shard, values)
    return run


def _config(
    found: FoundProject,
    settings: ImportSettings,
    confidence_is: str,
    warnings: list[str],
    arrays: tuple[ArraySpec, ...],
) -> RunConfig:
    """Make the configuration; fields that the project's files lack are unknown, so the run is never continued."""
    project = found.project
    target = found.attributions.get_common_value("target")
    origin: dict[str, JSON] = {
        "imported_from": "ViRelAy",
        "project": str(project.file.absolute()),
        "project_name": project.name,
        "attribution_method": project.attribution_method,
        "attribution_strategy": project.attribution_strategy,
        "attributions": [str(file) for file in project.attributions],
        "confidence": confidence_is,
        "pictures": "linked" if settings.link else "copied",
        "tolerated": warnings,
    }
    return RunConfig(
        model=project.model,
        weights_hash=None,
        composite={"name": project.attribution_method, "fields": {}},
        target=STRATEGIES[project.attribution_strategy] if target is None else target,
        preprocessing={},
        dataset_fingerprint=None,
        class_names=found.label_map.names,
        shard_rows=shard_rows_for(arrays),
        dtype=settings.dtype,
        dataset=str(project.dataset.path),
        origin=origin,
    )


def _write_analysis(
    run: Run, name: str, method: str, found: FoundProject, describe: Describe, telling: Progress
) -> None:
    categories = found.analyses[method]
    called = list(_category_names(categories, found))
    renamed = {method: name} | {
        old: new for names in called for old, new in (names.embeddings | names.clusterings).items()
    }
    for old, new in renamed.items():
        if old != new:
            telling.info(f"{old!r} is renamed to {new!r}")
    config: dict[str, JSON] = {
        "imported_from": "ViRelAy",
        "analysis_method": method,
        "sources": sorted({str(category.file) for category in categories}),
    }
    listed = [ListedClass(names.id, names.name) for names in called]
    writer = run.analysis_writer(name, config, listed)
    for category, names in zip(categories, called, strict=True):
        rows = np.searchsorted(found.attributions.samples, category.index)
        writer.write(describe(run, replace(category, index=rows.astype(np.int64)), names))


def _category_names(categories: list[FoundCategory], found: FoundProject) -> Iterator[CategoryNames]:
    labels = {category.name: found.label_map.get_label(category.name) for category in categories}
    embeddings = safe_names(name for category in categories for name in category.embeddings)
    clusterings = safe_names(name for category in categories for name in category.clusterings)
    taken: set[str] = set()
    for category in categories:
        label = labels[category.name]
        name = category.name if label is None else found.label_map.names[label]
        id = safe_name_for(category.name if label is None else f"{label:05d}", taken)
        taken.add(id)
        yield CategoryNames(id, name, label, embeddings, clusterings)

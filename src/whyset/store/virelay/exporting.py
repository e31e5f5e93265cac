"""Export of a run as a ViRelAy project, in the layout that its code reads."""

from collections.abc import Sequence
from pathlib import Path

from whyset.progress import Progress, Silent
from whyset.store import Run
from whyset.store.jsonfile import JSON, encode
from whyset.store.virelay.beside import beside
from whyset.store.virelay.export_analyses import method_names, write_analysis
from whyset.store.virelay.export_attributions import (
    ExplainedRows,
    find_explained_rows,
    find_strategy,
    write_attributions,
)
from whyset.store.virelay.export_dataset import link_images, write_dataset
from whyset.store.virelay.findings import format_first
from whyset.store.virelay.names import word_net_ids
from whyset.store.virelay.packages import yaml

LEFT_OUT = "scores, silhouettes, mean maps and selections are not exported: ViRelAy's files have no place for them"


def export_project(
    run: Run,
    out: Path,
    *,
    analyses: Sequence[str] | None = None,
    images: bool = False,
    telling: Progress | None = None,
) -> Path:
    """Write a run, with some or all of its analyses, into a new folder, and return the path of the project file.

    Sample indices there are rows of the run. `images` links the image files instead of writing images into an HDF5
    file. `telling` shows progress and what is not exported. If the export fails, no files remain.

    >>> export_project(open_run("runs/cifar"), Path("for-virelay"))     # doctest: +SKIP
    """
    run = run.thoroughly()
    explained, telling = find_explained_rows(run), telling or Silent()
    names = run.analyses if analyses is None else list(analyses)
    methods = method_names(names)
    ids = word_net_ids(run, explained.classes)
    with beside(out) as folder:
        folder.mkdir()
        entry = (
            link_images(run, folder, explained, telling) if images else write_dataset(run, folder, explained, telling)
        )
        write_attributions(run, folder / "attributions.h5", explained, telling)
        kept = [
            method
            for name, method in methods.items()
            if write_analysis(run.analysis(name), folder / f"analysis_{method}.h5", ids, telling)
        ]
        _write_label_map(folder / "label_map.json", run, ids)
        _write_project(folder / "project.yaml", run, explained, entry, kept, telling)
    _tell(run, explained, telling)
    return out / "project.yaml"


def _write_label_map(file: Path, run: Run, ids: list[str]) -> None:
    names = [*run.classes, *(f"class {index}" for index in range(len(run.classes), len(ids)))]
    entries: list[JSON] = [
        {"index": index, "word_net_id": ids[index], "name": names[index]} for index in range(len(ids))
    ]
    file.write_bytes(encode(entries))


def _write_project(
    file: Path, run: Run, explained: ExplainedRows, entry: dict[str, object], methods: list[str], telling: Progress
) -> None:
    project = {
        "name": run.path.name,
        "model": run.config.model,
        "label_map": "label_map.json",
        "dataset": {"name": run.config.dataset or run.path.name, **entry},
        "attributions": {
            "attribution_method": run.config.method,
            "attribution_strategy": find_strategy(run, explained, telling),
            "sources": ["attributions.h5"],
        },
        "analyses": [{"analysis_method": method, "sources": [f"analysis_{method}.h5"]} for method in methods],
    }
    file.write_text(yaml().safe_dump({"project": project}, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _tell(run: Run, explained: ExplainedRows, telling: Progress) -> None:
    missing = len(run) - len(explained.rows)
    if missing:
        telling.info(
            f"{missing:,} of {len(run):,} samples have no explanation, so the project has no attribution of them"
        )
    if run.analyses:
        telling.info(LEFT_OUT)
    others = [*run.layers, *run.concepts]
    if others:
        telling.info(f"only relevance of the input is exported, not that of {format_first(dict.fromkeys(others))}")
    activations = [*run.activations, *run.mean_activations]
    if activations:
        telling.info(f"activations are not exported: those of {format_first(dict.fromkeys(activations))}")

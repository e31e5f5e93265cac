"""Reading a whole project: all files are read before findings are raised."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whyset.store.virelay.attributions import Attributions, check_values, read_attributions
from whyset.store.virelay.categories import FoundCategory, read_categories
from whyset.store.virelay.dataset import Dataset, Hdf5Dataset, read_hdf5_dataset
from whyset.store.virelay.findings import ImportFindings, format_first
from whyset.store.virelay.hdf5 import Indices
from whyset.store.virelay.image_directory import read_image_directory
from whyset.store.virelay.label_map import LabelMap, read_label_map
from whyset.store.virelay.project import Project, read_project


@dataclass(frozen=True)
class FoundProject:
    """A consistent project. `analyses` are the categories of every analysis method."""

    project: Project
    label_map: LabelMap
    dataset: Dataset
    attributions: Attributions
    targets: Indices
    analyses: dict[str, list[FoundCategory]]


def read_all(
    file: Path, findings: ImportFindings, map_path: Sequence[tuple[str, str]] = (), *, pictures: bool = True
) -> FoundProject:
    """Read a project and check all of it; without `pictures`, image files are not opened.

    Raises DamagedProjectError with all inconsistencies.
    """
    project = read_project(file, findings, map_path)
    if project is None:
        findings.raise_if_any()
    assert project is not None, "what is no project is an error"
    label_map = read_label_map(project.label_map, findings)
    dataset = _dataset(project, label_map, findings)
    size = len(dataset.labels) if dataset is not None else 2**31
    attributions = read_attributions(project.attributions, size, len(label_map.names), findings)
    analyses = _analyses(project, size, findings)
    if attributions is not None:
        check_values(attributions.sources, findings)
        _check_explained(analyses, attributions, findings)
    if dataset is not None and attributions is not None:
        _compare(dataset, attributions, findings)
        if pictures:
            dataset.check(attributions.samples, findings)
    findings.raise_if_any()
    assert dataset is not None, "what cannot be read is an error"
    assert attributions is not None, "what cannot be read is an error"
    targets = _targets(project, dataset, attributions, findings)
    return FoundProject(project, label_map, dataset, attributions, targets, analyses)


def _dataset(project: Project, label_map: LabelMap, findings: ImportFindings) -> Dataset | None:
    if project.dataset.type == "hdf5":
        return read_hdf5_dataset(project.dataset.path, len(label_map.names), findings)
    return read_image_directory(project.dataset, label_map, findings)


def _analyses(project: Project, samples: int, findings: ImportFindings) -> dict[str, list[FoundCategory]]:
    analyses: dict[str, list[FoundCategory]] = {}
    for method, files in project.analyses:
        if method in analyses:
            findings.error(project.file, f"the analysis method {method!r} occurs more than once")
        analyses[method] = read_categories(files, samples, findings)
    return analyses


def _check_explained(
    analyses: dict[str, list[FoundCategory]], attributions: Attributions, findings: ImportFindings
) -> None:
    """Require an attribution for every sample of an analysis."""
    for categories in analyses.values():
        for category in categories:
            absent = np.setdiff1d(category.index, attributions.samples)
            if len(absent):
                found = f"{category.name}: {len(absent)} of {len(category.index)} samples have no attribution"
                findings.error(category.file, f"{found}: {format_first(absent)} (index holds samples of the data set)")


def _compare(dataset: Dataset, attributions: Attributions, findings: ImportFindings) -> None:
    if dataset.shape[1:] != attributions.shape[1:]:
        found = f"the samples are (height, width) = {dataset.shape[1:]}, the attributions {attributions.shape[1:]}"
        findings.error(dataset.file, f"{found}: expected the same size")
    _compare_names(dataset, attributions, findings)
    left_out = len(dataset.labels) - len(attributions)
    if left_out > 0:
        findings.warn(
            dataset.file, f"{left_out} of {len(dataset.labels)} samples have no attribution and are not imported"
        )


def _compare_names(dataset: Dataset, attributions: Attributions, findings: ImportFindings) -> None:
    """Require the names of the samples for members of groups without an index, which are matched by position."""
    if not isinstance(dataset, Hdf5Dataset) or dataset.images.rows.keys is None:
        return
    for source in attributions.sources:
        keys = source.images.rows.keys
        if keys is not None and not source.indexed:
            others = [key for key, sample in zip(keys, source.samples, strict=True) if dataset.ids[sample] != key]
            if others:
                found = (
                    f"{len(others)} of {len(keys)} members of attribution have other names than the samples at their"
                )
                findings.error(source.file, f"{found} position ({format_first(others)}), and there is no index")


def _targets(project: Project, dataset: Dataset, attributions: Attributions, findings: ImportFindings) -> Indices:
    """Return the output that each attribution explains: its label, or, without one, that of the strategy."""
    own = attributions.labels()
    if project.attribution_strategy == "true_label":
        expected, what = dataset.labels[attributions.samples], "label of the data set"
    else:
        expected, what = attributions.decide_predictions()[0]["prediction"], "prediction"
    differ = int(((own != expected) & (own >= 0) & (expected >= 0)).sum())
    if differ:
        found = (
            f"{differ} of {len(attributions)} attributions have another label than the {what}, and it is their target"
        )
        findings.warn(project.file, f"attribution_strategy is {project.attribution_strategy}, but {found}")
    return np.where(own >= 0, own, expected)

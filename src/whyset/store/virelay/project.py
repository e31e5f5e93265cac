"""The project file: its data set, attributions and analyses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.store.virelay.findings import ImportFindings
from whyset.store.virelay.yaml_file import read_yaml

STRATEGIES = {"true_label": "label", "predicted_label": "prediction"}
"""ViRelAy's attribution strategies as targets of a run."""

DOWN_SAMPLING = ("none", "center_crop", "resize")
UP_SAMPLING = ("none", "fill_zeros", "fill_ones", "edge_repeat", "mirror_edge", "wrap_around", "resize")


@dataclass(frozen=True)
class DatasetEntry:
    """The location of the samples. For an image directory, `size` is (height, width) and one expression is given."""

    name: str
    type: str
    path: Path
    size: tuple[int, int] | None = None
    down_sampling: str = "none"
    up_sampling: str = "none"
    index_regex: str | None = None
    word_net_id_regex: str | None = None


@dataclass(frozen=True)
class Project:
    """A project file, with all paths made absolute."""

    file: Path
    name: str
    model: str
    label_map: Path
    dataset: DatasetEntry
    attribution_method: str
    attribution_strategy: str
    attributions: tuple[Path, ...]
    analyses: tuple[tuple[str, tuple[Path, ...]], ...]


@dataclass(frozen=True)
class PathMap:
    """Paths of a project: relative ones start at `folder`, beginnings in `replaced` (old, new) are replaced."""

    folder: Path
    replaced: tuple[tuple[str, str], ...] = ()

    def __call__(self, text: str) -> Path:
        """Return the absolute path; relative paths may have separators of Windows."""
        for old, new in self.replaced:
            rest = text.removeprefix(old.rstrip("/\\"))
            if rest != text and (not rest or rest[0] in "/\\"):
                return Path(new) / rest.replace("\\", "/").lstrip("/")
        path = Path(text if Path(text).is_absolute() else text.replace("\\", "/"))
        return path if path.is_absolute() else self.folder / path


@dataclass(frozen=True)
class Entries:
    """A mapping in the project file; missing values and those of another type are findings that name their place."""

    values: Mapping[str, Any]
    place: str
    file: Path
    findings: ImportFindings

    def text(self, name: str, *, required: bool = True) -> str | None:
        value = self.values.get(name)
        if value is None and not required:
            return None
        if value is None or isinstance(value, bool | Mapping | list):
            self._wrong(name, "text", value)
            return None
        return str(value)  # YAML reads some names as numbers or dates

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._wrong(name, "a positive whole number", value)
        return None

    def get_choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.values.get(name, default)
        if value not in allowed:
            self._wrong(name, f"one of {', '.join(allowed)}", value)
            return allowed[0]
        return str(value)

    def part(self, name: str) -> "Entries":
        value = self.values.get(name)
        if not isinstance(value, Mapping):
            self._wrong(name, "a mapping", value)
            value = {}
        return Entries(value, f"{self.place}.{name}", self.file, self.findings)

    def parts(self, name: str) -> list["Entries"]:
        return [
            Entries(value if isinstance(value, Mapping) else {}, f"{self.place}.{name}[{i}]", self.file, self.findings)
            for i, value in enumerate(self._get_list(name))
        ]

    def texts(self, name: str) -> list[str]:
        return [str(value) for value in self._get_list(name)]

    def _get_list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        self._wrong(name, "a list", value)
        return []

    def _wrong(self, name: str, expected: str, value: object) -> None:
        found = "is missing" if name not in self.values else f"is {value!r}"
        self.findings.error(self.file, f"{self.place}.{name} {found}: expected {expected}")


def read_project(file: Path, findings: ImportFindings, replaced: Sequence[tuple[str, str]] = ()) -> Project | None:
    """Read a project file; None, with a finding, if it is not a project."""
    found = _load(file, findings)
    if found is None:
        return None
    paths = PathMap(file.resolve().parent, tuple(replaced))
    entries = Entries(found, "project", file, findings)
    attributions = entries.part("attributions")
    return Project(
        file=file,
        name=entries.text("name") or "",
        model=entries.text("model") or "",
        label_map=paths(entries.text("label_map") or ""),
        dataset=_dataset(entries.part("dataset"), paths),
        attribution_method=attributions.text("attribution_method") or "",
        attribution_strategy=attributions.get_choice("attribution_strategy", list(STRATEGIES)),
        attributions=_sources(attributions, paths),
        analyses=tuple(
            (part.text("analysis_method") or "", _sources(part, paths))
            for part in (entries.parts("analyses") if "analyses" in found else [])
        ),
    )


def _load(file: Path, findings: ImportFindings) -> Mapping[str, Any] | None:
    try:
        found = read_yaml(file)
    except OSError as error:
        findings.error(file, f"cannot be read: {error.strerror or error}")
        return None
    except InputError as error:
        findings.error(file, str(error))
        return None
    project = found.get("project") if isinstance(found, Mapping) else None
    if not isinstance(project, Mapping):
        findings.error(file, "is not a ViRelAy project: expected a mapping with the key 'project'")
        return None
    return project


def _dataset(entries: Entries, paths: PathMap) -> DatasetEntry:
    kind = entries.get_choice("type", ["hdf5", "image_directory"])
    path = paths(entries.text("path") or "")
    name = entries.text("name", required=False) or path.name
    if kind == "hdf5":
        return DatasetEntry(name, kind, path)
    index, word_net_id = (entries.text(f"label_{key}_regex", required=False) for key in ("index", "word_net_id"))
    if (index is None) == (word_net_id is None):
        found = "neither" if index is None else "both"
        message = f"{entries.place} has {found} of label_index_regex and label_word_net_id_regex: expected exactly one"
        entries.findings.error(entries.file, message)
    size = entries.number("input_height"), entries.number("input_width")
    return DatasetEntry(
        name=name,
        type=kind,
        path=path,
        size=(size[0] or 1, size[1] or 1),
        down_sampling=entries.get_choice("down_sampling_method", DOWN_SAMPLING, "none"),
        up_sampling=entries.get_choice("up_sampling_method", UP_SAMPLING, "none"),
        index_regex=index,
        word_net_id_regex=word_net_id,
    )


def _sources(entries: Entries, paths: PathMap) -> tuple[Path, ...]:
    sources = tuple(paths(text) for text in entries.texts("sources"))
    if not sources and isinstance(entries.values.get("sources"), list):
        entries.findings.error(entries.file, f"{entries.place}.sources is empty: expected at least one file")
    return sources

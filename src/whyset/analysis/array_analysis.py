"""The analysis of an array: it owns a temporary run, which is deleted with it."""

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from whyset.errors import InputError
from whyset.store import Analysis, Category, Run
from whyset.store.maps.classes import sort_names
from whyset.store.maps.feeding import feed
from whyset.store.maps.form import infer_from_array
from whyset.store.maps.writer import RelevanceWriter
from whyset.store.remote import AnyPath


class TemporaryFolder:
    """A folder that is deleted when this object is no longer used, at the latest at the end of the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="whyset-analysis-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    @property
    def exists(self) -> bool:
        return self._finalizer.alive

    def delete(self) -> None:
        self._finalizer()


@dataclass(frozen=True)
class TemporaryRun:
    """A run in a temporary folder; the arrays of the run keep the folder, too."""

    folder: TemporaryFolder
    run: Run

    @classmethod
    def of(cls, folder: TemporaryFolder, run: Run) -> "TemporaryRun":
        object.__setattr__(run, "folder", folder)  # not a field: it is only kept alive
        return cls(folder, run)


@dataclass(frozen=True, repr=False)
class OwnedCategory(Category):
    """A class of an array's analysis, which keeps the temporary run while it is used."""

    owner: TemporaryRun | None = field(default=None, compare=False)


@dataclass(frozen=True, repr=False)
class ArrayAnalysis(Analysis):
    """The analysis of an array. It keeps a temporary run until it is no longer used, or closed.

    Memory-mapped columns stay readable; `from_arrays` makes a run that is kept.

    >>> with analyze(maps, labels=labels) as analysis:  # doctest: +SKIP
    ...     analysis.clusters("cat")
    """

    owner: TemporaryRun | None = field(default=None, compare=False)

    @classmethod
    def of(cls, analysis: Analysis, owner: TemporaryRun) -> "ArrayAnalysis":
        return cls(**{one.name: getattr(analysis, one.name) for one in fields(Analysis)}, owner=owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def run(self) -> Run:
        """The temporary run with the maps. InputError: the analysis is closed."""
        if self.owner is None or not self.owner.folder.exists:
            raise InputError("the temporary run of this analysis was deleted: analyze the array again")
        return self.owner.run

    def close(self) -> None:
        """Delete the temporary run."""
        if self.owner is not None:
            self.owner.folder.delete()

    def read(self, folder: AnyPath) -> Category:
        category = super().read(folder)
        return OwnedCategory(**{one.name: getattr(category, one.name) for one in fields(Category)}, owner=self.owner)


def write_temporary_run(
    relevance: Any,
    *,
    labels: Any = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
    modality: str | None = None,
) -> TemporaryRun:
    """Write maps to a temporary run, in float32, so that the analysis is that of the given values.

    InputError: the array does not fit; nothing is left.
    """
    classes = {"labels": labels, "predictions": predictions}
    names = sort_names(classes) if class_names is None else class_names
    folder = TemporaryFolder()
    try:
        make = partial(
            RelevanceWriter,
            folder.path / "run",
            class_names=names,
            modality=infer_from_array(relevance, modality),
            dtype="float32",
        )
        written = feed(lambda n: make(n=n), relevance, columns=classes)
    except BaseException:
        folder.delete()
        raise
    return TemporaryRun.of(folder, written.run)

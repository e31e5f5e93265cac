"""Memo: a cache of the results of steps in a folder, by the exact content of their inputs."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyset.analysis.memo_values import DamagedEntryError, decode, digest, encode
from whyset.analysis.processors.base import OWN_PACKAGE, Processor
from whyset.analysis.processors.source import code_hash, package_hash
from whyset.errors import InputError
from whyset.optional import version_or_none
from whyset.store.boundary import read_regular
from whyset.store.files import explain_disk_errors, replace_file

# faiss is not among them, because the neighbors are the same with and without it.
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pillow", "umap-learn", "pynndescent", "openTSNE", "graspologic-native",
)  # fmt: skip
_KNOWN = (OWN_PACKAGE, "builtins")  # classes of this package count by the hash of the package
_ABANDONED = 3600.0
"""Seconds after which an unfinished file is considered abandoned by its writer."""


@dataclass(frozen=True)
class Memo:
    """Cache of the results of steps in a folder, for `Pipeline.run(..., memo=...)`; several processes may use it at
    once.

    The key of a result is a SHA-256 over the processor with all its fields, its code (that of the analysis package, and
    the files of custom classes and of their bases), the versions of the packages that do the work, the seed of the
    step, and the keys of its inputs. An input of the pipeline counts by dtype, shape and every bit of its content, the
    result of a step by the key of that step. Entries are written as a whole or not at all. For a damaged entry a
    warning is issued, and the result is computed and written again. The folder can be deleted at any time.

    Parameters
    ----------
    folder : str or path
        The folder; it is created with the first entry.

    Raises
    ------
    InputError
        `folder` exists and is not a folder.

    Examples
    --------
    >>> import tempfile
    >>> from whyset.analysis import AreaPooling, Pipeline, Step
    >>> import numpy as np
    >>> pipeline = Pipeline("pool", (Step("pooled", AreaPooling(2), ("maps",)),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for _ in range(2):  # the second time it is read
    ...         results = pipeline.run({"maps": np.ones((1, 4, 4))}, seed=0, memo=Memo(folder))
    >>> results["pooled"].tolist()
    [[[4.0, 4.0], [4.0, 4.0]]]
    """

    folder: Path
    package: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))
        object.__setattr__(self, "package", package_hash())
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder: choose a folder for the memo.")

    def key(self, given: Any) -> str:
        """Return the key of a value by its content."""
        return digest(given)

    def step_key(self, processor: Processor, inputs: list[str], seed: Mapping[str, int]) -> str:
        """Return the key of the result of a processor for inputs with these keys."""
        parts = {
            "processor": processor.to_dict(),
            "code": self._codes(processor),
            "versions": {package: version_or_none(package) for package in _PACKAGES},
            "seed": dict(seed),
            "inputs": inputs,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Read the entry of this key, or make the value and store it."""
        place = self.folder / f"{key}.memo"
        try:
            return decode(read_regular(place))
        except FileNotFoundError:
            pass
        except DamagedEntryError as error:
            warnings.warn(f"{place} is damaged ({error}); it is computed again", stacklevel=2)
        value = make()
        with explain_disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(place, encode(value))
            self._remove_abandoned(key)
        return value

    def _codes(self, processor: Processor) -> list[str]:
        """Return hashes of the code of a processor and of the processors inside it."""
        kinds = [kind for kind in type(processor).__mro__ if kind.__module__.partition(".")[0] not in _KNOWN]
        nested = [part for value in processor.values() for part in _processors_in(value)]
        return [self.package, *map(code_hash, kinds), *(code for part in nested for code in self._codes(part))]

    def _remove_abandoned(self, key: str) -> None:
        """Delete unfinished files of this entry that killed writers have left."""
        for file in self.folder.glob(f".{key}.memo.*.partial"):
            if time.time() - file.stat().st_mtime > _ABANDONED:
                file.unlink(missing_ok=True)


def _processors_in(value: Any) -> list[Processor]:
    if isinstance(value, Processor):
        return [value]
    return [part for item in value for part in _processors_in(item)] if isinstance(value, tuple | list) else []

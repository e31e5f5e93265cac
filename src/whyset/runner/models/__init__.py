"""Model sources: Python files, torchvision and timm."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.runner.models.file import from_file
from whyset.runner.models.library import from_timm, from_torchvision
from whyset.runner.models.loaded import LoadedModel, layers_hash, weights_hash
from whyset.runner.preprocessing import Preprocessing

__all__ = ["LIBRARIES", "LoadedModel", "ModelSource", "layers_hash", "weights_hash"]

LIBRARIES: Mapping[str, Callable[[str, Path | None], LoadedModel]] = {
    "torchvision": from_torchvision,
    "timm": from_timm,
}


@dataclass(frozen=True)
class ModelSource:
    """A model by name: `file.py:function`, `torchvision:NAME` or `timm:NAME`, with the weights of a checkpoint.

    `preprocessing` takes precedence over that of file and library: a `Preprocessing` replaces it, a mapping changes
    single fields. Loading a model from a file executes that file; with `code_sha256` only if this is the SHA-256 of
    its bytes.
    """

    spec: str
    weights: Path | None = None
    preprocessing: Preprocessing | Mapping[str, Any] | None = None
    code_sha256: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.spec, str) or ":" not in self.spec or not all(self.spec.rpartition(":")[::2]):
            raise InputError(f"model must be file.py:function, torchvision:NAME or timm:NAME, not {self.spec!r}")
        if self.weights is not None:
            object.__setattr__(self, "weights", Path(self.weights))

    @property
    def file(self) -> Path | None:
        """The Python file that makes the model; `None` for a model of a library."""
        return None if self.spec.partition(":")[0] in LIBRARIES else Path(self.spec.rpartition(":")[0])

    def load(self) -> LoadedModel:
        """Build the model, load the weights, and switch it to evaluation mode."""
        maker = LIBRARIES.get(self.spec.partition(":")[0])
        loaded = maker(self.spec, self.weights) if maker else from_file(self.spec, self.weights, self.code_sha256)
        loaded.module.eval()
        return replace(loaded, preprocessing=self._preprocessing(loaded.preprocessing))

    def _preprocessing(self, stated: Preprocessing | None) -> Preprocessing | None:
        if self.preprocessing is None or isinstance(self.preprocessing, Preprocessing):
            return self.preprocessing or stated
        if not self.preprocessing:
            return stated
        before = asdict(stated) if stated else {}
        return Preprocessing.from_mapping({**before, **self.preprocessing}, "the given preprocessing")

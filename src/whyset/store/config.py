"""RunConfig: everything that determined the results of a run, as a value with a hash."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from whyset.errors import BrokenRunError, InputError, RunMismatchError
from whyset.store.jsonfile import JSON, canonical, require_json


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run was made from. Two runs with equal compared fields have equal results.

    `None` in `weights_hash` or `dataset_fingerprint` means unknown (imported runs): such a run is never continued.
    `dataset`, `versions` and `origin` are for people and for repeating a run; they are not compared, because
    a moved folder or a newer package is no other run.

    >>> RunConfig(model="a", weights_hash="x", composite=None, target="label", preprocessing={},
    ...           dataset_fingerprint="y", class_names=("cat",), shard_rows=16).dtype
    'float16'
    """

    model: str
    weights_hash: str | None
    composite: Mapping[str, JSON] | None
    target: str | int
    preprocessing: Mapping[str, JSON]
    dataset_fingerprint: str | None
    class_names: tuple[str, ...]
    shard_rows: int
    dtype: str = "float16"
    seed: int = 0
    dataset: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.shard_rows < 1:
            raise InputError(f"shard_rows is {self.shard_rows}: expected at least 1")
        if self.dtype not in ("float16", "float32"):
            raise InputError(f"dtype is {self.dtype!r}: expected 'float16' or 'float32'")
        for name, value in asdict(self).items():
            require_json(value, f"the field {name!r} of the run's configuration")

    @property
    def hash(self) -> str:
        """SHA-256 over the compared fields."""
        return "sha256:" + hashlib.sha256(canonical(self.compared())).hexdigest()

    def compared(self) -> dict[str, JSON]:
        """The fields that two runs must share to be the same run."""
        return {name: value for name, value in self.to_json().items() if name not in _NOT_COMPARED}

    def to_json(self) -> dict[str, JSON]:
        stored: dict[str, JSON] = {name.name: getattr(self, name.name) for name in fields(self)}
        return stored | {"class_names": list(self.class_names)}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON], where: Path) -> "RunConfig":
        """Rebuild from run.json; fields that this version does not know are from a newer minor version and kept out."""
        known = {name.name for name in fields(cls)}
        try:
            return cls(**{name: value for name, value in stored.items() if name in known})  # type: ignore[arg-type]  # checked in __post_init__
        except (TypeError, InputError) as error:
            raise BrokenRunError(f"{where}: the configuration is damaged: {error}") from error

    def with_shard_rows(self, rows: int) -> "RunConfig":
        return replace(self, shard_rows=rows)


_NOT_COMPARED = frozenset({"dataset", "versions", "origin"})
_UNKNOWN_FORBIDS_RESUME = ("weights_hash", "dataset_fingerprint")


def require_same_config(stored: RunConfig, given: RunConfig, where: Path) -> None:
    """Refuse to continue a run with another configuration, naming every field that differs and both values."""
    for name in _UNKNOWN_FORBIDS_RESUME:
        if getattr(stored, name) is None:
            raise RunMismatchError(f"{where} cannot be continued: its {name} is unknown; choose another folder")
    require_same(stored.compared(), given.compared(), where)


def require_same(stored: JSON, given: JSON, where: Path) -> None:
    """Compare two JSON values and name every place where they differ."""
    there, here = dict(flattened(stored)), dict(flattened(given))
    differing = [name for name in there | here if there.get(name, _ABSENT) != here.get(name, _ABSENT)]
    if not differing:
        return
    lines = "; ".join(
        f"{name} is {_shown(there.get(name, _ABSENT))} there and {_shown(here.get(name, _ABSENT))} here"
        for name in differing[:8]
    )
    more = f"; and {len(differing) - 8} more" if len(differing) > 8 else ""
    raise RunMismatchError(f"{where} is another run: {lines}{more}; choose another folder or the same settings")


def flattened(value: JSON, name: str = "") -> Iterator[tuple[str, JSON]]:
    """Leaves of a JSON value with dotted names; empty containers are leaves."""
    parts: list[tuple[str, JSON]] = []
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(str(number), part) for number, part in enumerate(value)]
    if not parts:
        yield name or "value", list(value) if isinstance(value, tuple) else value
    for key, part in parts:
        yield from flattened(part, f"{name}.{key}" if name else key)


_ABSENT = "(absent)"


def _shown(value: JSON) -> str:
    text = value if value == _ABSENT else repr(value)
    return text if isinstance(text, str) and len(text) <= 80 else f"{str(text)[:77]}..."

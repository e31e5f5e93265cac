"""RunConfig: the configuration that determined the results of a run, with its hash."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

from whyset.errors import BrokenRunError, InputError, RunMismatchError
from whyset.modality import MODALITIES
from whyset.printable import short_dataclass_repr
from whyset.store.jsonfile import JSON, canonical, require_json
from whyset.store.remote import AnyPath

MODEL_OUTPUT = "model output"


def _describe(*, since: str = "1.0", compared: bool = True) -> Mapping[str, Any]:
    """Describe a field of RunConfig, as its `metadata`: the version that added it, and if another value is another run.

    A field since a later version than 1.0 does not count in the hash of a run where it has its default, so that old
    runs keep theirs; one since 1.2 or later is not written then.
    """
    return MappingProxyType({"since": since, "compared": compared})


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The configuration of a run. Two runs with equal compared fields have equal results.

    `target` is "label", "prediction", the index of an output or "top:K"; several of them make several rows per sample.
    `layers` and `concepts` name the layers recorded besides the input, `record` the activations; `reduction`
    "channel_sum" and `pool` (longest side) reduce the maps. `modality` is a name in `whyset.modality.MODALITIES` (None:
    by the shape of the maps), `features` names the columns of tables or the channels, `rate` is the number of positions
    of a series per second.
    `output` is the value of the model that is explained: its output, or for instance "logit before softmax".
    `output_choice` names the output of a model that returns several, and `output_kind` is its kind with its parameters
    where it is not logits: None for scores of exclusive classes.
    `attributor` is the method with its parameters where it is not the gradient by the rules of `composite`, and
    `method_text` describes it for users.
    `None` in `weights_hash` or `dataset_fingerprint` means unknown (imported runs): such a run is never continued.
    `dataset`, `versions` and `origin` are for users and for repeating a run; they are not compared, because
    a moved folder or a newer package does not make another run. Neither is `shard_rows`, which depends on the speed of
    the machine that created the run: continuing it uses the stored value.

    >>> RunConfig(model="a", weights_hash="x", composite=None, target="label", preprocessing={},
    ...           dataset_fingerprint="y", class_names=("cat",), shard_rows=16).dtype
    'float16'
    """

    model: str
    weights_hash: str | None
    composite: Mapping[str, JSON] | None
    target: str | int | tuple[str | int, ...]
    preprocessing: Mapping[str, JSON]
    dataset_fingerprint: str | None
    class_names: tuple[str, ...]
    shard_rows: int = field(metadata=_describe(compared=False))
    dtype: str = "float16"
    seed: int = 0
    layers: tuple[str, ...] = field(default=(), metadata=_describe(since="1.1"))
    concepts: tuple[str, ...] = field(default=(), metadata=_describe(since="1.1"))
    record: tuple[str, ...] = field(default=(), metadata=_describe(since="1.3"))
    reduction: str = field(default="none", metadata=_describe(since="1.1"))
    pool: int | None = field(default=None, metadata=_describe(since="1.1"))
    targets_per_sample: int = field(default=1, metadata=_describe(since="1.1"))
    modality: str | None = field(default=None, metadata=_describe(since="1.2"))
    features: tuple[str, ...] = field(default=(), metadata=_describe(since="1.2"))
    rate: float | None = field(default=None, metadata=_describe(since="1.2"))
    output: str = field(default=MODEL_OUTPUT, metadata=_describe(since="1.3"))
    output_choice: str | int | Mapping[str, JSON] | None = field(default=None, metadata=_describe(since="1.3"))
    output_kind: Mapping[str, JSON] | None = field(default=None, metadata=_describe(since="1.3"))
    attributor: Mapping[str, JSON] | None = field(default=None, metadata=_describe(since="1.3"))
    method_text: str = field(default="", metadata=_describe(since="1.3", compared=False))
    dataset: str = field(default="", metadata=_describe(compared=False))
    versions: Mapping[str, str] = field(default_factory=dict, metadata=_describe(compared=False))
    origin: Mapping[str, JSON] = field(default_factory=dict, metadata=_describe(compared=False))

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    def __post_init__(self) -> None:
        for name in _TUPLES:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.target, list):
            object.__setattr__(self, "target", tuple(self.target))
        self._check_rows()
        _require_choice("dtype", self.dtype, ("float16", "float32"))
        _require_choice("reduction", self.reduction, ("none", "channel_sum"))
        if self.pool is not None and self.pool < 1:
            raise InputError(f"pool is {self.pool}: expected the longest side of the maps, at least 1, or None")
        if self.modality is not None:
            _require_choice("modality", self.modality, tuple(MODALITIES))
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise InputError(f"rate is {self.rate}: expected positions per second, above 0, or None")
        for name, value in asdict(self).items():
            require_json(value, f"the field {name!r} of the run's configuration")

    def _check_rows(self) -> None:
        if self.shard_rows < 1 or self.targets_per_sample < 1:
            rows, each = self.shard_rows, self.targets_per_sample
            raise InputError(f"shard_rows is {rows} and targets_per_sample is {each}: expected at least 1")
        if self.shard_rows % self.targets_per_sample:
            raise InputError(
                f"shard_rows is {self.shard_rows}: expected a multiple of the {self.targets_per_sample} targets per "
                "sample, so that a sample's rows are in one shard"
            )

    @property
    def method(self) -> str:
        """Name of the composite, "gradient" without one, or the description of another method."""
        if self.attributor is not None:
            return self.method_text or str(self.attributor.get("name"))
        return "gradient" if self.composite is None else str(self.composite.get("name"))

    @property
    def output_kind_name(self) -> str:
        """Name of the kind of the outputs."""
        return "logits" if self.output_kind is None else str(self.output_kind.get("name"))

    @property
    def has_predictions(self) -> bool:
        """True if the model predicts one class of each sample, which is compared with its label."""
        return self.output_kind_name not in ("multilabel", "regression", "dense", "embedding")

    @property
    def hash(self) -> str:
        """SHA-256 over the compared fields and `shard_rows`, which binds a commit to the layout of its run.

        Fields added since schema 1.0 count only if they differ from their default.
        """
        counted = self.get_compared_fields() | {"shard_rows": self.shard_rows}
        hashed = {name: value for name, value in counted.items() if value != _ADDED.get(name, MISSING)}
        return "sha256:" + hashlib.sha256(canonical(hashed)).hexdigest()

    def get_compared_fields(self) -> dict[str, JSON]:
        """Return the fields that must be equal to continue a run."""
        return {name: value for name, value in self.to_json().items() if name not in _NOT_COMPARED}

    def to_json(self) -> dict[str, JSON]:
        """Return all fields; those of modality, output and method only if they differ from their default."""
        stored: dict[str, JSON] = {name.name: getattr(self, name.name) for name in fields(self)}
        lists = {name: list(value) if isinstance(value, tuple) else value for name, value in stored.items()}
        return {name: value for name, value in lists.items() if name not in _OMITTED or value != _OMITTED[name]}

    @classmethod
    def from_json(cls, stored: Mapping[str, JSON], where: AnyPath) -> "RunConfig":
        """Rebuild from run.json; unknown fields are from a newer minor version and are ignored."""
        known = {name.name for name in fields(cls)}
        try:
            _require_types(stored)
            return cls(**{name: value for name, value in stored.items() if name in known})  # type: ignore[arg-type]  # checked in __post_init__
        except (TypeError, InputError) as error:
            raise BrokenRunError(f"{where}: the configuration is damaged: {error}") from error

    def with_shard_rows(self, rows: int) -> "RunConfig":
        return replace(self, shard_rows=rows)


def _require_types(stored: Mapping[str, JSON]) -> None:
    """Raise TypeError if a field has a type that this program does not write."""
    for name, types in _TYPES.items():
        if name in stored and type(stored[name]) not in types:
            raise TypeError(f"{name!r} is {type(stored[name]).__name__}: expected {' or '.join(map(_name, types))}")
    for name in (*_TUPLES, "target"):
        parts = stored.get(name)
        kinds = (str, int) if name == "target" else (str,)
        if isinstance(parts, list) and not all(type(part) in kinds for part in parts):
            raise TypeError(
                f"{name!r} is a list of {' and '.join(sorted({_name(type(part)) for part in parts}))}: "
                f"expected {' or '.join(map(_name, kinds))}"
            )


def _name(kind: type) -> str:
    return kind.__name__


def _list_types(annotation: Any) -> tuple[type, ...]:
    """Return the types that a field may have in JSON."""
    kinds = [get_origin(kind) or kind for kind in (get_args(annotation) or (annotation,))]
    if get_origin(annotation) not in (Union, UnionType):
        kinds = [get_origin(annotation) or annotation]
    named = {Mapping: (dict,), tuple: (list,), float: (int, float)}
    return tuple(type_ for kind in kinds for type_ in named.get(kind, (kind,)))


def _get_default(described: "Field[Any]") -> Any:
    default = described.default if described.default_factory is MISSING else described.default_factory()
    return list(default) if isinstance(default, tuple) else default


_TYPES = {each.name: _list_types(each.type) for each in fields(RunConfig)}
_TUPLES = tuple(name for name, types in _TYPES.items() if types == (list,))
_NOT_COMPARED = frozenset(each.name for each in fields(RunConfig) if not each.metadata.get("compared", True))
_ADDED = {each.name: _get_default(each) for each in fields(RunConfig) if each.metadata.get("since", "1.0") > "1.0"}
"""Fields that schema 1.0 lacks, and their values in its runs: so old runs keep their hash."""
_OMITTED = {each.name: _get_default(each) for each in fields(RunConfig) if each.metadata.get("since", "1.0") > "1.1"}
"""Fields that are omitted if they have these values."""

_UNKNOWN_FORBIDS_RESUME = ("weights_hash", "dataset_fingerprint")
_CHOOSE_DATA = ("input", "limit")
"""Options of the origin that change the fingerprint of the data set."""


def _require_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}: expected {' or '.join(map(repr, allowed))}")


def require_same_config(stored: RunConfig, given: RunConfig, where: AnyPath) -> None:
    """Raise RunMismatchError for another configuration, naming every field that differs and both values."""
    for name in _UNKNOWN_FORBIDS_RESUME:
        if getattr(stored, name) is None:
            raise RunMismatchError(f"{where} cannot be continued: its {name} is unknown; choose another folder")
    there, here = stored.get_compared_fields(), given.get_compared_fields()
    if stored.dataset_fingerprint != given.dataset_fingerprint:  # which options explain it?
        known = [name for name in _CHOOSE_DATA if name in stored.origin and name in given.origin]
        there = {name: stored.origin[name] for name in known} | there
        here = {name: given.origin[name] for name in known} | here
    require_same(there, here, where)


def require_same(stored: JSON, given: JSON, where: AnyPath) -> None:
    """Compare two JSON values; RunMismatchError names every place where they differ."""
    there, here = dict(flatten(stored)), dict(flatten(given))
    differing = [name for name in there | here if there.get(name, _ABSENT) != here.get(name, _ABSENT)]
    if not differing:
        return
    lines = "; ".join(
        f"{name} is {_format_value(there.get(name, _ABSENT))} there and {_format_value(here.get(name, _ABSENT))} here"
        for name in differing[:8]
    )
    more = f"; and {len(differing) - 8} more" if len(differing) > 8 else ""
    raise RunMismatchError(f"{where} is another run: {lines}{more}; choose another folder or the same settings")


def flatten(value: JSON, name: str = "") -> Iterator[tuple[str, JSON]]:
    """Yield the leaves of a JSON value with dotted names; empty containers are leaves."""
    parts: list[tuple[str, JSON]] = []
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(str(number), part) for number, part in enumerate(value)]
    if not parts:
        yield name or "value", list(value) if isinstance(value, tuple) else value
    for key, part in parts:
        yield from flatten(part, f"{name}.{key}" if name else key)


_ABSENT = "(absent)"


def _format_value(value: JSON) -> str:
    text = value if value == _ABSENT else repr(value)
    return text if isinstance(text, str) and len(text) <= 80 else f"{str(text)[:77]}..."

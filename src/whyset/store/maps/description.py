"""Description of maps by the user: what they explain, of which model, by which method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

from whyset.errors import InputError
from whyset.modality import MODALITIES
from whyset.store.config import RunConfig
from whyset.store.jsonfile import JSON
from whyset.store.modality import get_modality

ORIGIN = "imported_from"
ARRAYS = "arrays"
"""The value of `imported_from` in the origin of runs made of given maps."""

UNKNOWN_TARGET, GIVEN_TARGETS = "unknown", "given"
"""Targets of a run whose explained outputs are not known, or are given for each sample."""

TARGETS = ("label", "prediction")


@dataclass(frozen=True, kw_only=True)
class MapsDescription:
    """Description of given relevance maps; None where something is not known.

    `target` is "label", "prediction" or the index of the explained output; `method` and `model` are names to show.
    `modality`, `features` and `rate` are as in `explain`.
    """

    modality: str | None = None
    features: Sequence[str] | None = None
    rate: float | None = None
    class_names: Sequence[str] | None = None
    target: str | int | None = None
    dtype: str = "float16"
    method: str = "given maps"
    model: str = "unknown model"
    dataset: str = ""

    def __post_init__(self) -> None:
        if self.modality is not None and self.modality not in MODALITIES:
            raise InputError(f"modality is {self.modality!r}: expected {', '.join(map(repr, MODALITIES))} or None")
        for name in ("features", "class_names"):
            object.__setattr__(self, name, _read_names(name, getattr(self, name)))
        if self.rate is not None and (isinstance(self.rate, bool) or not isinstance(self.rate, Real)):
            raise InputError(f"rate is {self.rate!r}: expected positions of a series per second")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise InputError(f"rate is {self.rate!r}: expected positions of a series per second, above 0")
        if self.dtype not in ("float16", "float32"):
            raise InputError(f"dtype is {self.dtype!r}: expected 'float16' or 'float32'")
        for name in ("method", "model", "dataset"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} is {getattr(self, name)!r}: expected a text")
        self._check_target()

    def _check_target(self) -> None:
        target = self.target
        if target is None or target in TARGETS:
            return
        if isinstance(target, bool) or not isinstance(target, int) or target < 0:
            raise InputError(
                f"target is {target!r}: expected 'label', 'prediction', an index of an output, or one for each map"
            )

    def make_config(
        self,
        modality: str,
        shape: tuple[int, ...],
        class_names: tuple[str, ...],
        shard_rows: int,
        preprocessing: Mapping[str, JSON],
        origin: Mapping[str, JSON],
        *,
        given_targets: bool,
    ) -> RunConfig:
        """Make the configuration of the run; weights and data are unknown, so `explain` never continues it."""
        target = UNKNOWN_TARGET if self.target is None else self.target
        return RunConfig(
            model=self.model,
            weights_hash=None,
            composite={"name": self.method, "fields": {}},
            target=GIVEN_TARGETS if given_targets else target,
            preprocessing=preprocessing,
            dataset_fingerprint=None,
            class_names=class_names,
            shard_rows=shard_rows,
            dtype=self.dtype,
            modality=None if get_modality(None, shape) == modality else modality,
            features=tuple(self.features or ()),
            rate=None if self.rate is None else float(self.rate),
            dataset=self.dataset,
            origin={ORIGIN: ARRAYS, **origin},
        )


def _read_names(what: str, names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple; InputError: not texts, or one occurs twice."""
    if names is None:
        return None
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise InputError(f"{what} is {names!r}: expected a sequence of names, such as ['cat', 'dog']")
    found = tuple(names)
    stranger = next((name for name in found if not isinstance(name, str)), None)
    if stranger is not None:
        raise InputError(f"{what} holds {stranger!r}: expected texts, such as {str(stranger)!r}")
    plain = tuple(map(str, found))  # numpy's texts are not JSON's
    repeated = next((name for name in plain if plain.count(name) > 1), None) if len(set(plain)) < len(plain) else None
    if repeated is not None:
        raise InputError(f"{what}: {repeated!r} occurs more than once: expected different names")
    return plain

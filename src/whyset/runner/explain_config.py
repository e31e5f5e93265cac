"""The options of `explain`, checked, and what is made of them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from whyset.arguments import require_timeout, seed_number, whole_number
from whyset.attribution.attributors.model_output import check_output_choice
from whyset.attribution.composites import Composite
from whyset.attribution.methods import GradientMethod, Method
from whyset.errors import InputError
from whyset.options.explain import ExplainOptions
from whyset.options.option import list_options
from whyset.runner.activations import AUTO as AUTO_RECORD
from whyset.runner.activations import is_auto, parse_records
from whyset.runner.composites import AUTO, NamedComposite, name_composite
from whyset.runner.data_spec import DataSpec
from whyset.runner.input_codecs import InputCodec, require_used
from whyset.runner.labels import Labels
from whyset.runner.methods import resolve_method
from whyset.runner.models import ModelSource
from whyset.runner.output_kinds import as_output_kind
from whyset.runner.output_spec import OutputSpec
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.reduction import Reduction
from whyset.runner.sources import ArrayFileSource, Source, SpreadSource, WavFolderSource, as_source, is_source
from whyset.runner.sources.source import get_structure
from whyset.runner.sources.structured import get_given, open_structured
from whyset.runner.targets import Targets, choose_targets
from whyset.store import RunConfig
from whyset.store.jsonfile import JSON

OF_ORIGIN = "origin."
"""Begins the names of options that are kept for a repetition, and are not part of the configuration."""


@dataclass(frozen=True, eq=False)
class ExplainConfig(ExplainOptions):
    """Configuration of `explain`: its options, checked; see there.

    The targets, the modality with what describes the data, and the names of the outputs are properties, which combine
    options.
    """

    def __post_init__(self) -> None:
        for name in ("batch_size", "limit", "pool"):
            given = getattr(self, name)
            if given is not None or name == "batch_size":
                object.__setattr__(self, name, whole_number(name, given, 1))
        object.__setattr__(self, "seed", seed_number(self.seed))
        for name in ("layers", "concepts"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        records = tuple(map(str, parse_records(self.record)))
        object.__setattr__(self, "record", AUTO_RECORD if is_auto(self.record) else records)
        require_timeout("stall_timeout", self.stall_timeout)
        check_output_choice(self.output)
        _check_input(self.input)
        self._require_usable_preprocessing()
        method, composite = resolve_method(self.method, self.composite)
        object.__setattr__(self, "method", method)
        object.__setattr__(self, "composite", composite)
        early = self.with_composite("epsilon_plus") if self.is_auto else self
        early.get_outputs(Preprocessing())  # refuses invalid options before models and data are read
        _ = self.labels, self.data_spec

    @property
    def labels(self) -> Labels | None:
        """The names of the model's outputs."""
        given = self.class_names
        return given if isinstance(given, Labels | None) else Labels.of(given)

    @cached_property
    def data_spec(self) -> DataSpec:
        """The description of the data."""
        return DataSpec(self.modality, self.features, self.rate, self.tokens)

    @property
    def is_auto(self) -> bool:
        """True if the composite is still to be chosen for the model."""
        if isinstance(self.method, Method):
            return self.method.composite_name == AUTO
        return isinstance(self.composite, NamedComposite) and self.composite.name == AUTO

    @property
    def pads_texts(self) -> bool:
        """True if texts of different lengths are padded to one."""
        alone = isinstance(self.method, Method) and not isinstance(self.method, GradientMethod)
        return bool(self.layers or self.concepts or parse_records(self.record)) or not (alone or self.batch_size == 1)

    def with_composite(self, name: str) -> "ExplainConfig":
        """Return a copy with the chosen composite."""
        if isinstance(self.method, Method):
            return replace(self, method=self.method.with_composite(name))
        assert isinstance(self.composite, NamedComposite)
        return replace(self, composite=replace(self.composite, name=name))

    def keep_layers(self, stored: RunConfig) -> "ExplainConfig":
        """Return a copy that records what a run does that it continues, if layers were to be chosen."""
        if not is_auto(self.record):
            return self
        return replace(self, concepts=tuple(self.concepts) or stored.concepts, record=stored.record)

    def get_outputs(self, preprocessing: InputCodec) -> OutputSpec:
        """Return the outputs of every sample, for the given preprocessing."""
        return OutputSpec(
            method=self._make_method(preprocessing),
            targets=Targets.of(choose_targets(self.target, self.targets)),
            choice=self.output,
            kind=as_output_kind(self.output_kind),
            layers=tuple(self.layers),
            concepts=tuple(self.concepts),
            records=parse_records(self.record),
            chooses_layers=is_auto(self.record),
            reduction=Reduction(self.reduction, self.pool),
            dtype=self.dtype,
        )

    def _make_method(self, preprocessing: InputCodec) -> Method:
        """Return the method with the composite that its name stands for."""
        if isinstance(self.method, Method):
            name = self.method.composite_name
            return self.method if name is None else self.method.with_composite(NamedComposite(name).make(preprocessing))
        composite = name_composite(self.composite)
        return GradientMethod(composite if isinstance(composite, Composite) else composite.make(preprocessing))

    def source(self, stated: InputCodec | None, model: torch.nn.Module) -> Source:
        """Make the source of the samples of a model; `stated` is the preprocessing stated with it."""
        given = self.preprocessing or stated
        structured = open_structured(self.dataset, given, self.labels, model, self.input, self.data_spec.tokens)
        if structured is None and self.input is not None:
            raise InputError(
                f"input {self.input!r} chooses one of several inputs, but the samples have a single one: leave it out "
                "(input=, --input)"
            )
        source = structured or as_source(self.dataset, given, self.labels)
        if self._explicit_preprocessing is not None:  # or nothing is measured yet
            require_used(source.preprocessing)
        return source if self.limit is None else SpreadSource(source, self.limit)

    @property
    def _explicit_preprocessing(self) -> Preprocessing | Mapping[str, Any] | None:
        """The preprocessing given by an argument or by options of the command line; sources have their own."""
        of_model = self.model.preprocessing if isinstance(self.model, ModelSource) else None
        return None if is_source(self.dataset) else self.preprocessing or of_model or None

    def _require_usable_preprocessing(self) -> None:
        given = self.preprocessing
        if given is None:
            return
        if not isinstance(given, Preprocessing):
            raise InputError(f"preprocessing must be a whyset.runner.Preprocessing, not {type(given).__name__}")
        if is_source(self.dataset):
            kind = type(self.dataset).__name__
            raise InputError(
                f"preprocessing cannot be combined with a source, which has its own: give it to {kind}(...) instead"
            )

    def get_kept(self) -> dict[str, Any]:
        """Return the options whose values run.json keeps in the configuration, by field."""
        return {place: getattr(self, name) for name, place in list_kept().items() if not place.startswith(OF_ORIGIN)}

    def origin(self, source: Source, device: torch.device, code_hash: str | None) -> dict[str, JSON]:
        """Return what `rerun` needs besides the compared configuration; `None` for objects of this process only."""
        labels, structure, places = self.labels, get_structure(source), list_kept()
        return {
            **{
                place.removeprefix(OF_ORIGIN): getattr(self, name)
                for name, place in places.items()
                if OF_ORIGIN in place
            },
            "model": _model_origin(self.model, code_hash),
            "data": _data_origin(get_given(source)),
            "labels": None if labels is None else {"names": list(labels.names), "indices": dict(labels.indices)},
            "input": None if structure is None else structure.explained,
            "tokens": self.data_spec.tokens_path,
            "device": str(device),
        }


def list_kept() -> dict[str, str]:
    """Return the field of run.json for each option that it keeps."""
    return {each.name: each.kept for each in list_options(ExplainOptions) if each.kept is not None}


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_input(given: object) -> None:
    """Raise InputError unless one input is chosen, by its name or its position."""
    if given is not None and (isinstance(given, bool) or not isinstance(given, str | int)):
        raise InputError(
            f"input is {given!r}: expected the name or the position of the one input that is explained; explain "
            "another one in a run of its own"
        )


def _names(what: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, Iterable):
        raise InputError(f"{what}: expected names of modules, got {given!r}")
    return (given,) if isinstance(given, str) else tuple(given)


def _model_origin(model: torch.nn.Module | ModelSource, code_hash: str | None) -> JSON:
    if not isinstance(model, ModelSource):
        return None
    file, _, function = model.spec.rpartition(":")
    spec = f"{Path(file).resolve()}:{function}" if Path(file).is_file() else model.spec
    weights = model.weights
    return {
        "spec": spec,
        "code_sha256": code_hash,
        "weights": None if weights is None else str(weights.resolve()),
        "weights_sha256": None if weights is None else file_hash(weights),
    }


def _data_origin(source: Source) -> JSON:
    path = getattr(source, "path", None)
    if path is None:
        return None
    more: dict[str, JSON] = {}
    if isinstance(source, ArrayFileSource):
        more = {"images": source.images, "labels": source.labels_name}
    if isinstance(source, WavFolderSource):
        more = {"seconds": source.seconds}
    return {"path": str(Path(path).resolve()), **more}

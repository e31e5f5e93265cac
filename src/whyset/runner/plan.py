"""The plan of a run: everything that is known before its first shard."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from whyset.attribution import to_dict
from whyset.attribution.methods import GradientMethod
from whyset.modality import IMAGE
from whyset.runner.activity import Activity
from whyset.runner.devices import placement
from whyset.runner.explain_config import ExplainConfig
from whyset.runner.made_here import with_mark
from whyset.runner.models import LoadedModel, weights_hash
from whyset.runner.output_kinds import Logits
from whyset.runner.output_spec import OutputSpec, describe_choice
from whyset.runner.probe import DataProbe, probe
from whyset.runner.sources import Source, get_columns
from whyset.runner.sources.codec_choice import check_range
from whyset.runner.sources.structured import get_given
from whyset.runner.structured_model import get_inner
from whyset.runner.versions import versions
from whyset.store import ArraySpec, Check, Run, RunConfig, open_run
from whyset.store.create import create_run, require_free_space
from whyset.store.default_arrays import (
    OUTPUT_COLUMNS,
    RELEVANCE_COLUMNS,
    estimate_bytes,
    shard_rows_for,
    shard_rows_within,
    standard_arrays,
)
from whyset.store.layout import is_run
from whyset.store.modality import get_modality
from whyset.store.remote import AnyPath
from whyset.store.samples import samples_table


@dataclass(frozen=True, eq=False)
class RunPlan:
    """The planned run: its configuration, samples and arrays."""

    config: RunConfig
    source: Source
    arrays: Sequence[ArraySpec]
    shape: tuple[int, ...]
    wanted: OutputSpec
    example: torch.Tensor
    checks: tuple[Check, ...]
    words: Sequence[Sequence[str]] | None = None
    notes: tuple[str, ...] = ()
    """Reasons why layers are not recorded by default."""
    fixed: bool = False
    """True if `config.shard_rows` must be kept; otherwise it is an upper bound."""

    @classmethod
    def of(
        cls,
        loaded: LoadedModel,
        source: Source,
        wanted: OutputSpec,
        request: ExplainConfig,
        kept: AnyPath | None = None,
        activity: Activity | None = None,
    ) -> "RunPlan":
        """Probe a few samples and plan the run; `kept` is the run that is continued or repeated."""
        kind = request.data_spec.complete(source)
        found = probe(loaded.module, source, wanted, request.labels, kind, kept, activity)
        given, source, wanted = source, found.source, found.wanted
        modality = kind.of(found.shape, integers=found.integers)
        arrays = plan_arrays(found, request.inputs, modality)
        each = wanted.targets.count
        computed = {
            "model": loaded.name if loaded.code_hash is None else f"{loaded.name} (code {loaded.code_hash[:12]})",
            "weights_hash": weights_hash(get_inner(loaded.module)),
            "composite": to_dict(wanted.composite),
            "attributor": None if isinstance(wanted.method, GradientMethod) else wanted.method.to_dict(),
            "method_text": "" if isinstance(wanted.method, GradientMethod) else wanted.method.describe(),
            "target": wanted.targets.to_text(),
            "preprocessing": source.preprocessing.to_dict(),
            "dataset_fingerprint": source.fingerprint(),
            "class_names": found.class_names,
            "shard_rows": shard_rows_for(arrays, each, each * len(source)),
            "targets_per_sample": each,
            **kind.get_fields(modality, found.shape),
            "concepts": wanted.concepts,
            "record": tuple(map(str, wanted.records)),
            "output": wanted.output.value,
            "output_choice": describe_choice(wanted.choice),
            "output_kind": None if type(wanted.kind) is Logits else wanted.kind.to_dict(),
            "dataset": describe_data(given),
            "versions": versions(),
            "origin": request.origin(given, placement(loaded.module)[0], loaded.code_hash),
        }
        unmarked = RunConfig(**(request.get_kept() | computed))
        return cls(
            config=with_mark(unmarked),
            source=source,
            arrays=arrays,
            shape=found.shape,
            wanted=wanted,
            example=found.example,
            checks=(*found.checks, *check_range(given)),
            words=kind.words(source, found.shape[-1]),
            notes=found.notes,
        )

    @property
    def modality(self) -> str:
        return get_modality(self.config.modality, self.shape)

    @property
    def rows(self) -> int:
        return len(self.source) * self.config.targets_per_sample

    @property
    def scores(self) -> int:
        """The number of scores of the model."""
        return self.wanted.targets.outputs or 0

    def describe(self) -> str:
        shape = "x".join(map(str, self.arrays[0].shape))
        size = estimate_bytes(self.arrays, self.rows, self.config.targets_per_sample)
        more = [f"layer {name}" for name in self.config.layers] + [
            f"channels of {name}" for name in self.config.concepts
        ]
        more += [str(record) for record in self.wanted.records]
        recorded = f" and {', '.join(more)}" if more else ""
        what = "" if self.modality == IMAGE else f"{self.modality} of "
        each = self.config.targets_per_sample
        count = f"{self.rows:,} explanations of {len(self.source):,} samples" if each > 1 else f"{self.rows:,} samples"
        return f"{count}: relevance maps of {what}{shape}{recorded}, about {size / 1e6:,.1f} MB"

    def open(self, out: AnyPath, seconds_per_row: Callable[[], float]) -> Run:
        """Create the run with shards of at most about a minute, or continue it with its shards."""
        classes = self.scores  # a sample with another label fails, and has none in the table
        labels = [int(label) if 0 <= label < classes else None for label in self.source.labels]
        table = samples_table(
            self.source.ids,
            labels,
            self.source.uris,
            self.config.targets_per_sample,
            self.words,
            get_columns(self.source),
        )
        config = self.config if is_run(out) else self.config.with_shard_rows(self._shard_rows(seconds_per_row))
        return create_run(out, config, table, self.arrays)

    def _shard_rows(self, seconds_per_row: Callable[[], float]) -> int:
        """Return the rows per shard; the speed is only measured if it can make a difference."""
        most, each = self.config.shard_rows, self.config.targets_per_sample
        fewest = shard_rows_within(math.inf, most, each)
        if self.fixed or fewest == most or self.rows <= fewest:
            return most
        return shard_rows_within(seconds_per_row(), most, each)

    def require_space(self, out: AnyPath) -> None:
        """Raise InputError if the disk is too small for the missing rows."""
        missing = int((~open_run(out).committed).sum()) if is_run(out) else self.rows
        require_free_space(out, self.arrays, missing, self.config.targets_per_sample)


def plan_arrays(found: DataProbe, inputs: bool, modality: str) -> tuple[ArraySpec, ...]:
    """Return the arrays of a run whose samples are like the probed ones."""
    wanted = found.wanted
    shape = wanted.reduction.shape(found.shape)  # refuses maps that cannot be reduced
    arrays = standard_arrays(
        (found.channels, *shape[1:]) if len(shape) > 1 else shape,
        input_shape=found.shape if inputs else None,
        dtype=wanted.dtype,
        layers=found.layers,
        concepts=found.concepts,
        activations=found.activations,
        modality=modality,
    )
    return (*arrays, *RELEVANCE_COLUMNS, *(OUTPUT_COLUMNS[name] for name in wanted.kind.columns))


def describe_data(source: Source) -> str:
    """Return the path of the data, or its type."""
    given = get_given(source)
    return str(getattr(given, "path", type(given).__name__))

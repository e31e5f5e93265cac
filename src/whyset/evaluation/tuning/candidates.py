"""The candidates of a tuning: presets and configurations, measured on the tuning samples."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from whyset.attribution.methods import GradientMethod, Method
from whyset.errors import InputError, WhysetError
from whyset.evaluation.measuring import describe_metric
from whyset.evaluation.metrics import Metric
from whyset.evaluation.tuning.layers import LinearLayers
from whyset.evaluation.tuning.samples import TuningSamples
from whyset.evaluation.tuning.search import search
from whyset.evaluation.tuning.space import STARTS, Configuration, find_axes, fit_start, make_composite
from whyset.runner.composites import AUTO, NamedComposite
from whyset.runner.default_composite import choose_composite
from whyset.runner.input_codecs import InputCodec
from whyset.store.tunings import TuningCandidate, TuningJournal

FAILURES = (WhysetError, RuntimeError, ValueError, TypeError, IndexError, AttributeError, NotImplementedError)
"""What a method may raise for a model that it does not apply to; others are errors of the program."""


@dataclass(eq=False)
class CandidateMeter:
    """Measures candidates, once each, and keeps their methods.

    Parameters
    ----------
    samples : TuningSamples
        The tuning samples.
    metric : Metric
        The metric that chooses.
    codec : InputCodec
        The preprocessing of the data, which knows the range of pixels.
    modality : str
        The kind of samples.
    layers : LinearLayers
        The linear operations of the model.
    journal : TuningJournal
        Where finished candidates are kept.
    report : callable
        Called for each finished candidate.
    """

    samples: TuningSamples
    metric: Metric
    codec: InputCodec
    modality: str
    layers: LinearLayers
    journal: TuningJournal
    report: Callable[[TuningCandidate], None]
    methods: dict[str, Method] = field(default_factory=dict)
    required: Any = None  # ndarray of bool: the samples for which a preset is defined

    @property
    def bounds(self) -> tuple[Tensor, Tensor] | None:
        """The inputs for black and white."""
        return self.codec.bounds()

    def has_rules(self, one: TuningCandidate) -> bool:
        """True for a candidate whose maps are relevance by rules, not a gradient or another method."""
        method = self.methods.get(one.name)
        return isinstance(method, GradientMethod) and method.conserving

    def find(self, one: TuningCandidate | None) -> Method | None:
        """Return the method of a candidate; None for None."""
        return None if one is None else self.methods[one.name]

    def measure_presets(self, given: Mapping[str, Method | str]) -> list[TuningCandidate]:
        """Measure the presets; one that is not defined for samples for which another one is has a problem."""
        found = [self._measure(name, "preset", partial(self._make_preset, one)) for name, one in given.items()]
        defined = [_find_defined(one) for one in found if one.problem is None]
        if not defined:
            raise InputError(f"no preset can be measured; {found[0].name}: {found[0].problem}")
        self.required = np.logical_or.reduce(defined)
        if not self.required.any():
            raise InputError(
                f"metric {describe_metric(self.metric)} is not defined for any tuning sample by any preset: give "
                "another metric, or other masks if it needs them"
            )
        return [self._require_defined(one) for one in found]

    def search(self, presets: Iterable[TuningCandidate], budget: int) -> list[TuningCandidate]:
        """Measure configurations, from that of the best preset with rules on."""
        sign = 1 if self.metric.better == "higher" else -1
        known = {one.name: one.value * sign for one in presets if one.name in STARTS and one.value is not None}
        start = STARTS[max(known, key=lambda name: known[name])] if known else Configuration()
        axes = find_axes(self.layers, self.bounds)
        found: list[TuningCandidate] = []

        def measure(configuration: Configuration) -> float | None:
            make = partial(self._make_searched, configuration)
            one = self._measure(configuration.describe(), "searched", make, configuration)
            found.append(self._require_defined(one))
            return None if found[-1].value is None else found[-1].value * sign

        search(fit_start(start, axes), axes, measure, budget)
        return found

    def _make_searched(self, configuration: Configuration) -> Method:
        return GradientMethod(make_composite(configuration, self.layers, self.bounds))

    def _make_preset(self, given: Method | str) -> Method:
        """Return a preset with everything that follows from the model and the data; InputError: it does not apply."""
        method = GradientMethod(NamedComposite(given).make(self.codec)) if isinstance(given, str) else given
        if self.modality not in method.modalities:
            raise InputError(f"it does not explain samples of modality {self.modality}")
        name = method.composite_name
        if name == AUTO:
            name = choose_composite(self.samples.model, self.samples.x[:1], self.modality).name
        if name is not None:
            method = method.with_composite(NamedComposite(name).make(self.codec))
        return method.resolve(self.samples.model, self.samples.x[:1])

    def _measure(
        self, name: str, kind: Any, make: Callable[[], Method], configuration: Configuration | None = None
    ) -> TuningCandidate:
        stored = None if configuration is None else configuration.to_dict()
        one = TuningCandidate(name, kind, {}, stored)
        try:
            method = make()
            one = replace(one, method=method.to_dict())
            self.methods[name] = method
            kept = self.journal.find(name, one.method)
            if kept is not None:
                self.report(kept)
                return kept
            measured = self.samples.measure(self.metric, method)
        except FAILURES as error:
            one = replace(one, problem=describe_failure(error))
        else:  # a full disk is not a problem of the candidate
            one = replace(one, values=measured.values, seconds=measured.seconds)
            self.journal.write(one)
        self.report(one)
        return one

    def _require_defined(self, one: TuningCandidate) -> TuningCandidate:
        if one.problem is not None:
            return one
        missing = int((self.required & ~_find_defined(one)).sum())
        if not missing:
            return one
        return replace(one, problem=f"the metric is not defined for {missing} samples for which it is for others")


def _find_defined(one: TuningCandidate) -> Any:
    return np.array([value is not None for value in one.values], bool)


def describe_failure(error: Exception) -> str:
    """Return the type and the message of an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]

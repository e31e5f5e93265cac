"""The configuration of `tune`, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from whyset.arguments import seed_number, whole_number
from whyset.attribution.methods import Method
from whyset.errors import InputError
from whyset.evaluation.config import make_metrics
from whyset.evaluation.metrics import Metric, RelevanceGain, as_metric
from whyset.evaluation.tuning.presets import resolve_presets
from whyset.options.tune import TuneOptions
from whyset.runner.tuned_methods import SUFFIX
from whyset.store.tunings.files import refuse_existing
from whyset.store.tunings.journal import locate_journal

LEAST = 8
"""The smallest number of tuning samples, and of held-out ones: with fewer, no p-value is below 0.05 by much."""
OF_RUN = (
    *("target", "output", "output_kind", "class_names", "batch_size", "device", "seed", "modality", "rate"),
    "preprocessing",
)
"""The options that are those of `explain`."""
_PARTS = 8
_STEPS = 8


@dataclass(frozen=True, eq=False)
class TuneConfig(TuneOptions):
    """Configuration of `tune`: its options, checked; see there."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seed_number(self.seed))
        for name, least in (("n_candidates", 1), ("n_samples", LEAST), ("n_held_out", LEAST), ("batch_size", 1)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least))
        if self.metric is not None:
            object.__setattr__(self, "metric", self._require_ranking(as_metric(self.metric)))
        object.__setattr__(self, "other_metrics", make_metrics(self.other_metrics) if self.other_metrics else ())
        object.__setattr__(self, "presets", resolve_presets(self.presets))
        if self.out is not None:
            self._check_out(Path(self.out))

    @property
    def out_path(self) -> Path | None:
        """The file to write."""
        return None if self.out is None else Path(self.out)

    @property
    def named_presets(self) -> Mapping[str, Method | str]:
        """The presets by name."""
        found: Any = self.presets  # converted by __post_init__
        return found  # type: ignore[no-any-return]

    @property
    def others(self) -> tuple[Metric, ...]:
        """The metrics of other properties."""
        found: Any = self.other_metrics  # converted by __post_init__
        return tuple(found)

    def choose_metric(self, x: Tensor) -> Metric:
        """Return the metric that chooses: the given one, or the relevance gain for inputs of this shape."""
        found: Any = self.metric
        return found if found is not None else make_relevance_gain(x)

    def get_options(self) -> dict[str, Any]:
        """Return the options of the run of the samples."""
        known = {each.name for each in fields(self)}
        return {name: getattr(self, name) for name in OF_RUN if name in known}

    def _require_ranking(self, metric: Metric) -> Metric:
        if metric.better is None:
            raise InputError(
                f"metric: {metric.title} describes explanations, and no value of it is better: choose by another one, "
                "such as relevance_gain"
            )
        return metric

    def _check_out(self, path: Path) -> None:
        if path.exists():
            raise refuse_existing(path)
        if not path.absolute().parent.is_dir():
            raise InputError(f"cannot write {path}: folder {path.parent} does not exist")
        if path.suffix != SUFFIX:
            raise InputError(
                f"out is {path}: expected a name that ends in {SUFFIX}, by which `whyset explain --method` recognizes "
                "a file"
            )
        if (journal := locate_journal(path)).exists() and not journal.is_dir():
            raise InputError(f"{journal} is not a folder, and finished candidates are kept there: remove it")


def make_relevance_gain(x: Tensor) -> RelevanceGain:
    """Return the relevance gain for inputs (n, channels, ...) or (n, features).

    Patches have an eighth of each side, so that there are 64 of an image: the order within a patch does not count, and
    coarse maps are not at a disadvantage. Features of tables are flipped one by one. Flipped patches get the mean of
    the inputs, which is far from none of them.

    >>> make_relevance_gain(torch.ones(4, 3, 32, 48))
    RelevanceGain(patch_size=(4, 6), steps=8, imputer='constant(value=1.0)', score='probability')
    """
    sides = tuple(max(1, round(side / _PARTS)) for side in x.shape[2:]) if x.dim() > 3 else (1,)
    if x.dim() == 3:
        sides = (max(1, round(x.shape[2] / _PARTS**2)),)
    patch = sides[0] if len(set(sides)) == 1 else sides
    return RelevanceGain(patch, _STEPS, f"constant(value={float(f'{float(x.double().mean()):.4g}')})")

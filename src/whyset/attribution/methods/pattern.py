"""PatternNet and PatternAttribution as methods of a run."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from whyset.attribution.attributors.pattern import PatternAttributor, fit_patterns
from whyset.attribution.methods.fitted import FittedMethod
from whyset.attribution.methods.method import FLOATING
from whyset.attribution.patterns import ESTIMATORS, Estimator, Patterns
from whyset.errors import InputError


@dataclass(frozen=True)
class PatternAttributionMethod(FittedMethod):
    """The gradient with weight times pattern in place of the weights (Kindermans 2018).

    Patterns are fitted on samples of the data set, and kept with the run.

    Parameters
    ----------
    n_samples : int, default 1000
        The number of samples that patterns are fitted on, spread evenly over the data set; at least 1.
    estimator : {"active", "two_component", "linear"}, default "active"
        The estimator (see `Patterns`): where a ReLU follows, "active" and "two_component" consider active neurons only.
    patterns : Patterns, str or None, default None
        The patterns of the model, from `fit_patterns`; by default, a run fits them. A text is the digest of patterns
        that a run has kept.

    Raises
    ------
    InputError
        A parameter is out of its range, or the patterns were fitted with another estimator.

    Examples
    --------
    >>> import torch
    >>> model = nn.Linear(4, 2).eval()
    >>> method = PatternAttributionMethod(estimator="linear").fit(model, [torch.rand(9, 4)])
    >>> method.bind(model)(torch.rand(3, 4), target=1)[1].shape
    torch.Size([3, 4])
    """

    name: ClassVar[str] = "pattern_attribution"
    several_targets: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = FLOATING
    signal: ClassVar[bool] = False

    estimator: Estimator = "active"
    patterns: Patterns | str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator not in ESTIMATORS:
            raise InputError(f"estimator={self.estimator!r}: expected one of {', '.join(map(repr, ESTIMATORS))}")
        if not isinstance(self.patterns, Patterns | str | None):
            raise InputError(f"patterns: expected those that fit_patterns returns, got {type(self.patterns).__name__}")
        if isinstance(self.patterns, Patterns) and self.patterns.estimator != self.estimator:
            raise InputError(
                f"patterns: they were fitted with the estimator {self.patterns.estimator}, and {self.estimator} was "
                f"given: pass estimator={self.patterns.estimator!r}"
            )

    def describe(self) -> str:
        """Return the method, the estimator and the number of samples."""
        kind = "PatternNet" if self.signal else "PatternAttribution"
        return f"{kind}, {self.estimator.replace('_', '-')} estimator, fitted on up to {self.n_samples:,} samples"

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the parameters, with the digest of the patterns in their place."""
        own = {"n_samples": self.n_samples, "estimator": self.estimator, "patterns": self.digest}
        return {"name": self.name, "fields": own}

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the patterns; None before they are fitted."""
        return self.patterns.digest if isinstance(self.patterns, Patterns) else self.patterns

    @property
    def is_fitted(self) -> bool:
        """True if the method has patterns, and not only their digest."""
        return isinstance(self.patterns, Patterns)

    def fit(self, model: nn.Module, batches: Iterable[Tensor]) -> Self:
        """Return a copy of the method with patterns of the model, fitted on batches of inputs (n, ...)."""
        return replace(self, patterns=fit_patterns(model, batches, estimator=self.estimator))

    def to_bytes(self) -> bytes:
        """Return the patterns as the content of an .npz file."""
        return self._get_patterns().to_bytes()

    def with_statistics(self, content: bytes, where: str) -> Self:
        """Return a copy of the method with patterns from an .npz file."""
        return replace(self, patterns=Patterns.from_bytes(content, where))

    def bind(self, model: nn.Module) -> PatternAttributor:
        """Make the attributor for a model."""
        return PatternAttributor(model, self._get_patterns(), signal=self.signal)

    def _get_patterns(self) -> Patterns:
        if isinstance(self.patterns, Patterns):
            return self.patterns
        what = "" if self.patterns is None else f", only the digest {self.patterns[:19]} of those of a run"
        raise InputError(
            f"{self.name}: the method has no patterns{what}: fit them by method.fit(model, batches), or explain a data "
            "set, which fits them"
        )


@dataclass(frozen=True)
class PatternNetMethod(PatternAttributionMethod):
    """The gradient with patterns in place of the weights: the signal that the model reads (Kindermans 2018).

    Patterns are fitted on samples of the data set, and kept with the run.

    Parameters
    ----------
    n_samples : int, default 1000
        The number of samples that patterns are fitted on, spread evenly over the data set; at least 1.
    estimator : {"active", "two_component", "linear"}, default "active"
        The estimator (see `Patterns`): where a ReLU follows, "active" and "two_component" consider active neurons only.
    patterns : Patterns, str or None, default None
        The patterns of the model, from `fit_patterns`; by default, a run fits them. A text is the digest of patterns
        that a run has kept.

    Examples
    --------
    >>> PatternNetMethod(n_samples=5000).describe()
    'PatternNet, active estimator, fitted on up to 5,000 samples'
    """

    name: ClassVar[str] = "pattern_net"
    signal: ClassVar[bool] = True

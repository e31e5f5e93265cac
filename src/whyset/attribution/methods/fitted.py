"""The base of methods that are fitted on the data before they explain."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.methods.method import Method


@dataclass(frozen=True)
class FittedMethod(Method):
    """Base of methods with statistics of the data, which a run fits before it explains the first sample.

    `fit` returns a copy of the method with its statistics. A run keeps them in a file, whose content is `to_bytes`, and
    their `digest` in run.json as a parameter of the method: the run is continued and repeated with the same statistics,
    which are not computed again. A method from a run.json has the digest, and gets its statistics by `with_statistics`.

    Parameters
    ----------
    n_samples : int, default 1000
        The number of samples that it is fitted on, spread evenly over the data set; at least 1.

    Raises
    ------
    InputError
        `n_samples` is less than 1.
    """

    n_samples: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_samples", self.n_samples, least=1)

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the statistics; None before they are fitted."""
        raise NotImplementedError

    @property
    def is_fitted(self) -> bool:
        """True if the method has statistics, and not only their digest."""
        raise NotImplementedError

    def fit(self, model: nn.Module, batches: Iterable[Tensor]) -> Self:
        """Return a copy of the method with the statistics of the batches, inputs (n, ...) on the model's device."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """Return the statistics as the content of a file."""
        raise NotImplementedError

    def with_statistics(self, content: bytes, where: str) -> Self:
        """Return a copy of the method with statistics from a file; InputError, which names it: it is damaged."""
        raise NotImplementedError

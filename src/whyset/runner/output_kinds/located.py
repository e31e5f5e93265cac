"""The base of the kinds whose outputs are scores at several places, of which a row explains one."""

from dataclasses import dataclass, field, replace
from typing import Self

from torch import Tensor

from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.output_kinds.output_kind import OutputKind, require_rows
from whyset.runner.sources.given_labels import GivenLabels


@dataclass(frozen=True)
class Located(OutputKind):
    """Base of the kinds whose outputs (n, P, K) are scores of K classes at each of P places.

    The rows of a run are found by a pass of the model over the data: each explains the score of a class at a place of a
    sample. `n_classes` is K, by default that of the model.
    """

    n_classes: int | None = field(default=None, kw_only=True)

    def find(self, output: Tensor, labels: GivenLabels, names: tuple[str, ...] | None) -> Self:
        """Return this kind with the number of classes; InputError: the output has another one."""
        self.check(output)
        count = output.shape[2]
        if self.n_classes not in (None, count):
            shape = tuple(output.shape)
            raise InputError(
                f"{type(self).__name__}(n_classes={self.n_classes}): the scores {shape} have {count} classes"
            )
        return replace(self, n_classes=count)

    def check(self, output: Tensor) -> None:
        """Raise InputError unless outputs are (n, P, K)."""
        require_rows(self, output, (3,), "(samples, places, classes)")

    def count_classes(self, scores: Tensor) -> int:
        """Return K."""
        return self.n_classes or scores.shape[1]

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the scores (n, P K), those of the classes at a place in a row."""
        return output.flatten(1)

    def get_classes(self, columns: Tensor) -> Tensor:
        """Return the class of columns of the scores."""
        return columns % (self.n_classes or 1)

    def predict(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return the class that a row explains, which is what the model predicts at its place."""
        return self.get_classes(chosen)

    def confidence(self, scores: Tensor, chosen: Tensor, value: Output) -> Tensor:
        """Return the probability of the class that a row explains."""
        return self.get_probabilities(scores, value).gather(1, chosen.T).T

    def get_probabilities(self, scores: Tensor, value: Output) -> Tensor:
        """Return the probabilities (n, P K) of all scores, which are what `value` states; float32."""
        raise NotImplementedError

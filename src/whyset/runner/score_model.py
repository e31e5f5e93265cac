"""The model of a run: what the user's model returns, as scores (n, K) that can be explained."""

from typing import Any

from torch import Tensor, nn

from whyset.attribution.attributors.logit_model import LogitModel
from whyset.attribution.attributors.model_output import OutputChoice
from whyset.attribution.attributors.selected_model import SelectedModel
from whyset.attribution.attributors.transparent_model import TransparentModel
from whyset.runner.output import Output
from whyset.runner.output_kinds import Logits, OutputKind
from whyset.runner.targets import Targets


class ScoreModel(TransparentModel):
    """The scores (n, K) of a model's outputs by their kind, with the values derived by the targets as more columns.

    `conserving`: relevance is propagated by rules.
    """

    def __init__(
        self, model: nn.Module, kind: OutputKind, value: Output, targets: Targets, *, conserving: bool
    ) -> None:
        super().__init__(model)
        self.kind, self.value, self.targets, self.conserving = kind, value, targets, conserving

    @property
    def confirmed(self) -> Tensor | None:
        """For which samples of the last call, (n,), the explained value is the input of the model's last activation."""
        found: Tensor | None = self.wrapped.confirmed if isinstance(self.wrapped, LogitModel) else None
        return found

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Run the model and return its scores (n, K + the number of derived values)."""
        scores = self.kind.scores(self.wrapped(*args, **kwargs), self.value)
        return self.targets.add_derived(scores, conserving=self.conserving)

    def compute_probabilities(self, scores: Tensor) -> Tensor | None:
        """Return the probability of each class (n, K) from these scores; None if they are not those of classes."""
        return self.kind.probabilities(scores, self.value) if isinstance(self.kind, Logits) else None


def select(model: nn.Module, choice: OutputChoice) -> nn.Module:
    """Return the model with the chosen one of its outputs; with no choice, the model itself."""
    return model if choice is None else SelectedModel(model, choice)

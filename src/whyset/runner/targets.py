"""Which output of the model is explained."""

from dataclasses import dataclass

import torch

from whyset.errors import InputError


@dataclass(frozen=True)
class Target:
    """`label` explains the labelled class (the predicted one where no label is known), `prediction` the predicted one.

    >>> Target.of("3").index
    3
    """

    kind: str
    index: int | None = None

    @classmethod
    def of(cls, given: "str | int | Target") -> "Target":
        """Read "label", "prediction" or the index of an output."""
        if isinstance(given, Target):
            return given
        if given in ("label", "prediction"):
            return cls(str(given))
        text = str(given)
        if text.isdecimal():
            return cls("index", int(text))
        raise InputError(f"target is label, prediction or the index of an output (0, 1, ...), not {given!r}")

    def check(self, outputs: int) -> None:
        if self.index is not None and self.index >= outputs:
            raise InputError(f"target {self.index}: there is no such class; the model has outputs 0 to {outputs - 1}")

    def stored_form(self) -> str:
        return self.kind if self.index is None else str(self.index)

    def of_batch(self, labels: list[int | None], model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor | None:
        """The output to explain for each row of a batch; None stands for the prediction of each."""
        if self.index is not None:
            return torch.full((len(labels),), self.index, device=x.device)
        if self.kind == "prediction" or all(label is None for label in labels):
            return None
        known = torch.tensor([-1 if label is None else label for label in labels], device=x.device)
        if bool((known >= 0).all()):
            return known
        with torch.no_grad():
            return torch.where(known >= 0, known, model(x).argmax(dim=1))

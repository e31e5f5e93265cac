"""The plan of a composite for a model: every operation with its rule and the reason."""

from dataclasses import dataclass
from typing import Any

from whyset.attribution.rules import Rule
from whyset.attribution.tables import align, data_frame


@dataclass(frozen=True)
class PlanStep:
    """One operation in a plan.

    Parameters
    ----------
    index : int
        The position of the operation in order of execution.
    module : str
        The path of the module that runs it.
    operation : str
        The name of the torch function.
    kind : str
        The kind of the operation, which decides how it is treated.
    rule : Rule or None
        The rule; None for the gradient of autograd, or for the kind's own change to it.
    reason : str
        Why the operation has this rule.
    """

    index: int
    module: str
    operation: str
    kind: str
    rule: Rule | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """The operations of a model with their rules and the reasons. `print(plan)` shows a table.

    Parameters
    ----------
    steps : tuple of PlanStep
        The operations in order of execution.
    """

    steps: tuple[PlanStep, ...]

    def __repr__(self) -> str:
        return f"<plan of {len(self)} operations; print it or use plan.table()>"

    def __len__(self) -> int:
        return len(self.steps)

    def table(self) -> list[PlanStep]:
        """Return the steps as a list of dataclasses."""
        return list(self.steps)

    def to_pandas(self) -> Any:
        """Return the steps as a pandas data frame."""
        return data_frame(vars(step) for step in self.steps)

    def __str__(self) -> str:
        header = ("#", "module", "operation", "kind", "rule", "why")
        rows = [
            (str(s.index), s.module, s.operation, s.kind, repr(s.rule) if s.rule else "-", s.reason) for s in self.steps
        ]
        return "\n".join(align([header, *rows]))

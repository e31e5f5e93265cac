"""The plan of a composite on a model: every operation, its rule and the reason, as a value that prints as a table."""

from dataclasses import dataclass
from typing import Any

from whyset.attribution.rules import Rule
from whyset.attribution.tables import align, data_frame


@dataclass(frozen=True)
class PlanStep:
    """One operation in order of execution; `rule` is None where autograd's gradient (or the kind's own change to it) is
    taken.
    """

    index: int
    module: str
    operation: str
    kind: str
    rule: Rule | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """What will happen to each operation of a model. `print(plan)` shows the table, `plan.steps` are its rows."""

    steps: tuple[PlanStep, ...]

    def __repr__(self) -> str:
        return f"<plan of {len(self)} operations; print it or use plan.table()>"

    def __len__(self) -> int:
        return len(self.steps)

    def table(self) -> list[PlanStep]:
        """Give the steps as a list of dataclasses."""
        return list(self.steps)

    def to_pandas(self) -> Any:
        """Give the steps as a pandas data frame."""
        return data_frame(vars(step) for step in self.steps)

    def __str__(self) -> str:
        header = ("#", "module", "operation", "kind", "rule", "why")
        rows = [
            (str(s.index), s.module, s.operation, s.kind, repr(s.rule) if s.rule else "-", s.reason) for s in self.steps
        ]
        return "\n".join(align([header, *rows]))

"""The plan of a composite on a model: every operation, its rule and the reason, as a value that prints as a table."""

from dataclasses import dataclass

from whyset.attribution.rules import Rule


@dataclass(frozen=True)
class Step:
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

    steps: tuple[Step, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        header = ("#", "module", "operation", "kind", "rule", "why")
        rows = [
            (str(s.index), s.module, s.operation, s.kind, repr(s.rule) if s.rule else "-", s.reason) for s in self.steps
        ]
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [header, *rows]
        )

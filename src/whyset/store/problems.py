"""Problem: something that verification found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something wrong in a run: its kind ("damaged", "missing", "mismatch" or "uncommitted"), place and meaning."""

    kind: str
    where: str
    message: str
    shard: int | None = None

    @property
    def harmless(self) -> bool:
        """Leftovers of an interrupted attempt are no damage: nobody reads them, and they are made anew."""
        return self.kind == "uncommitted"

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.message}"

"""Problem: something that verification found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something wrong in a run: its kind, place and meaning.

    "damaged", "missing" and "mismatch" are damage; "uncommitted", "unfinished", "outdated" and "stray" are not.
    """

    kind: str
    where: str
    message: str
    shard: int | None = None

    @property
    def harmless(self) -> bool:
        """Leftovers of an interrupted attempt, and files of others, are no damage: nobody takes them for results."""
        return self.kind in ("uncommitted", "unfinished", "outdated", "stray")

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.message}"

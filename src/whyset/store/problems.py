"""Problem: something that verification found."""

import re
from dataclasses import dataclass

from whyset.errors import WhysetError

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


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
        """One line that every terminal can show, whatever files are called."""
        line = f"{self.kind}: {self.where}: {self.message}"
        return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def error_text(error: Exception) -> str:
    """What an error says; errors that were not raised on purpose come with their type."""
    return str(error) if isinstance(error, WhysetError) else f"{type(error).__name__}: {error}"

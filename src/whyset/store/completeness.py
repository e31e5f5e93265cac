"""Completeness: which classes of an analysis are there, and what a reader should know of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Completeness:
    """Whether an analysis has all of its classes, and whether it is sealed and up to date.

    `n_classes` is None where the analysis does not list its classes, as before format 2.0. `unfinished` names the
    classes that are missing, damaged or outdated.
    """

    n_classes: int | None
    n_finished: int
    unfinished: tuple[str, ...]
    sealed: bool
    outdated: bool = False

    @property
    def reason_without_q(self) -> str | None:
        """Why q-values are not given: they depend on the p-values of all classes."""
        if not self.unfinished:
            return None
        total = len(self.unfinished) + self.n_finished if self.n_classes is None else self.n_classes
        names = ", ".join(self.unfinished[:5]) + (", ..." if len(self.unfinished) > 5 else "")
        return (
            f"{self.n_finished} of {total} classes are finished (not: {names}); q-values are withheld until all are "
            "there"
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader should know, as sentences."""
        found = [self.reason_without_q] if self.reason_without_q else []
        if self.outdated:
            found.append("the analysis was computed from other commits than the run has now; analyze again")
        if not self.sealed:
            found.append("the analysis is not sealed, so changes of its files go unnoticed; analyze again to seal it")
        return tuple(f"{one[:1].upper()}{one[1:]}." for one in found)

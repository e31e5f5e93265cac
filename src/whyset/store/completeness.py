"""Completeness of an analysis: its finished classes, and notices for readers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Completeness:
    """Finished and unfinished classes of an analysis, and its state: sealed, up to date.

    `n_classes` is None if the analysis does not list its classes, as before format 2.0. `unfinished` names the
    classes that are missing, damaged or outdated.
    """

    n_classes: int | None
    n_finished: int
    unfinished: tuple[str, ...]
    sealed: bool
    outdated: bool = False

    @property
    def reason_without_q(self) -> str | None:
        """The reason why q-values are withheld, or None: they depend on the p-values of all classes."""
        if not self.unfinished:
            return None
        total = len(self.unfinished) + self.n_finished if self.n_classes is None else self.n_classes
        names = ", ".join(self.unfinished[:5]) + (", ..." if len(self.unfinished) > 5 else "")
        return (
            f"{self.n_finished} of {total} classes are finished (not: {names}); q-values are withheld until all are "
            "finished"
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices for readers, as sentences."""
        found = [self.reason_without_q] if self.reason_without_q else []
        if self.outdated:
            found.append("the analysis was computed from other commits than the run has now; analyze again")
        if not self.sealed:
            found.append(
                "the analysis is not sealed, so changes to its files are not noticed; analyze again to seal it"
            )
        return tuple(f"{one[:1].upper()}{one[1:]}." for one in found)

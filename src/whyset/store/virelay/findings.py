"""Findings of an import: all problems of a project, collected and then reported together."""

from dataclasses import dataclass, field
from pathlib import Path

from whyset.errors import InputError


@dataclass(frozen=True)
class ImportFinding:
    """One inconsistency: the file, and a message with the place in it, what was expected and what was found."""

    file: Path
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


class DamagedProjectError(InputError):
    """A project cannot be imported; `findings` are all the reasons, file by file."""

    def __init__(self, project: Path, findings: list[ImportFinding]) -> None:
        self.findings = sorted(findings, key=lambda finding: str(finding.file))  # stable: in order within a file
        files = len({finding.file for finding in findings})
        self.summary = f"{project} is inconsistent in {len(findings)} places, in {files} files; nothing was imported"
        super().__init__("\n".join([self.summary, *map(str, self.findings)]))


@dataclass
class ImportFindings:
    """Collects errors and warnings, so that users see all problems of a project at once."""

    project: Path
    errors: list[ImportFinding] = field(default_factory=list)
    warnings: list[ImportFinding] = field(default_factory=list)

    def error(self, file: Path, message: str) -> None:
        """Record an error, which prevents the import."""
        self.errors.append(ImportFinding(file, message))

    def warn(self, file: Path, message: str) -> None:
        """Record an inconsistency that is tolerated, and how it is treated."""
        self.warnings.append(ImportFinding(file, message))

    def raise_if_any(self) -> None:
        """Raise DamagedProjectError if there are errors."""
        if self.errors:
            raise DamagedProjectError(self.project, self.errors)


def format_first(values: object, count: int = 5) -> str:
    """Format the first few of many values.

    >>> format_first([4, 8, 15, 16, 23, 42])
    '4, 8, 15, 16, 23, ...'
    """
    listed = list(values)  # type: ignore[call-overload]  # arrays and sequences alike
    return ", ".join(str(value) for value in listed[:count]) + (", ..." if len(listed) > count else "")

"""Everything that is wrong with a project, collected first and told at once."""

from dataclasses import dataclass, field
from pathlib import Path

from whyset.errors import InputError


@dataclass(frozen=True)
class ImportFinding:
    """One inconsistency: the file, and where in it where that helps, and what was expected and what came."""

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
    """Collects what is wrong and what was tolerated, so that a person mends a project once and not ten times."""

    project: Path
    errors: list[ImportFinding] = field(default_factory=list)
    warnings: list[ImportFinding] = field(default_factory=list)

    def error(self, file: Path, message: str) -> None:
        """Record what forbids the import."""
        self.errors.append(ImportFinding(file, message))

    def warn(self, file: Path, message: str) -> None:
        """Record what was tolerated, and how it is treated."""
        self.warnings.append(ImportFinding(file, message))

    def raise_if_any(self) -> None:
        """Raise DamagedProjectError where there are errors."""
        if self.errors:
            raise DamagedProjectError(self.project, self.errors)


def format_first(values: object, count: int = 5) -> str:
    """Write the first few of many values.

    >>> format_first([4, 8, 15, 16, 23, 42])
    '4, 8, 15, 16, 23, ...'
    """
    listed = list(values)  # type: ignore[call-overload]  # arrays and sequences alike
    return ", ".join(str(value) for value in listed[:count]) + (", ..." if len(listed) > count else "")

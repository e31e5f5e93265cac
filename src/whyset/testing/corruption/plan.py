"""Plan of corruptions: every damage on every type of file, in a seeded order."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

from whyset.testing.corruption.damages import DAMAGES, JSON_DAMAGES

_NAMES = {"run.json", "samples.parquet", "zarr.json", "category.json", "analysis.json", "checks.json"}
_DISCARD = ("delete the folder", "analysis.json")
"""Users discard an analysis this way, so it is not a damage."""


@dataclass(frozen=True)
class Corruption:
    """One damage of one file of a run: the same seed damages the same run in the same way."""

    damage: str
    file: str
    seed: int

    @property
    def type(self) -> str:
        return file_type(Path(self.file))

    def apply(self, run: Path) -> bool:
        """Damage the file; return True if it has changed."""
        file = run / self.file
        others = [other for other in files_in(run) if file_type(other.relative_to(run)) == self.type and other != file]
        random = Random(zlib.crc32(f"{self.damage} {self.file} {self.seed}".encode()))
        return {**DAMAGES, **JSON_DAMAGES}[self.damage](file, random, others)

    def __str__(self) -> str:
        return f"{self.damage}: {self.file} (seed {self.seed})"


def files_in(run: Path) -> list[Path]:
    """List the files of a run in order."""
    return sorted(file for file in run.rglob("*") if file.is_file())


def file_type(file: Path) -> str:
    """Return the type of a file of a run, by its path in the run."""
    if file.name in _NAMES:
        return file.name
    if file.parts[0] == "data.zarr":
        return "shard of maps" if len(file.parts) > file.parts.index("c") + 2 else "shard of a column"
    if file.parts[0] == "selections":
        return "cluster names" if "names" in file.parts else "selection"
    return {"commits": "commit", "leases": "lease", "analyses": "column of a class"}.get(file.parts[0], "other")


def plan_corruptions(run: Path, seed: int, count: int) -> list[Corruption]:
    """Choose `count` corruptions of a run, spread evenly over all pairs of damage and type of file."""
    files: dict[str, list[str]] = {}
    for file in files_in(run):
        files.setdefault(file_type(file.relative_to(run)), []).append(file.relative_to(run).as_posix())
    random = Random(seed)
    pairs = [(damage, kind) for kind in files for damage in _list_damages(files[kind][0])]
    pairs = [pair for pair in pairs if pair != _DISCARD]
    random.shuffle(pairs)
    return [
        Corruption(damage, random.choice(files[kind]), seed + number)
        for number, (damage, kind) in zip(range(count), cycle(pairs), strict=False)
    ]


def _list_damages(file: str) -> Iterator[str]:
    yield from DAMAGES
    if file.endswith(".json"):
        yield from JSON_DAMAGES

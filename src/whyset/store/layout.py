"""Where things lie in a run folder, and what they are called: the one place that knows."""

import re
from pathlib import PurePosixPath

from whyset.command import command
from whyset.errors import InputError
from whyset.store.remote import AnyPath

FORMAT = "whyset-run"
SCHEMA = "1.3"
"""Major.minor: readers refuse another major version; a minor version only adds."""

SEVERAL_TARGETS = "targets_per_sample"
KNOWN_FEATURES = frozenset({SEVERAL_TARGETS})
"""What run.json may list under `requires`: without it, rows would be misread."""

RUN = "run.json"
SAMPLES = "samples.parquet"
DATA = "data.zarr"
COMMITS = "commits"
ANALYSES = "analyses"
SELECTIONS = "selections"
LEASES = "leases"
CHECKS = "checks.json"
OWN_NAMES = frozenset({RUN, SAMPLES, DATA, COMMITS, ANALYSES, SELECTIONS, LEASES, CHECKS})

RELEVANCE = "attribution/input"
LAYER = "attribution/"
CONCEPT = "concept/"
INPUT = "input"
STATUS = "status"
ARRIVED = "relevance_arrived"
"""Sum of an explanation's relevance over the input, divided by the explained output (float32)."""
LARGEST = "relevance_max"
"""The largest absolute relevance of an explanation, divided by the absolute explained output (float32)."""

NEVER_WRITTEN, DONE, FAILED = 0, 1, 2
"""The values of the column `status`."""

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def is_run(path: AnyPath) -> bool:
    """Whether the folder holds a run: `run.json` is written last, so a run that has it is whole."""
    return (path / RUN).is_file()


def commit_path(run: AnyPath, shard: int) -> AnyPath:
    return run / COMMITS / f"{shard:06d}.json"


def claim_path(run: AnyPath, shard: int) -> AnyPath:
    return run / COMMITS / f"{shard:06d}.claim"


def remedy(shard: int) -> str:
    """What to do about a damaged shard."""
    return f"to compute the shard again, delete {COMMITS}/{shard:06d}.json and repeat the same `explain`"


def advice(run: AnyPath, shard: int) -> str:
    """What to do where damage is found by chance: there may be more."""
    return f"{remedy(shard)}; `{command('verify', run)}` lists all damage"


def shard_file(run: AnyPath, array: str, shard: int, dimensions: int) -> AnyPath:
    """The one file of an array that holds a shard: Zarr's default chunk key, `c/<shard>/0/...`."""
    return (run / DATA / array / "c" / str(shard)).joinpath(*["0"] * (dimensions - 1))


def inside(run: AnyPath, path: AnyPath) -> str:
    """Where something lies in a run, with slashes."""
    return PurePosixPath(*path.parts[len(run.parts) :]).as_posix()


def is_safe_name(name: str) -> bool:
    """Whether `safe_name` accepts the name."""
    return bool(_SAFE.fullmatch(name)) and not name.endswith(".")


def safe_name(name: str, what: str) -> str:
    """Return the name if it can be a file name on every system; names come from users and are never paths."""
    if not isinstance(name, str) or not is_safe_name(name):
        raise InputError(
            f"{what} {name!r} cannot be a file name: expected letters, digits, '.', '_' and '-', "
            "at most 128 of them, and no '.' or '-' in front"
        )
    return name

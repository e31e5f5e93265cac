"""Layout of a run folder: the names and paths of its files."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from whyset.command import command
from whyset.errors import InputError
from whyset.store.remote import AnyPath

FORMAT = "whyset-run"
SCHEMA = "1.3"
"""Major.minor: readers refuse another major version; a minor version only adds."""

SEVERAL_TARGETS = "targets_per_sample"
KNOWN_FEATURES = frozenset({SEVERAL_TARGETS})
"""Features that run.json may list under `requires`: a reader without them would misread rows."""

RUN = "run.json"
SAMPLES = "samples.parquet"
DATA = "data.zarr"
COMMITS = "commits"
ANALYSES = "analyses"
EFFECTS = "effects"
FINDINGS = "findings"
EVALUATIONS = "evaluations"
CONCEPT_VECTORS = "concept_vectors"
FIXES = "fixes"
SELECTIONS = "selections"
LEASES = "leases"
CHECKS = "checks.json"
METHOD = "method.npz"
"""The statistics of a method that was fitted on the data, such as patterns; run.json states their digest."""
OWN_NAMES = frozenset(
    {RUN, SAMPLES, DATA, COMMITS, ANALYSES, EFFECTS, FINDINGS, EVALUATIONS, CONCEPT_VECTORS, SELECTIONS, LEASES, CHECKS}
    | {FIXES, METHOD}
)

RELEVANCE = "attribution/input"
LAYER = "attribution/"
CONCEPT = "concept/"
ACTIVATION = "activation/"
"""The output of a layer, in the forward pass whose output is explained; once per sample."""
MEAN_ACTIVATION = "mean_activation/"
"""The mean of the output of a layer over all axes but the channels; once per sample."""
ANALYZED = (LAYER, CONCEPT, ACTIVATION, MEAN_ACTIVATION)
"""The groups of arrays that can be analyzed."""
INPUT = "input"
STATUS = "status"
ARRIVED = "relevance_arrived"
"""Sum of an explanation's relevance over the input, divided by the explained output (float32)."""
LARGEST = "relevance_max"
"""The largest absolute relevance of an explanation, divided by the absolute explained output (float32)."""
OUTPUT_VALUE = "output_value"
"""The explained value: an output, also where its difference from a reference is explained, or a contrast, a sum or a
similarity of outputs (float32).
"""
PREDICTED = "predicted"
"""Of several labels: 1 where the probability of the explained one is above 1/2, otherwise 0 (uint8)."""
TRUE_VALUE = "true_value"
"""The true value of a regression, a column of the samples."""
TRUE_LABELS = "true_labels"
"""The names of all labels of a sample with several, separated by commas, a column of the samples."""

IMAGE = "image"
"""The id of the image that a detected object is in, a column of the samples."""
ANCHOR, DETECTED = "anchor", "detected"
"""The anchor of a detected object, and the class that is detected, columns of the samples."""
BOX = ("box_left", "box_top", "box_right", "box_bottom")
"""The box of a detected object in pixels of the input, columns of the samples."""

PROMPT, POSITION, TOKEN = "prompt", "position", "token"
"""The id of the text before a generated token, the position of the token, and its id, columns of the samples."""


def find_true_value(columns: Sequence[str], output: str | None) -> str | None:
    """Return the column of the samples with the true values of an output of a regression; None without one."""
    return next((one for one in (TRUE_VALUE, f"{TRUE_VALUE}.{output}") if one in columns), None)


DONE, FAILED = 1, 2
"""The values of the column `status`; 0, its fill value, means never written."""

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def is_run(path: AnyPath) -> bool:
    """True if the folder holds a run: `run.json` is written last, so a run that has it is complete."""
    return (path / RUN).is_file()


def commit_path(run: AnyPath, shard: int) -> AnyPath:
    return run / COMMITS / f"{shard:06d}.json"


def claim_path(run: AnyPath, shard: int) -> AnyPath:
    return run / COMMITS / f"{shard:06d}.claim"


def remedy(shard: int) -> str:
    """Return the advice for a damaged shard."""
    return f"to compute the shard again, delete {COMMITS}/{shard:06d}.json and repeat the same `explain`"


def advice(run: AnyPath, shard: int) -> str:
    """Return the advice for damage found while reading, which may not be all."""
    return f"{remedy(shard)}; `{command('verify', run)}` lists all damage"


def shard_file(run: AnyPath, array: str, shard: int, dimensions: int) -> AnyPath:
    """Return the file of a shard of an array: Zarr's default chunk key, `c/<shard>/0/...`."""
    return (run / DATA / array / "c" / str(shard)).joinpath(*["0"] * (dimensions - 1))


def inside(run: AnyPath, path: AnyPath) -> str:
    """Return a path relative to the run, with slashes."""
    return PurePosixPath(*path.parts[len(run.parts) :]).as_posix()


def is_safe_name(name: str) -> bool:
    """True if `safe_name` accepts the name."""
    return bool(_SAFE.fullmatch(name)) and not name.endswith(".")


def list_records(folder: AnyPath, head: str) -> list[str]:
    """List the names of the folders in `folder` that have the file `head`, in order; unsafe ones are left out."""
    names = (entry.parent.name for entry in folder.glob(f"*/{head}"))
    return sorted(filter(is_safe_name, names))


def safe_name(name: str, what: str) -> str:
    """Return the name if it can be a file name on every system; names come from users and are never paths."""
    if not isinstance(name, str) or not is_safe_name(name):
        raise InputError(
            f"{what} {name!r} cannot be a file name: expected letters, digits, '.', '_' and '-', "
            "at most 128 of them, no '.' or '-' in front and no '.' at the end"
        )
    return name

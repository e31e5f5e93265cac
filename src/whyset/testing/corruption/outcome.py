"""What came of using a damaged run, from the best to the worst."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from whyset.store.layout import SELECTIONS

RIGHT = "right"
NAMED = "named error"
SAID = "said in the answer"
UNNAMED = "error without the file"
KNOWN = "changed, verify says so"
SILENT = "changed in silence"
TRACEBACK = "traceback"
HANG = "hang"
OUTCOMES = (RIGHT, NAMED, SAID, UNNAMED, KNOWN, SILENT, TRACEBACK, HANG)
FORBIDDEN = (SILENT, TRACEBACK, HANG)

_SAID = re.compile(
    r"damaged|problem|missing|unfinished|not been explained|\d of \d+|cannot be|withheld|incomplete|checksum|"
    r"stray|no commit|does not|changed|outdated|too short|warning|analyze again|is not"
)


@dataclass(frozen=True)
class Answer:
    """What one use of a run gave: its output, or its error and whether that was raised on purpose."""

    output: str
    error: str = ""
    crashed: bool = False


def judge(answer: Answer, reference: Answer, file: str, verified: bool) -> str:
    """The outcome of one use; `verified` is whether `verify` found no damage."""
    if answer.crashed:
        return TRACEBACK
    if answer.error and not reference.error:
        return NAMED if _names(answer.error, file) else UNNAMED
    if answer == reference or file.startswith(SELECTIONS):  # people may edit their notes: these carry no checksum
        return RIGHT
    before = set(reference.output.splitlines())
    new = "\n".join(line for line in answer.output.splitlines() if line not in before)
    if _SAID.search(new):
        return SAID
    return SILENT if verified else KNOWN


def worst(outcomes: Mapping[str, str]) -> str:
    """The worst of the outcomes of all uses."""
    return max(outcomes.values(), key=OUTCOMES.index)


def _names(error: str, file: str) -> bool:
    """Whether an error names the file, its folder, or the shard that it holds."""
    parts = [part for part in file.split("/") if part not in ("c", "0", "data.zarr")]
    return any(part.removesuffix(".npy") in error for part in parts[-2:])

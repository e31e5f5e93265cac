"""Outcomes of using a damaged run, from best to worst."""

import re
from collections import Counter
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

_DAMAGE = re.compile(
    r"^(?:damaged|missing|mismatch|uncommitted|unfinished|outdated): \S+"  # lines of `verify`
    r"|\S+ is (?:damaged|missing)\b"
    r"|checksum does not (?:fit|match)|has no checksum|was changed after"
    r"|\d+ of \d+ classes are finished|q-values are withheld"
    r"|not finished, or its folder was removed"
    r"|from other commits (?:of the run )?than|another configuration of this analysis"
    r"|(?:shards|run|checks) cannot be read|checks\.json is missing"
    r"|\d+ of \d+ (?:samples have not been explained|explanations have not been computed)"
    r"|\d+ of \d+ samples have no explanation|\d+ of \d+ samples? explained|\d+ of \d+ samples are present",
    re.MULTILINE,
)
"""Phrases in which whyset reports damage or missing parts, matched narrowly.

A phrase includes its counts, so it differs if they change; ordinary words of a report are not matched.
"""
_STRAY = re.compile(r"^stray: \S+", re.MULTILINE)
_NOTES = re.compile(r"^200 \S+/(?:selections|names|export) |^page\.html ")
"""Answers that show the notes of users."""

_SHARD = re.compile(r"data\.zarr/(?P<array>.+)/c/(?P<number>\d+)(?:/.*)?|commits/(?P<commit>\d+)\.json")


@dataclass(frozen=True)
class RunAnswer:
    """Result of one use of a run: its output, or its error and whether that was a crash.

    An answer with many parts, such as that of the viewer, may have both: the output of some parts and the errors of
    others. `others` is the answer about other runs.
    """

    output: str
    error: str = ""
    crashed: bool = False
    others: str = ""


def judge(answer: RunAnswer, reference: RunAnswer, file: str, verified: bool) -> str:
    """Return the outcome of one use; `verified` is True if `verify` found no damage."""
    if answer.crashed:
        return TRACEBACK
    if answer.others != reference.others:
        return SILENT
    changed = _changed_lines(answer, reference, file)
    if answer.error and _names(answer.error, file):
        return NAMED
    if answer.error and not changed:
        return UNNAMED
    if not changed and not _lost_lines(answer, reference, file):
        return RIGHT
    if _count_new(answer, reference, _DAMAGE, _STRAY):
        return SAID
    return SILENT if verified else KNOWN


def finds_damage(verify: RunAnswer, reference: RunAnswer) -> bool:
    """True if `verify` reports more than stray files, which must not change any answer."""
    return bool(verify.error) or verify.crashed or _count_new(verify, reference, _DAMAGE)


def worst(outcomes: Mapping[str, str]) -> str:
    """Return the worst outcome of all uses."""
    return max(outcomes.values(), key=OUTCOMES.index)


def _count_new(answer: RunAnswer, reference: RunAnswer, *phrases: re.Pattern[str]) -> bool:
    """True if the answer has more of these phrases than the reference of the undamaged run."""
    found, before = (Counter(one for each in phrases for one in each.findall(of.output)) for of in (answer, reference))
    return bool(found - before)


def _changed_lines(answer: RunAnswer, reference: RunAnswer, file: str) -> list[str]:
    return _without_notes(set(answer.output.splitlines()) - set(reference.output.splitlines()), file)


def _lost_lines(answer: RunAnswer, reference: RunAnswer, file: str) -> list[str]:
    """Return lines that the answer lacks or contains a different number of times."""
    lost = Counter(reference.output.splitlines())
    lost.subtract(answer.output.splitlines())
    return _without_notes({line for line, count in lost.items() if count}, file)


def _without_notes(lines: set[str], file: str) -> list[str]:
    """Leave out lines of notes if notes were damaged: users may edit these, so they have no checksum."""
    return [line for line in lines if not (file.startswith(f"{SELECTIONS}/") and _NOTES.match(line))]


def _names(error: str, file: str) -> bool:
    """True if an error names the file, its folder, or its shard."""
    *folders, name = file.split("/")
    shard = _SHARD.fullmatch(file)
    if shard:
        number = int(shard["number"] or shard["commit"])
        commit = f"{number:06d}.json"
        part = f"{shard['array']}/c/{number}" if shard["array"] else commit
        return part in error or commit in error or re.search(rf"\bshard {number}\b", error) is not None
    return name.removesuffix(".npy") in error or (len(folders) > 1 and folders[-1] in error)

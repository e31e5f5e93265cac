"""What came of using a damaged run, from the best to the worst."""

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
"""Phrases in which whyset reports damage or missing parts, as narrow as they are written.

Counts belong to the phrase, so that it is another one where they change; ordinary words of a report do not occur here.
"""
_STRAY = re.compile(r"^stray: \S+", re.MULTILINE)
_NOTES = re.compile(r"^200 \S+/(?:selections|names|export) |^page\.html ")
"""Answers that show the notes of users."""

_SHARD = re.compile(r"data\.zarr/(?P<array>.+)/c/(?P<number>\d+)(?:/.*)?|commits/(?P<commit>\d+)\.json")


@dataclass(frozen=True)
class RunAnswer:
    """What one use of a run gave: its output, or its error and whether that was raised on purpose.

    An answer of many parts, as the viewer's, may have both: the parts that came, and the errors of the others.
    `others` is what was answered about other runs.
    """

    output: str
    error: str = ""
    crashed: bool = False
    others: str = ""


def judge(answer: RunAnswer, reference: RunAnswer, file: str, verified: bool) -> str:
    """The outcome of one use; `verified` is whether `verify` found no damage."""
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
    """Whether `verify` reports more than strays, which must not change any answer."""
    return bool(verify.error) or verify.crashed or _count_new(verify, reference, _DAMAGE)


def worst(outcomes: Mapping[str, str]) -> str:
    """The worst of the outcomes of all uses."""
    return max(outcomes.values(), key=OUTCOMES.index)


def _count_new(answer: RunAnswer, reference: RunAnswer, *phrases: re.Pattern[str]) -> bool:
    """Whether the answer has more of these phrases than the reference: those of a whole run warn of nothing."""
    found, before = (Counter(one for each in phrases for one in each.findall(of.output)) for of in (answer, reference))
    return bool(found - before)


def _changed_lines(answer: RunAnswer, reference: RunAnswer, file: str) -> list[str]:
    return _without_notes(set(answer.output.splitlines()) - set(reference.output.splitlines()), file)


def _lost_lines(answer: RunAnswer, reference: RunAnswer, file: str) -> list[str]:
    """Lines that the answer lacks, or has more or less often."""
    lost = Counter(reference.output.splitlines())
    lost.subtract(answer.output.splitlines())
    return _without_notes({line for line, count in lost.items() if count}, file)


def _without_notes(lines: set[str], file: str) -> list[str]:
    """Lines other than those of notes, where notes were damaged: users may edit these, so they carry no checksum."""
    return [line for line in lines if not (file.startswith(f"{SELECTIONS}/") and _NOTES.match(line))]


def _names(error: str, file: str) -> bool:
    """Whether an error names the file, its folder, or the shard that it holds."""
    *folders, name = file.split("/")
    shard = _SHARD.fullmatch(file)
    if shard:
        number = int(shard["number"] or shard["commit"])
        commit = f"{number:06d}.json"
        part = f"{shard['array']}/c/{number}" if shard["array"] else commit
        return part in error or commit in error or re.search(rf"\bshard {number}\b", error) is not None
    return name.removesuffix(".npy") in error or (len(folders) > 1 and folders[-1] in error)

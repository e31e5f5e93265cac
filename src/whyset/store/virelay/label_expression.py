"""The regular expression of a project, which finds a label in the path of every image file."""

import json
import subprocess
import sys
from collections.abc import Sequence

LEAST_SECONDS, SECONDS_FOR_EACH = 60.0, 1e-3
"""An expression without backtracking takes about a microsecond for each file."""

_PROGRAM = """
import json, re, sys

text, paths = json.load(sys.stdin)
try:
    expression = re.compile(text)
except (re.error, OverflowError, RecursionError, MemoryError) as error:
    print(json.dumps(f"is not a regular expression: {error}"))
    sys.exit()
if expression.groups < 1:
    print(json.dumps("has no group: the first one is the label"))
    sys.exit()
matches = (next(filter(None, map(expression.match, candidates)), None) for candidates in paths)
print(json.dumps([match and match[1] for match in matches]))
"""


class LabelExpressionError(ValueError):
    """A defect of an expression; the message continues a sentence that begins with the expression."""


def match_labels(expression: str, paths: Sequence[Sequence[str]]) -> list[str | None]:
    """Return the first group of the first match among the candidates of each path, from their beginning; None without.

    A project may come from anyone, and an expression may go back and try again for years, which nothing inside the
    process ends: so it is another process that matches. LabelExpressionError: it cannot be read or takes too long.
    """
    seconds = LEAST_SECONDS + SECONDS_FOR_EACH * len(paths)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _PROGRAM],
            input=json.dumps([expression, paths]),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise LabelExpressionError(
            f"was not done with {len(paths)} paths after {seconds:.0f} s, as happens where a repetition is repeated, "
            "such as (a+)+: expected an expression that reads each path once"
        ) from error
    except subprocess.CalledProcessError as error:
        raise LabelExpressionError(f"cannot be matched: {error.stderr.strip().rpartition(chr(10))[2]}") from error
    found = json.loads(done.stdout)
    if isinstance(found, str):
        raise LabelExpressionError(found)
    matched: list[str | None] = found
    return matched

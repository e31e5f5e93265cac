"""`whyset verify`"""

from whyset.cli.options import RunFolder
from whyset.errors import BrokenRunError

EXAMPLE = "whyset verify runs/mine"
PARTLY_DONE = 3
NAMED = 20


def verify(run: RunFolder) -> int:
    """Read everything in a run and compare it with its checksums."""
    import whyset

    opened = whyset.open_run(run)
    problems = opened.verify()
    for problem in problems:
        print(problem)
    if any(not problem.harmless for problem in problems):
        raise BrokenRunError(f"{run} is damaged in {sum(not problem.harmless for problem in problems)} places")
    for failure in opened.failures[:NAMED]:
        print(f"failed: {failure.id}: {failure.error}")
    if len(opened.failures) > NAMED:
        print(f"... and {len(opened.failures) - NAMED:,} more failed")
    missing = int((~opened.committed).sum())
    failed = len(opened.failures)
    print(f"{run}: {len(opened) - missing:,} of {len(opened):,} samples are there and whole, {failed:,} of them failed")
    return PARTLY_DONE if missing else 0

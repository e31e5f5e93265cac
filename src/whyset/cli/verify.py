"""`whyset verify`"""

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.options import RunFolder
from whyset.errors import BrokenRunError
from whyset.printable import echo

EXAMPLE = "whyset verify runs/mine"
NAMED = 20


def verify(run: RunFolder) -> int:
    """Read all data of a run and compare it with its checksums."""
    import whyset
    from whyset.store.commits import list_failed_samples

    opened = whyset.open_run(run)
    problems = opened.verify()
    for problem in problems:
        echo(problem)
    if any(not problem.harmless for problem in problems):
        raise BrokenRunError(f"{run} is damaged in {sum(not problem.harmless for problem in problems)} places")
    failures, each = opened.failures, opened.config.targets_per_sample
    samples = list_failed_samples(failures)
    for failure in samples[:NAMED]:
        echo(f"failed: {failure.id}: {failure.error}")
    if len(samples) > NAMED:
        echo(f"... and {len(samples) - NAMED:,} more failed")
    there = int(opened.committed.sum()) // each
    failed = f"{len(failures):,} of {'them' if each == 1 else 'their explanations'} failed"
    echo(f"{run}: {there:,} of {opened.sample_count:,} samples are present and intact, {failed}")
    unfinished = any(problem.kind == "unfinished" for problem in problems)
    return PARTLY_DONE if unfinished or there < opened.sample_count else 0

"""What comes of damaged runs: hundreds of seeded corruptions of one finished run, each used in every way.

    python benchmarks/corruption.py
    python benchmarks/corruption.py --count 800 --seed 7 --jobs 4 --title "After sealing"

It prints every corruption with a forbidden outcome, and appends its tables to benchmarks/results/corruption-<date>.md.
"""

import argparse
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from whyset.testing.corruption import (
    FORBIDDEN,
    OUTCOMES,
    CheckedDamage,
    Corruption,
    check,
    make_finished_run,
    plan_corruptions,
    take_reference,
)

RESULTS = Path(__file__).resolve().parent / "results"
LISTED = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="corruptions (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of the plan (default 0)")
    parser.add_argument("--jobs", type=int, default=2, help="corruptions checked side by side (default 2)")
    parser.add_argument("--title", default="Corruptions", help="heading in the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checked = checked_side_by_side(Path(folder), options.count, options.seed, options.jobs)
    page = "\n".join(describe(options.title, checked, options.seed))
    print(page)
    file = RESULTS / f"corruption-{date.today()}.md"
    before = file.read_text("utf-8") + "\n" if file.exists() else f"# Corruptions of a finished run, {date.today()}\n\n"
    file.write_text(before + page + "\n", "utf-8")


def checked_side_by_side(folder: Path, count: int, seed: int, jobs: int) -> list[CheckedDamage]:
    """Check a plan in processes that are forked before anything starts a thread."""
    context = multiprocessing.get_context("fork")
    maker = context.Process(target=make_finished_run, args=(folder / "run",))
    maker.start()
    maker.join()
    plan = plan_corruptions(folder / "run", seed, count)
    results: multiprocessing.Queue[CheckedDamage | None] = context.Queue()
    workers = [
        context.Process(target=check_part, args=(folder / "run", plan[job::jobs], folder / f"work-{job}", results.put))
        for job in range(jobs)
    ]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in plan]
    for worker in workers:
        worker.join()
    return [one for one in found if one is not None]


def check_part(run: Path, plan: Sequence[Corruption], work: Path, put: Callable[[CheckedDamage | None], None]) -> None:
    reference = take_reference(run, work)
    for corruption in plan:
        checked = check(run, corruption, reference, work)
        if checked is not None and checked.outcome in FORBIDDEN:
            print(*complaints(checked), sep="\n", flush=True)
        put(checked)


def complaints(checked: CheckedDamage) -> Iterator[str]:
    """Uses with a forbidden outcome, a line each."""
    for use, outcome in checked.outcomes.items():
        if outcome in FORBIDDEN:
            answer = checked.answers.get(use)
            last = (answer.error.strip().splitlines() or [""])[-1] if answer else ""
            yield f"- {checked.corruption}: {use}: {outcome} {last[:160]}".replace("\n", " ").rstrip()


def describe(title: str, checked: Sequence[CheckedDamage], seed: int) -> Iterator[str]:
    """The tables of one series."""
    yield f"## {title}\n"
    yield f"{len(checked)} corruptions, seed {seed}. A corruption counts by the worst outcome of its uses.\n"
    pairs = {(one.corruption.type, one.corruption.damage) for one in checked}
    yield from table(
        ["file", "damage"],
        sorted(pairs),
        [((one.corruption.type, one.corruption.damage), one.outcome) for one in checked],
    )
    yield ""
    uses = [((use,), outcome) for one in checked for use, outcome in one.outcomes.items()]
    yield from table(["use"], list(dict.fromkeys(key for key, _ in uses)), uses)
    forbidden = sorted(line for one in checked for line in complaints(one))
    yield f"\n{len(forbidden)} uses with a forbidden outcome{':' if forbidden else '.'}\n"
    yield from forbidden[:LISTED]


def table(
    head: list[str], rows: Sequence[tuple[str, ...]], found: Sequence[tuple[tuple[str, ...], str]]
) -> Iterator[str]:
    """How often each outcome came, one row for each key, and the sum."""
    counts = Counter(found)
    yield f"| {' | '.join([*head, *OUTCOMES])} |"
    yield f"|{'---|' * (len(head) + len(OUTCOMES))}"
    for row in rows:
        yield f"| {' | '.join([*row, *(str(counts[row, outcome] or '') for outcome in OUTCOMES)])} |"
    totals = Counter(outcome for _, outcome in found)
    yield f"| {' | '.join(['all', *[''] * (len(head) - 1), *(str(totals[outcome]) for outcome in OUTCOMES)])} |"


if __name__ == "__main__":
    main()

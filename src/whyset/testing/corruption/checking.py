"""Check one corruption: a copy of the run is damaged and used in a separate process, with limits on time and memory.

The process is forked, so modules are not imported again; the calling process must not have started threads.
"""

import json
import multiprocessing
import os
import resource
import shutil
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from whyset.testing.corruption.outcome import HANG, RunAnswer, finds_damage, judge, worst
from whyset.testing.corruption.plan import Corruption
from whyset.testing.corruption.uses import USES, VERIFY, use

MEMORY = 4 * 2**30
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class CheckedDamage:
    """Result of a corruption: the outcome of every use, the worst of them, and the answers."""

    corruption: Corruption
    outcomes: Mapping[str, str]
    answers: Mapping[str, RunAnswer]

    @property
    def outcome(self) -> str:
        return worst(self.outcomes)


def take_reference(run: Path, work: Path, uses: Collection[str] = tuple(USES)) -> dict[str, RunAnswer]:
    """Return the answers of the undamaged run. RuntimeError: it cannot be used in one of these ways."""
    answers = _use_in_process(run, None, work, uses) or {}
    failed = [f"{name}: {answer.error}" for name, answer in answers.items() if answer.error or answer.crashed]
    if failed or len(answers) < len(uses):
        raise RuntimeError(f"the undamaged run does not answer as expected: {failed or 'it hangs'}")
    return answers


def check(
    run: Path,
    corruption: Corruption,
    reference: Mapping[str, RunAnswer],
    work: Path,
    uses: Collection[str] = tuple(USES),
) -> CheckedDamage | None:
    """Damage a copy of the run in the folder `work` and use it; None if the damage changes nothing."""
    answers = _use_in_process(run, corruption, work, uses)
    if answers is None:
        return None
    verified = VERIFY in answers and not finds_damage(answers[VERIFY], reference[VERIFY])
    outcomes = {name: judge(answer, reference[name], corruption.file, verified) for name, answer in answers.items()}
    missing = [name for name in uses if name not in answers]
    return CheckedDamage(corruption, outcomes | dict.fromkeys(missing[:1], HANG), answers)


def _use_in_process(
    run: Path, corruption: Corruption | None, work: Path, uses: Collection[str]
) -> dict[str, RunAnswer] | None:
    """Return the answers received; None if the damage changes nothing."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(run, work / "damaged")
    shutil.copytree(run, work / "healthy")
    if corruption is not None and not corruption.apply(work / "damaged"):
        return None
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_use_all, args=(work, list(uses), sender), daemon=True)
    child.start()
    sender.close()
    answers: dict[str, RunAnswer] = {}
    try:
        while len(answers) < len(uses) and receiver.poll(PATIENCE_SECONDS):
            name, answer = json.loads(receiver.recv_bytes())
            answers[name] = RunAnswer(**answer)
    except EOFError:  # the process was killed, for example by the limit on memory
        missing = next(name for name in uses if name not in answers)
        answers[missing] = RunAnswer("", "the process died", crashed=True)
    finally:
        child.kill()
        child.join()
    return answers


def _use_all(work: Path, uses: list[str], sender: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # the process ends here
    for number, name in enumerate(uses):
        scratch = work / f"scratch-{number}"
        scratch.mkdir()
        answer = use(name, work / "damaged", work / "healthy", scratch)
        sender.send_bytes(json.dumps((name, asdict(answer))).encode())
    os._exit(0)

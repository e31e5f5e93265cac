"""What becomes of tasks when workers leave, decided without any process."""

from dataclasses import dataclass, field

from whyset.engines.supervisor import Died, Event, Supervisor
from whyset.engines.worker import Done, Ready


@dataclass
class Script:
    """One worker at a time, which ends as the script says as often as it gets a task, and then does what is asked."""

    ends: list[Died]
    size: int = 0
    events: list[tuple[int, Event]] = field(default_factory=list)
    workers: int = 0

    def grow(self, wanted: int) -> None:
        if self.size == 0:
            self.size, self.workers = 1, self.workers + 1
            self.events.append((self.workers, Ready()))

    def give(self, worker: int, number: int, task: bytes) -> None:
        if self.ends:
            self.size = 0
            self.events.append((worker, self.ends.pop(0)))
        else:
            self.events.append((worker, Done(number, task)))

    def listen(self) -> list[tuple[int, Event]]:
        heard, self.events = self.events, []
        return heard

    def close(self, gently: bool) -> None:
        assert gently, "all tasks had an end"


def supervised(ends: list[Died]) -> list[tuple[object, object, int]]:
    results = Supervisor(Script(ends), ["a", "b"], retries=3).run()
    return [(result.task, result.value or result.error, result.attempts) for result in results]


def test_leaving_in_good_order_costs_a_task_no_attempt_that_counts() -> None:
    leaving = [Died("on its way home", blamed=False)] * 7
    assert sorted(supervised(leaving)) == [("a", "a", 8), ("b", "b", 1)]


def test_dying_counts_beside_leaving() -> None:
    ends = [Died("killed"), Died("on its way home", blamed=False), Died("killed"), Died("killed again")]
    (given_up, done) = supervised(ends)
    assert given_up == ("a", "it ended 3 workers (the last was killed again), and was given up", 4)
    assert done == ("b", "b", 1)

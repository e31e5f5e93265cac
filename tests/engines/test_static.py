import pytest

from whyset.engines import Engine, Local, Serial, Share, Static
from whyset.errors import InputError
from whyset.testing.engines import EngineContract
from whyset.testing.tasks import add_task, ignore, kill_at_two, return_hundred


class TestStatic(EngineContract):
    def engine(self) -> Engine:
        return Static(rank=0, world=1)


def done(rank: int, tasks: list[object]) -> list[object]:
    return [result.task for result in Static(rank, 3).map(ignore, tasks)]


def test_ranks_that_see_different_lists_miss_no_number() -> None:
    """Rank 1 comes when rank 0 has done 0 and 3."""
    assert done(0, list(range(7))) == [0, 3, 6]
    assert done(1, [1, 2, 4, 5, 6]) == [1, 4]
    assert done(2, [2, 5, 6]) == [2, 5]


def test_what_is_no_number_is_divided_by_its_position() -> None:
    assert [done(rank, list("abcd")) for rank in range(3)] == [["a", "d"], ["b"], ["c"]]


def test_the_inner_engine_does_the_work() -> None:
    engine = Static(rank=0, world=2, inner=Local(workers=2))
    results = {result.task: result for result in engine.map(kill_at_two, list(range(6)), retries=1)}
    assert {task: result.value for task, result in results.items()} == {0: 0, 2: None, 4: 4}
    assert "1 worker " in (results[2].error or "")
    assert not engine.in_process


def test_a_rank_without_tasks_needs_no_setup() -> None:
    assert list(Static(rank=2, world=3).map(add_task, [0, 1], setup=return_hundred)) == []


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert repr(Static()) == "Static(rank=1, world=2, inner=Serial())"
    assert Static(rank=4, world=5) == Static(rank=4, world=5, inner=Serial())


def test_ranks_started_by_hand_make_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert Static(rank=1, world=2).share == Share(1, 2, "static-2")
    monkeypatch.setenv("SLURM_JOB_ID", "75")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert Static(rank=1, world=2).share == Share(1, 2, "slurm-75", restart=1)


def test_wrong_arguments_are_refused_when_the_engine_is_made() -> None:
    with pytest.raises(InputError, match="rank is 1 and world is None: expected both or neither"):
        Static(rank=1)
    with pytest.raises(InputError, match="rank 2 of 2"):
        Static(rank=2, world=2)
    with pytest.raises(InputError, match="inner is a Static"):
        Static(0, 1, inner=Static(0, 1))

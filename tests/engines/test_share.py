"""Which part of the work is a process's own, by what Slurm and torchrun put into the environment."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.engines.share import Share, get_launched_share, job_id, restarts
from whyset.errors import InputError

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
STEP = {"SLURM_PROCID": "2", "SLURM_NTASKS": "3", "SLURM_STEP_ID": "0"}


def array(task: int, count: int, first: int = 0, step: int = 1) -> dict[str, str]:
    """What Slurm gives to a task of an array."""
    values = {"ID": task, "COUNT": count, "MIN": first, "MAX": first + step * (count - 1), "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


def rank_and_world(environment: dict[str, str]) -> tuple[int, int]:
    share = get_launched_share(environment)
    return share.rank, share.world


@given(count=st.integers(0, 60), world=st.integers(1, 9))
def test_shares_make_up_the_whole_and_do_not_overlap(count: int, world: int) -> None:
    shares = [Share(rank, world).of(range(count)) for rank in range(world)]
    assert sorted(number for share in shares for number in share) == list(range(count))


@pytest.mark.parametrize(("rank", "world"), [(-1, 2), (2, 2), (0, 0)])
def test_a_rank_outside_of_its_world_is_refused(rank: int, world: int) -> None:
    with pytest.raises(InputError, match=f"rank {rank} of {world}"):
        Share(rank, world)


def test_each_launcher_is_understood() -> None:
    assert rank_and_world(TORCHRUN) == (1, 4)
    assert rank_and_world(STEP) == (2, 3)
    assert rank_and_world(array(5, 8)) == (5, 8)


def test_array_ids_may_begin_anywhere_and_go_up_in_steps() -> None:
    assert rank_and_world(array(12, 4, first=10)) == (2, 4)
    assert rank_and_world(array(16, 4, first=10, step=2)) == (3, 4)
    assert rank_and_world({"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2"}) == (1, 2)


@pytest.mark.parametrize("task", [1, 2, 7])
def test_an_array_with_gaps_is_refused_by_each_of_its_tasks(task: int) -> None:
    gaps = array(task, 3, first=1) | {"SLURM_ARRAY_TASK_MAX": "7"}
    with pytest.raises(InputError, match="use --array=0-2"):
        get_launched_share(gaps)


def test_torchrun_wins_over_the_srun_that_started_it() -> None:
    assert rank_and_world(TORCHRUN | STEP) == (1, 4)


def test_an_array_is_divided_again_within_each_of_its_tasks() -> None:
    assert rank_and_world(array(5, 8) | STEP) == (5 * 3 + 2, 24)
    assert rank_and_world(array(5, 8) | TORCHRUN | STEP) == (5 * 4 + 1, 32)


def test_the_number_of_tasks_counts_only_where_srun_starts_them() -> None:
    script = {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}
    assert rank_and_world(array(5, 8) | script) == (5, 8)
    with pytest.warns(UserWarning, match="srun did not start it"):
        assert rank_and_world(script) == (0, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rank_and_world(script | {"SLURM_NTASKS": "1"}) == (0, 1)


def test_a_step_smaller_than_its_job_has_its_own_number_of_tasks() -> None:
    assert rank_and_world(STEP | {"SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "3"}) == (2, 3)


def test_without_a_launcher_it_is_told_what_is_missing() -> None:
    with pytest.raises(InputError, match=r"needs rank and world: .*RANK and WORLD_SIZE.*Static\(rank=0, world=4\)"):
        get_launched_share({"RANK": "1"})


def test_what_is_no_number_is_named() -> None:
    with pytest.raises(InputError, match="WORLD_SIZE is 'four': expected a number"):
        get_launched_share({"RANK": "0", "WORLD_SIZE": "four"})


def test_ranks_of_one_job_have_its_name_in_common() -> None:
    assert job_id({"SLURM_ARRAY_JOB_ID": "70", "SLURM_JOB_ID": "75"}) == "slurm-70"
    assert job_id({"SLURM_JOB_ID": "75", "TORCHELASTIC_RUN_ID": "none"}) == "slurm-75"
    address = {"MASTER_ADDR": "n1", "MASTER_PORT": "29500"}
    assert job_id({"TORCHELASTIC_RUN_ID": "none"} | address) == "torchrun-none-n1-29500"
    assert job_id({}) is None


def test_restarts_are_counted_by_whoever_restarts() -> None:
    assert restarts({}) == 0
    assert restarts({"SLURM_RESTART_COUNT": "2"}) == 2
    assert restarts({"TORCHELASTIC_RESTART_COUNT": "1"}) == 1

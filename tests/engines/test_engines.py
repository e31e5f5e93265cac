import pytest

from whyset.engines import ENGINES, Engine, Local, Progress, Serial, Silent, engine_of, worker_number
from whyset.errors import InputError


def test_the_table_makes_engines() -> None:
    assert all(isinstance(make(), Engine) for make in ENGINES.values())
    assert engine_of("serial") == Serial()


def test_an_engine_stands_for_itself() -> None:
    mine = Local(workers=3)
    assert engine_of(mine) is mine


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'dusk'.*serial, local"):
        engine_of("dusk")


def test_no_workers_are_refused() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        Local(workers=0)


def test_outside_of_workers_the_number_is_zero() -> None:
    assert worker_number() == 0


def test_silent_is_a_progress() -> None:
    assert isinstance(Silent(), Progress)

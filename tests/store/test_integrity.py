"""Values that go into numbers and exports come from files that have the checksums of their commits."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from whyset.errors import BrokenRunError
from whyset.store import CategoryResult, Run, open_run

MAPS = "data.zarr/attribution/input/c/1/0/0/0"
SCALES = "data.zarr/attribution/input.scale/c/1"


def flip(file: Path, at: int = 7) -> None:
    """Change one bit that neither makes the file shorter nor the value infinite."""
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", [MAPS, SCALES])
def test_a_thorough_reader_refuses_every_row_of_a_shard_with_one_changed_bit(full_run: Run, name: str) -> None:
    flip(full_run.path / name)
    run = open_run(full_run.path).thoroughly()
    with pytest.raises(BrokenRunError, match=rf"{name} is damaged: its CRC32 is .*delete commits/000001.json"):
        run.relevance[31]
    assert np.array_equal(run.relevance[3], full_run.relevance[3])


def test_a_thorough_reader_stays_thorough_in_a_worker(full_run: Run) -> None:
    flip(full_run.path / MAPS)
    run = pickle.loads(pickle.dumps(full_run.thoroughly()))
    with pytest.raises(BrokenRunError, match="its CRC32 is"):
        run.relevance[31]


def test_what_is_read_whole_is_compared_by_every_reader(full_run: Run) -> None:
    flip(full_run.path / MAPS)
    assert open_run(full_run.path).relevance[31].any()  # one map is not worth the reading of its shard
    with pytest.raises(BrokenRunError, match=f"{MAPS} is damaged"):
        _ = open_run(full_run.path).relevance[16:32]


def test_scales_are_compared_by_every_reader_of_one_map(full_run: Run) -> None:
    """Their files are small, and a wrong scale makes a whole map wrong; a viewer reads maps so."""
    flip(full_run.path / SCALES)
    with pytest.raises(BrokenRunError, match=rf"{SCALES} is damaged: its CRC32 is"):
        _ = open_run(full_run.path).relevance[31]
    assert np.array_equal(open_run(full_run.path).relevance[3], full_run.relevance[3])


@pytest.mark.parametrize("name", ["prediction", "confidence", "status", "target"])
def test_columns_are_always_compared(full_run: Run, name: str) -> None:
    flip(full_run.path / f"data.zarr/{name}/c/2", at=1)
    with pytest.raises(BrokenRunError, match=rf"{name}/c/2 is damaged: its CRC32 is"):
        open_run(full_run.path).column(name)


def test_each_file_is_compared_once(full_run: Run) -> None:
    run = full_run.thoroughly()
    _ = run.relevance[31]
    flip(full_run.path / MAPS)
    assert run.relevance[31].any()
    assert run.verified == {("attribution/input", 1), ("attribution/input.scale", 1)}


def test_rows_can_be_compared_without_being_kept(full_run: Run) -> None:
    flip(full_run.path / MAPS)
    run = open_run(full_run.path)
    run.relevance.require_whole(np.array([3, 36]))
    with pytest.raises(BrokenRunError, match=f"{MAPS} is damaged"):
        run.relevance.require_whole(np.array([3, 17]))


def test_a_column_of_an_analysis_is_compared_when_it_is_read(full_run: Run) -> None:
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {"index": np.arange(3)}))
    np.save(writer.path / "00001/index.npy", np.arange(3)[::-1].copy())
    with pytest.raises(
        BrokenRunError, match=r"index.npy is damaged: its CRC32 is .* category.json has .*analyze again"
    ):
        full_run.analysis("spray").category("dog").column("index")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<i8' ]", b"\x93NUMPY\x01\x00v\x00" + b"(" * 118],
)
def test_a_torn_column_of_an_analysis_is_named_and_ends_nothing(full_run: Run, content: bytes) -> None:
    """NumPy raises EOFError for an empty file, which a command line takes for Ctrl-D."""
    writer = full_run.analysis_writer("spray", {})
    writer.write(CategoryResult("00001", "dog", {"index": np.arange(3), "later": np.arange(3)}))
    (writer.path / "00001/index.npy").write_bytes(content)
    flip(writer.path / "00001/later.npy", at=-1)
    assert [problem.where for problem in full_run.verify()] == [
        "analyses/spray/00001/index.npy",
        "analyses/spray/00001/later.npy",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("name", [MAPS, SCALES, "data.zarr/zarr.json", "samples.parquet"])
def test_a_fifo_in_the_place_of_a_file_is_damage_and_does_not_block(full_run: Run, name: str) -> None:
    (full_run.path / name).unlink()
    os.mkfifo(full_run.path / name)
    (problem,) = full_run.verify()
    assert (problem.kind, problem.where) == ("damaged", name)


@pytest.mark.parametrize("name", [MAPS, "data.zarr/zarr.json", "samples.parquet", "commits/000001.json"])
@pytest.mark.parametrize("made", ["folder", "loop"])
def test_a_folder_or_a_loop_in_the_place_of_a_file_is_damage(full_run: Run, name: str, made: str) -> None:
    file = full_run.path / name
    file.unlink()
    if made == "folder":
        file.mkdir()
    else:
        file.symlink_to(file.name)
    assert [problem.where for problem in full_run.verify() if not problem.harmless] == [name]


@pytest.mark.parametrize("name", ["²", "٣", "1²", "new\nline", "\x1b[31mred", "c" * 200, "-1", "0x1"])
def test_strays_of_any_name_are_reported_in_one_printable_line(full_run: Run, name: str) -> None:
    places = ["", "commits/", "data.zarr/target/c/", "data.zarr/attribution/input/c/"]
    for place in places:
        (full_run.path / f"{place}{name}").touch()
    problems = full_run.verify()
    assert {problem.where for problem in problems} == {f"{place}{name}" for place in places}
    assert all(problem.kind == "stray" for problem in problems)
    assert all(str(problem).isprintable() for problem in problems)


def test_a_name_that_is_not_unicode_can_be_printed(full_run: Run) -> None:
    (full_run.path / os.fsdecode(b"caf\xe9")).touch()
    (problem,) = full_run.verify()
    assert str(problem).encode() == b"stray: caf\\udce9: it is not part of the run and is not read"


def test_every_damaged_place_is_reported_beside_the_others(full_run: Run) -> None:
    flip(full_run.path / MAPS)
    (full_run.path / "commits/000002.json").write_text("[]")
    (full_run.path / "selections").mkdir()
    (full_run.path / "selections/a.json").write_text("{")
    (full_run.path / "analyses/broken").mkdir()
    (full_run.path / "analyses/broken/analysis.json").write_text('{"schema": "1.0", "config": 3}')
    (full_run.path / "data.zarr/zarr.json").write_text("[" * 100_000)
    assert [(problem.kind, problem.where) for problem in full_run.verify()] == [
        ("damaged", "data.zarr/zarr.json"),
        ("damaged", MAPS),
        ("damaged", "commits/000002.json"),
        ("damaged", "analyses/broken"),
        ("damaged", "selections/a.json"),
    ]

"""What a run that somebody else made may execute when it is repeated: nothing that was not looked at and allowed."""

import json
import os
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.errors import InputError
from whyset.progress import Silent
from whyset.runner import ModelSource, rerun
from whyset.runner.consent import ModelCode
from whyset.runner.made_here import is_made_here, key_path, with_mark
from whyset.store.jsonfile import json_checksum

ImageFolder = Callable[..., Path]


@pytest.fixture
def traced(model_file: Path) -> Path:
    """A file that is there once the model file, or what replaces it, was executed."""
    trace = model_file.with_name("executed")
    model_file.write_text(f"{model_file.read_text()}\nfrom pathlib import Path\nPath({str(trace)!r}).touch()\n")
    return trace


@pytest.fixture
def run(model_file: Path, traced: Path, image_folder: ImageFolder, tmp_path: Path) -> Path:
    """A run with weights, made here; that its model file was executed for it is forgotten."""
    source = ModelSource(f"{model_file}:net")
    torch.save(source.load().module.state_dict(), tmp_path / "net.pt")
    ws.explain(ModelSource(f"{model_file}:net", tmp_path / "net.pt"), image_folder(), tmp_path / "run")
    traced.unlink()
    return tmp_path / "run"


@pytest.fixture
def elsewhere(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine: there the key that marks runs is another one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other-state"))


def edit(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change run.json as somebody would who knows the format: with a checksum that fits."""
    record = json.loads((run / "run.json").read_text())
    record.pop("checksum")
    change(record)
    (run / "run.json").write_text(json.dumps(record | {"checksum": json_checksum(record)}))


def test_a_run_made_here_is_repeated_without_a_question(run: Path, traced: Path, tmp_path: Path) -> None:
    assert is_made_here(ws.open_run(run).config)
    assert rerun(run, tmp_path / "new").committed.all()
    assert traced.exists()
    assert key_path().stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("elsewhere")
def test_a_received_run_executes_nothing_until_it_is_trusted(run: Path, traced: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"not made by you on this machine.*model\.py \(SHA-256 [0-9a-f]{64}\).*--trust"
    ):
        rerun(run, tmp_path / "new")
    assert not traced.exists()
    assert not (tmp_path / "new").exists()
    shown: list[ModelCode] = []
    with pytest.raises(InputError, match="--trust"):
        rerun(run, tmp_path / "new", trust=lambda code: bool(shown.append(code)))
    assert [code.path for code in shown] == [tmp_path / "model.py"]
    assert not traced.exists()
    assert rerun(run, tmp_path / "new", trust=lambda code: True).committed.all()
    assert traced.exists()


def other_model(record: dict[str, Any]) -> None:
    record["config"]["origin"]["model"]["spec"] = "/somewhere/else.py:net"


def other_data(record: dict[str, Any]) -> None:
    record["config"]["origin"]["data"]["path"] = "/somewhere"


def another_mark(record: dict[str, Any]) -> None:
    record["config"]["origin"]["mark"] = "0" * 64


def odd_mark(record: dict[str, Any]) -> None:
    record["config"]["origin"]["mark"] = "\u00fc"


def no_mark(record: dict[str, Any]) -> None:
    del record["config"]["origin"]["mark"]


@pytest.mark.parametrize("change", [other_model, other_data, another_mark, odd_mark, no_mark])
def test_a_mark_does_not_survive_a_change_of_what_it_vouches_for(
    change: Callable[[dict[str, Any]], object], run: Path
) -> None:
    edit(run, change)
    assert not is_made_here(ws.open_run(run).config)


def test_an_early_run_counts_as_received_and_its_short_hash_is_compared(
    run: Path, traced: Path, model_file: Path, tmp_path: Path
) -> None:
    def early(record: dict[str, Any]) -> None:
        no_mark(record)
        del record["config"]["origin"]["model"]["code_sha256"]

    edit(run, early)
    with pytest.raises(InputError, match="--trust"):
        rerun(run, tmp_path / "new")
    assert rerun(run, tmp_path / "new", trust=True).committed.all()
    traced.unlink()
    model_file.write_text(model_file.read_text() + "# other\n")
    with pytest.raises(InputError, match=r"SHA-256 [0-9a-f]{64} here, [0-9a-f]{12} in the run"):
        rerun(run, tmp_path / "third", trust=True)
    assert not traced.exists()


def test_another_hash_is_refused_before_anything_runs_even_with_trust(
    run: Path, traced: Path, model_file: Path, tmp_path: Path
) -> None:
    model_file.write_text(model_file.read_text() + "# other\n")
    with pytest.raises(
        InputError, match=r"has changed and was not executed: SHA-256 [0-9a-f]{64} here, [0-9a-f]{64} in"
    ):
        rerun(run, tmp_path / "new", trust=True)
    assert not traced.exists()


def test_a_file_that_was_exchanged_for_a_link_to_another_is_refused(
    run: Path, traced: Path, model_file: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.py"
    evil.write_text(f"from pathlib import Path\nPath({str(traced)!r}).touch()\n")
    model_file.unlink()
    model_file.symlink_to(evil)
    with pytest.raises(InputError, match=r"evil\.py has changed"):
        rerun(run, tmp_path / "new", trust=True)
    assert not traced.exists()


def into_the_run(run: Path, file: Path) -> Path:
    return Path(shutil.copy(file, run / file.name))


def linked_into_the_run(run: Path, file: Path) -> Path:
    link = run.parent / "links" / file.name
    link.parent.mkdir()
    link.symlink_to(into_the_run(run, file))
    return link


def linked_out_of_the_run(run: Path, file: Path) -> Path:
    (run / file.name).symlink_to(file)
    return run / file.name


def through_a_linked_folder(run: Path, file: Path) -> Path:
    into_the_run(run, file)
    (run.parent / "linked").symlink_to(run)
    return run.parent / "linked" / file.name


def with_dots(run: Path, file: Path) -> Path:
    return into_the_run(run, file).parent / "commits" / ".." / file.name


def relative(run: Path, file: Path) -> Path:
    return Path(os.path.relpath(into_the_run(run, file)))


@pytest.mark.parametrize(
    "place",
    [into_the_run, linked_into_the_run, linked_out_of_the_run, through_a_linked_folder, with_dots, relative],
)
@pytest.mark.parametrize("which", ["model", "weights"])
def test_files_inside_the_run_folder_are_never_used(
    which: str, place: Callable[[Path, Path], Path], run: Path, traced: Path, tmp_path: Path
) -> None:
    file = place(run, tmp_path / {"model": "model.py", "weights": "net.pt"}[which])
    key, value = {"model": ("spec", f"{file}:net"), "weights": ("weights", str(file))}[which]
    edit(run, lambda record: record["config"]["origin"]["model"].update({key: value}))
    with pytest.raises(InputError, match=r"names a (model|weights) file in the run folder"):
        rerun(run, tmp_path / "new", trust=True)
    assert not traced.exists()


def test_a_compiled_file_beside_the_source_is_not_executed_in_its_place(
    run: Path, traced: Path, model_file: Path, tmp_path: Path
) -> None:
    """Python takes a `.pyc` of the same time and size, whatever was compiled into it."""
    source, status, trace = model_file.read_text(), model_file.stat(), tmp_path / "evil"
    model_file.write_text(f"open({str(trace)!r}, 'w')\n".ljust(len(source) - 1) + "\n")
    os.utime(model_file, ns=(status.st_atime_ns, status.st_mtime_ns))
    py_compile.compile(str(model_file))
    model_file.write_text(source)
    os.utime(model_file, ns=(status.st_atime_ns, status.st_mtime_ns))
    rerun(run, tmp_path / "new")
    assert traced.exists()
    assert not trace.exists()


def test_workers_execute_the_file_only_with_the_hash_that_was_allowed(
    run: Path, traced: Path, model_file: Path, tmp_path: Path
) -> None:
    source = ModelSource(f"{model_file}:net", code_sha256="0" * 64)
    with pytest.raises(InputError, match=r"is not executed: expected SHA-256 0{64}, got [0-9a-f]{64}"):
        source.load()
    assert not traced.exists()
    assert rerun(run, tmp_path / "new", engine="local").committed.all()


def test_a_damaged_origin_is_one_line(run: Path, tmp_path: Path) -> None:
    for damage in ({"model": 3}, {"model": {"spec": 3, "weights": None, "weights_sha256": None}}):
        edit(run, lambda record, damage=damage: record["config"]["origin"].update(damage))
        with pytest.raises(InputError, match="cannot be repeated"):
            rerun(run, tmp_path / "new", trust=True)


def test_without_a_place_for_the_key_a_run_is_made_and_says_what_is_missing(
    run: Path, model_file: Path, image_folder: ImageFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    said: list[str] = []

    class Listener:
        def start(self, total: int, unit: str) -> None: ...
        def advance(self, n: int) -> None: ...
        def info(self, line: str) -> None:
            said.append(line)

        def warn(self, line: str) -> None:
            said.append(line)

        def finish(self) -> None: ...

    made = ws.explain(
        ModelSource(f"{model_file}:net"), image_folder("more"), tmp_path / "unmarked", progress=Listener()
    )
    assert not is_made_here(made.config)
    assert any("will need --trust (trust=True)" in line for line in said)


def test_a_mark_is_the_same_before_and_after_storing(run: Path) -> None:
    config = ws.open_run(run).config
    assert with_mark(config).origin["mark"] == config.origin["mark"]


def test_the_repeated_run_is_marked_anew(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other-state"))
    twin = rerun(run, tmp_path / "new", trust=True)
    assert is_made_here(twin.config)
    np.testing.assert_array_equal(twin.relevance[:], ws.open_run(run).relevance[:])


def test_a_user_without_a_home_folder_is_told_that_repeating_needs_trust(
    model_file: Path, image_folder: ImageFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container whose user number has no entry in the system's list of users."""

    def unknown(*_: object) -> None:
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(RuntimeError, match="home"):
        key_path()
    said: list[str] = []

    class Said(Silent):
        def info(self, line: str) -> None:
            said.append(line)

    run = ws.explain(ModelSource(f"{model_file}:net"), image_folder(), tmp_path / "run", progress=Said())
    assert run.committed.all()
    assert [line for line in said if "no home folder was found" in line and "--trust" in line]
    assert not is_made_here(run.config)
    with pytest.raises(InputError, match="--trust"):
        rerun(run.path, tmp_path / "again")


def circle(folder: Path) -> str:
    (folder / "circle.py").symlink_to("circle.py")
    return str(folder / "circle.py")


PATHS: dict[str, Callable[[Path], str]] = {
    "null byte": lambda folder: f"{folder}/a\0b.py",
    "circle": circle,
    "through a circle": lambda folder: f"{circle(folder)}/net.py",
    "long": lambda folder: f"{folder}/{'a' * 5000}.py",
    "relative": lambda folder: "../" * 50 + "etc/passwd",
    "control characters": lambda folder: f"{folder}/\x1b[31m\n.py",
    "device": lambda folder: "/dev/zero",
    "empty": lambda folder: "",
}


@pytest.mark.parametrize("make", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("field", ["spec", "weights", "data"])
def test_paths_that_no_file_has_are_refused(
    field: str, make: Callable[[Path], str], run: Path, traced: Path, tmp_path: Path
) -> None:
    path = make(tmp_path)

    def change(record: dict[str, Any]) -> None:
        origin = record["config"]["origin"]
        if field == "data":
            origin["data"]["path"] = path
        else:
            origin["model"][field] = f"{path}:net" if field == "spec" else path

    edit(run, change)
    with pytest.raises(InputError):
        rerun(run, tmp_path / "new")
    assert not traced.exists()
    assert not (tmp_path / "new").exists()

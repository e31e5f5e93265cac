"""RemotePath: what pathlib promises, as far as the store needs it, and what an object store adds."""

import pickle
import sys
import threading
from pathlib import Path, PurePosixPath

import pytest

from whyset.errors import InputError, MissingExtraError
from whyset.store import RemoteError, RemotePath
from whyset.store.files import create_file, new_file, remove, replace_file
from whyset.store.remote import as_path, require_exclusive_creation


def write(folder, *names):
    for name in names:
        replace_file(folder / name, name.encode())


def test_names_are_those_of_pathlib(memory):
    path, pure = memory / "runs" / "a.b.json", PurePosixPath("runs/a.b.json")
    for name in ("name", "stem"):
        assert getattr(path, name) == getattr(pure, name)
    assert path.relative_to(memory) == pure
    assert path.with_name("c").relative_to(memory) == pure.with_name("c")
    assert str(path.parent) == "memory://bucket/runs"
    assert str(memory) == "memory://bucket"
    assert memory.name == "bucket"
    assert memory / "runs" < path
    assert path == memory.joinpath("runs", "a.b.json")


def test_listing_is_that_of_a_folder(memory, tmp_path):
    names = ["a.json", "deep/b.json", "deep/er/c.json", "deeper/d.json", ".e.partial"]
    write(memory / "run", *names)
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def found(folder, paths):
        return sorted(str(path.relative_to(folder)) for path in paths)

    remote = memory / "run"
    assert found(remote, remote.iterdir()) == found(tmp_path, tmp_path.iterdir())
    for pattern in ("*", "*.json", "*/*.json", "deep/*/c.json", ".*.partial", "none/*"):
        assert found(remote, remote.glob(pattern)) == found(tmp_path, tmp_path.glob(pattern)), pattern
    for name in ("", "deep", "deep/b.json", "dee", "none"):
        for question in ("exists", "is_file", "is_dir"):
            assert getattr(remote / name, question)() == getattr(tmp_path / name, question)(), (name, question)
    assert found(remote, remote.below()) == sorted(names)


def test_removal_takes_what_lies_below_and_not_what_is_named_alike(memory):
    write(memory, "c/1/0", "c/10/0", "c/1x")
    remove(memory / "c" / "1")
    assert sorted(path.relative_to(memory).as_posix() for path in memory.below()) == ["c/10/0", "c/1x"]
    remove(memory / "nothing")


def test_a_new_file_appears_whole_or_not_at_all(memory):
    with pytest.raises(TypeError), new_file(memory / "a") as file:
        file.writelines([b"1", "text"])
    assert not (memory / "a").exists()
    with new_file(memory / "a") as file:
        file.write(b"1")
    with pytest.raises(FileExistsError), new_file(memory / "a") as file:
        file.write(b"2")
    assert (memory / "a").read_bytes() == b"1"


def test_of_many_writers_one_creates(url):
    path, won, start = RemotePath.of(url) / "commits" / "000000.json", [], threading.Barrier(8)

    def create(writer):
        start.wait()
        try:
            create_file(path, b"%d" % writer)
        except FileExistsError:
            return
        won.append(writer)

    writers = [threading.Thread(target=create, args=(writer,)) for writer in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(won) == 1
    assert path.read_bytes() == b"%d" % won[0]


def test_a_creation_whose_answer_was_lost_counts_as_done(memory):
    create_file(memory / "lease", b"token")
    create_file(memory / "lease", b"token")  # as after a put that was done, but not answered
    with pytest.raises(FileExistsError):
        create_file(memory / "lease", b"other")


def test_a_store_that_overwrites_in_silence_is_refused(wire, url):
    """As servers do that do not know the condition: here the wire hides it from one that does."""
    wire.swaps[b"if-none-match"] = b"x-not-present"
    with pytest.raises(InputError, match="accepted the same key twice"):
        require_exclusive_creation(RemotePath.of(url, endpoint=wire.endpoint))
    assert not RemotePath.of(url).exists()
    require_exclusive_creation(RemotePath.of(url))


def test_a_store_without_conditional_puts_is_refused(url):
    with pytest.raises(InputError, match="cannot create objects exclusively"):
        require_exclusive_creation(RemotePath.of(url, conditional_put="disabled"))


def test_a_path_travels_to_other_processes(url):
    path = RemotePath.of(url) / "a"
    replace_file(path, b"1")
    sent = pickle.loads(pickle.dumps(path))
    assert sent == path
    assert sent.read_bytes() == b"1"


@pytest.mark.parametrize(
    ("given", "kind"),
    [("runs/a", Path), (Path("runs/a"), Path), ("s3://bucket/a", RemotePath), ("C:\\runs\\a", Path), ("s3", Path)],
)
def test_what_is_no_url_is_a_folder(server, given, kind):
    assert isinstance(as_path(given), kind)


@pytest.mark.parametrize("given", ["hf://datasets/a", "http://host/a", "memory://a", "s3://", "file:///tmp/a"])
def test_other_urls_are_refused(given):
    with pytest.raises(InputError, match="expected s3://BUCKET/KEY"):
        as_path(given)


def test_a_url_that_went_through_pathlib_is_not_taken_for_a_folder():
    with pytest.raises(InputError, match="give it as text"):
        as_path(Path("s3://bucket/run"))


def test_a_missing_bucket_is_told(server):
    for question in (lambda path: path.read_bytes(), lambda path: list(path.iterdir()), lambda path: path.put(b"")):
        with pytest.raises(RemoteError, match="the bucket does not exist"):
            question(RemotePath.of("s3://no-such-bucket/run"))


def test_missing_credentials_are_told(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    away = "http://127.0.0.1:9"  # instead of the address where clouds keep credentials
    with pytest.raises(RemoteError, match=r"no credentials were found.*AWS_ACCESS_KEY_ID"):
        RemotePath.of("s3://bucket/run", metadata_endpoint=away, retry_config={"max_retries": 0}).is_file()


def test_a_server_that_is_away_is_told(server):
    path = RemotePath.of("s3://bucket/run", endpoint="http://127.0.0.1:9", retry_config={"max_retries": 1})
    with pytest.raises(RemoteError, match=r"the request to the store failed.*run the same command again"):
        path.is_file()


def test_signatures_are_not_told(server):
    key = {"account_name": "none", "sas_key": "sv=1&sig=secret", "retry_config": {"max_retries": 0}}
    path = RemotePath.of(
        "az://container/run", endpoint="http://127.0.0.1:9", client_options={"allow_http": True}, **key
    )
    with pytest.raises(RemoteError, match="the request to the store failed") as told:
        path.is_dir()
    assert "secret" not in str(told.value)


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(MissingExtraError, match=r"whyset\[remote\]"):
        as_path("s3://bucket/run")

import errno
import os

import pytest

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.store.files import create_file, explain_disk_errors, replace_file
from whyset.store.jsonfile import create_json, encode, read_json


def test_a_file_is_created_once(tmp_path):
    create_file(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failed_replacement_leaves_the_old_content(tmp_path, monkeypatch):
    replace_file(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", lambda _: fail(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_file_systems_without_hard_links_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: fail(errno.EPERM))
    with pytest.raises(WhysetError, match="without hard links"):
        create_json(tmp_path / "a.json", {})


@pytest.mark.parametrize(
    ("code", "reason"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "not permitted")]
)
def test_storage_errors_become_sentences(tmp_path, code, reason):
    with pytest.raises(WhysetError, match=rf"{tmp_path}.*{reason}"), explain_disk_errors(tmp_path):
        fail(code)


def test_other_system_errors_stay_what_they_are(tmp_path):
    with pytest.raises(InterruptedError), explain_disk_errors(tmp_path):
        raise InterruptedError(errno.EINTR, "interrupted")


def test_json_must_be_an_object(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(BrokenRunError, match="expected a JSON object, got list"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(("value", "message"), [(float("nan"), "finite"), ({1: 2}, "key 1"), ({1}, "is a set")])
def test_what_json_cannot_hold_is_refused(value, message):
    with pytest.raises(InputError, match=message):
        encode(value)


def fail(code):
    raise OSError(code, os.strerror(code))

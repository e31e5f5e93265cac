"""The folder of a watched training."""

from pathlib import Path

import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store.watched import claim_folder, is_watched, list_epochs, read_threshold


def test_a_folder_is_claimed_once_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "watch"
    assert not is_watched(folder)
    claim_folder(folder, 0.25)
    claim_folder(folder, 0.25)
    assert is_watched(folder)
    assert read_threshold(folder) == 0.25
    assert list_epochs(folder) == []


def test_a_folder_with_other_files_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_text("mine")
    with pytest.raises(InputError, match="has other files"):
        claim_folder(tmp_path, 0.2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.pt"]


def test_only_runs_are_epochs(tmp_path: Path) -> None:
    claim_folder(tmp_path / "watch", 0.2)
    (tmp_path / "watch" / "epoch-0001").mkdir()
    assert list_epochs(tmp_path / "watch") == []


@pytest.mark.parametrize("text", ['{"schema": "9.0", "threshold": 0.2}', '{"schema": "1.0"}'])
def test_an_unknown_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "watch.json").write_text(text)
    with pytest.raises(InputError, match=r"expected schema 1\.0"):
        read_threshold(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "watch.json").write_text("{")
    with pytest.raises(BrokenRunError, match=r"watch\.json is damaged"):
        read_threshold(tmp_path)

"""Labels: every form of labels file that is in use, and what is wrong with the others."""

import json
from pathlib import Path

import pytest
from PIL import Image

from whyset.errors import InputError
from whyset.runner import FolderSource, Labels, Preprocessing


@pytest.mark.parametrize(
    "content",
    [["cat", "dog"], {"0": "cat", "1": "dog"}, {"cat": 0, "dog": 1}, {"1": ["n2", "dog"], "0": ["n1", "cat"]}],
)
def test_all_forms_say_the_same(content: object, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    labels = Labels.read(path)
    assert labels.names == ("cat", "dog")
    assert (labels.indices["cat"], labels.indices["dog"]) == (0, 1)


def test_every_name_of_a_class_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text('{"0": ["n01440764", "tench"]}')
    assert Labels.read(path).indices == {"n01440764": 0, "tench": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("3", "none of the forms"),
        ('{"a": "b"}', "none of the forms"),
        ("[1, 2]", "none of the forms"),
        ("[]", "no name for index 0"),
        ('{"0": "cat", "2": "dog"}', "no name for index 1"),
        ('{"-1": "cat"}', "none of the forms"),
        ('{"1000000000000": "cat"}', "no name for index 0"),
        ("[" * 100_000, "nested"),
        ("\xff", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        Labels.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels file .*none\.json does not exist"):
        Labels.read(tmp_path / "none.json")


def test_equal_names_are_told_apart_by_the_numbers_of_the_outputs(tmp_path: Path) -> None:
    """ImageNet has two cranes: a bird and a machine."""
    stated = tmp_path / "labels.json"
    stated.write_text('{"0": ["n02012849", "crane"], "1": ["n02123045", "cat"], "2": ["n03126707", "crane"]}')
    for labels in (Labels.read(stated), Labels.of(["crane", "cat", "crane"])):
        assert labels.names == ("crane (0)", "cat", "crane (2)")
        assert (labels.indices["cat"], labels.indices["crane (2)"]) == (1, 2)
        assert "crane" not in labels.indices
    assert Labels.read(stated).indices["n03126707"] == 2
    (tmp_path / "data" / "crane").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / "data" / "crane" / "0.png")
    with pytest.raises(InputError, match=r"several outputs have this name: .* one of crane \(0\), crane \(2\)"):
        FolderSource(tmp_path / "data", Preprocessing(), Labels.read(stated))

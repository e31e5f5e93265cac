"""FolderSource: class folders in order, flat folders without labels, and what is refused."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whyset.errors import InputError
from whyset.runner import FolderSource, Labels, Preprocessing

ImageFolder = Callable[..., Path]
PLAIN = Preprocessing()


def test_ids_are_sorted_relative_paths_and_labels_follow_the_folders(image_folder: ImageFolder) -> None:
    source = FolderSource(image_folder(dog=2, cat=1), PLAIN)
    assert source.ids == ["cat/0000.png", "dog/0000.png", "dog/0001.png"]
    assert source.labels.tolist() == [0, 1, 1]
    assert source.class_names == ("cat", "dog")
    x, label = source[2]
    assert (x.shape, label) == ((3, 6, 8), 1)


def test_it_agrees_with_torchvisions_image_folder(image_folder: ImageFolder) -> None:
    datasets = pytest.importorskip("torchvision.datasets", exc_type=ImportError)
    folder = image_folder(zebra=2, ant=3, Cow=1)
    theirs, ours = datasets.ImageFolder(folder), FolderSource(folder, PLAIN)
    assert [Path(path).relative_to(folder).as_posix() for path, _ in theirs.samples] == ours.ids
    assert theirs.targets == ours.labels.tolist()
    assert tuple(theirs.classes) == ours.class_names


def test_an_empty_class_folder_keeps_its_place_in_the_order(image_folder: ImageFolder) -> None:
    folder = image_folder(ant=1, cow=1)
    (folder / "bee").mkdir()
    assert FolderSource(folder, PLAIN).labels.tolist() == [0, 2]


def test_images_in_deeper_folders_belong_to_their_class(image_folder: ImageFolder) -> None:
    folder = image_folder(cat=1)
    (folder / "cat" / "black").mkdir()
    Image.new("RGB", (8, 6)).save(folder / "cat" / "black" / "a.JPG")
    assert FolderSource(folder, PLAIN).ids == ["cat/0000.png", "cat/black/a.JPG"]


def test_a_flat_folder_has_no_labels(image_folder: ImageFolder) -> None:
    source = FolderSource(image_folder() / "cat", PLAIN)
    assert source.labels.tolist() == [-1, -1, -1]
    assert source[0][1] is None
    assert source.class_names is None


def test_a_labels_file_says_which_output_a_folder_is(image_folder: ImageFolder) -> None:
    labels = Labels(("tench", "dog", "cat"), {"tench": 0, "dog": 1, "cat": 2})
    source = FolderSource(image_folder(cat=1, dog=1), PLAIN, labels)
    assert source.labels.tolist() == [2, 1]
    assert source.class_names == ("tench", "dog", "cat")


def test_a_folder_that_is_no_class_is_named(image_folder: ImageFolder) -> None:
    with pytest.raises(InputError, match="the class 'dog' is not in the labels"):
        FolderSource(image_folder(), PLAIN, Labels.of(["cat", "bird"])).labels  # noqa: B018  # reading it is the test


def test_what_is_no_image_is_left_out_and_said(image_folder: ImageFolder) -> None:
    folder = image_folder()
    (folder / "cat" / "notes.txt").write_text("x")
    (folder / "cat" / ".DS_Store").write_text("x")
    (folder / ".cache").mkdir()
    source = FolderSource(folder, PLAIN)
    assert len(source) == 5
    assert source.notes == ["1 files without the suffix of an image are ignored"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.write_text("x"), "is a file"),
        (lambda path: path.mkdir(), "holds no images"),
        (lambda path: (path / "cat").mkdir(parents=True), "holds no images"),
    ],
)
def test_no_images_is_an_error(make: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    make(tmp_path / "data")
    with pytest.raises(InputError, match=message):
        FolderSource(tmp_path / "data", PLAIN)


def test_a_link_to_nothing_is_a_sample_that_fails_and_not_left_out(image_folder: ImageFolder) -> None:
    folder = image_folder()
    (folder / "cat" / "0000.png").rename(folder.parent / "0000.png")
    (folder / "cat" / "0000.png").symlink_to(folder.parent / "0000.png")
    linked = FolderSource(folder, PLAIN)
    assert (len(linked), linked.read(0)[1]) == (5, 0)
    (folder.parent / "0000.png").unlink()
    lost = FolderSource(folder, PLAIN)
    assert (len(lost), lost.ids) == (5, linked.ids)
    assert lost.fingerprint() != linked.fingerprint()
    with pytest.raises(FileNotFoundError):
        lost.read(0)


@pytest.mark.parametrize("target", ["0000.png", "/dev/zero", "pipe"])
def test_a_link_that_leads_to_no_file_is_a_sample_that_fails(image_folder: ImageFolder, target: str) -> None:
    folder = image_folder()
    os.mkfifo(folder / "cat" / "pipe")
    (folder / "cat" / "0000.png").unlink()
    (folder / "cat" / "0000.png").symlink_to(target)
    (folder / "circle").symlink_to("circle")
    found = FolderSource(folder, PLAIN)
    assert (len(found), found.class_names) == (5, ("cat", "dog"))
    assert len(found.fingerprint()) == 64
    with pytest.raises(OSError, match=r"0000\.png"):
        found.read(0)
    assert found.read(1)[1] == 0


def test_a_folder_that_two_links_name_is_read_twice(image_folder: ImageFolder) -> None:
    folder = image_folder()
    (folder / "cow").symlink_to("cat")
    assert len([name for name in FolderSource(folder, PLAIN).ids if name.startswith("cow/")]) > 0


def test_what_cannot_be_listed_is_refused(image_folder: ImageFolder) -> None:
    folder = image_folder()
    (folder / "cat" / "loop").symlink_to(".")
    with pytest.raises(InputError, match=r"cannot be listed: .*a folder above it: .*cat.loop"):
        FolderSource(folder, PLAIN)


def test_names_that_no_run_can_keep_are_refused(image_folder: ImageFolder) -> None:
    folder = image_folder()
    (folder / "cat" / "0001.png").rename(folder / "cat" / os.fsdecode(b"caf\xe9.png"))
    with pytest.raises(InputError, match=r"the name b'cat/caf\\xe9\.png' is not UTF-8: rename it"):
        FolderSource(folder, PLAIN)


def test_images_beside_class_folders_are_ambiguous(image_folder: ImageFolder) -> None:
    folder = image_folder()
    Image.new("RGB", (8, 6)).save(folder / "stray.png")
    with pytest.raises(InputError, match=r"next to its class folders \(such as stray.png\)"):
        FolderSource(folder, PLAIN)


def test_the_fingerprint_follows_the_data_and_not_its_place(image_folder: ImageFolder) -> None:
    first, copy = FolderSource(image_folder("a"), PLAIN), FolderSource(image_folder("b"), PLAIN)
    assert first.fingerprint() == copy.fingerprint()
    (copy.path / "cat" / "0000.png").rename(copy.path / "cat" / "0009.png")
    assert first.fingerprint() != FolderSource(copy.path, PLAIN).fingerprint()


def test_an_image_is_read_as_it_is(image_folder: ImageFolder) -> None:
    source = FolderSource(image_folder(), PLAIN)
    with Image.open(source.path / source.ids[0]) as image:
        expected = torch.from_numpy(np.asarray(image).transpose(2, 0, 1) / np.float32(255))
    assert torch.equal(source[0][0], expected)

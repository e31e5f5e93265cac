"""Projects whose data set is a folder of images."""

import numpy as np
import pytest
from PIL import Image

from whyset.errors import InputError
from whyset.store.create import create_run
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.store.virelay import DamagedProjectError, export_project
from whyset.store.virelay.image_directory import fit

ENTRY = {
    "name": "images",
    "type": "image_directory",
    "path": "images",
    "input_width": 9,
    "input_height": 6,
    "down_sampling_method": "resize",
    "up_sampling_method": "resize",
    "label_index_regex": None,
    "label_word_net_id_regex": r"^.*/(n[0-9]{8})/.*$",
}


@pytest.fixture
def images(files):
    """The same samples in image files, in class folders; ViRelAy counts them in the order of their paths."""
    pixels = files.dataset["data"].transpose(0, 2, 3, 1)
    files.dataset = {}
    for label, entry in enumerate(files.labels):
        folder = files.folder / "images" / entry["word_net_id"]
        folder.mkdir(parents=True)
        for number in range(4):
            Image.fromarray(pixels[4 * label + number]).save(folder / f"{number}.png")
    files.project["dataset"] = dict(ENTRY)
    files.attributions["attributions.h5"]["label"] = _labels(files)
    files.pixels = pixels
    return files


def _labels(files):
    """Classes in the order of their WordNet ids: dog, cat, horse."""
    order = np.argsort([entry["word_net_id"] for entry in files.labels])
    return np.repeat(order, 4)


def _expected(files):
    return np.concatenate([files.pixels[4 * label : 4 * label + 4] for label in _labels(files)[::4]])


def test_pictures_labels_ids_and_uris(images, imported):
    run = imported(images.write()).run
    np.testing.assert_array_equal(run.inputs[:].transpose(0, 2, 3, 1), _expected(images))
    np.testing.assert_array_equal(run.labels, _labels(images))
    assert run.ids[:2] == ["n02084071/0.png", "n02084071/1.png"]
    assert run.samples["uri"][0].as_py() == (images.folder / "images/n02084071/0.png").resolve().as_uri()


def test_linked_pictures_are_not_even_opened(images, imported):
    project = images.write()
    for file in (images.folder / "images").glob("*/*.png"):
        file.write_bytes(b"no image")
    assert imported(project, link=True).run.inputs is None


def test_a_list_of_paths_chooses_and_orders_the_files(images, imported):
    lines = [f"images/{id}/{number}.png" for id in ("n02374451", "n02084071") for number in (3, 1)]
    (images.folder / "images_paths.txt").write_text("\n".join(lines) + "\n")
    given = images.attributions["attributions.h5"]
    for name, values in given.items():
        given[name] = values[:4]
    given["label"] = np.array([1, 1, 2, 2])
    images.analyses = {}
    run = imported(images.write()).run
    assert run.ids == ["n02084071/1.png", "n02084071/3.png", "n02374451/1.png", "n02374451/3.png"]
    assert run.labels.tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"label_word_net_id_regex": "^.*/(x[0-9]{8})/.*$"}, "12 of 12 files have no label"),
        ({"label_word_net_id_regex": "("}, "is not a regular expression"),
        ({"label_word_net_id_regex": "^.*$"}, "has no group"),
        ({"label_index_regex": "(1)"}, "has both of label_index_regex and label_word_net_id_regex"),
        ({"label_word_net_id_regex": None}, "has neither of label_index_regex and label_word_net_id_regex"),
        ({"input_width": 0}, "input_width is 0: expected a positive whole number"),
        ({"down_sampling_method": "shrink"}, "down_sampling_method is 'shrink': expected one of none, center_crop"),
        ({"path": "elsewhere"}, "elsewhere: is not a folder"),
        ({"input_height": 8}, "the samples are (height, width) = (8, 9), the attributions (6, 9)"),
    ],
)
def test_what_is_wrong_with_the_entry(changed, message, images, imported):
    images.project["dataset"] |= changed
    with pytest.raises(DamagedProjectError) as told:
        imported(images.write())
    assert message in str(told.value)


def test_files_that_are_no_images_or_stay_of_another_size(images, imported):
    images.project["dataset"] |= {"down_sampling_method": "none"}
    (images.folder / "images/n02084071/0.png").write_bytes(b"no image")
    Image.new("RGB", (30, 20)).save(images.folder / "images/n02374451/2.png")
    Image.fromarray(np.zeros((6, 9), np.uint16)).save(images.folder / "images/n02123045/3.png")
    with pytest.raises(DamagedProjectError) as told:
        imported(images.write())
    assert "n02123045/3.png: cannot be read as an image (DeepImageError)" in str(told.value)
    assert "n02084071/0.png: cannot be read as an image (UnidentifiedImageError)" in str(told.value)
    assert "n02374451/2.png: has the size (20, 30) after sampling: expected (6, 9)" in str(told.value)


def ramp(height, width):
    """Red counts rows, green columns; blue is 7."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("method", "rows", "columns"),
    [
        ("fill_zeros", [0, 0, 1, 2, 3, 0], [0, 0, 1, 2, 0, 0]),
        ("fill_ones", [255, 0, 1, 2, 3, 255], [255, 0, 1, 2, 255, 255]),
        ("edge_repeat", [0, 0, 1, 2, 3, 3], [0, 0, 1, 2, 2, 2]),
        ("mirror_edge", [1, 0, 1, 2, 3, 2], [1, 0, 1, 2, 1, 0]),
        ("wrap_around", [3, 0, 1, 2, 3, 0], [2, 0, 1, 2, 0, 1]),
    ],
)
def test_filling_keeps_the_center(method, rows, columns):
    filled = fit(ramp(4, 3), (6, 6), "none", method)
    assert filled[:, 2, 0].tolist() == rows
    assert filled[2, :, 1].tolist() == columns


def test_cutting_keeps_the_center_and_sides_are_treated_each_by_itself():
    cut = fit(ramp(9, 3), (4, 5), "center_crop", "fill_zeros")
    assert cut[:, 2, 0].tolist() == [2, 3, 4, 5]
    assert cut[1, :, 1].tolist() == [0, 0, 1, 2, 0]
    assert fit(ramp(9, 3), (4, 5), "none", "none").shape == (9, 3, 3)
    assert fit(ramp(9, 3), (4, 5), "resize", "resize").shape == (4, 5, 3)


def test_virelay_sees_the_same_samples_in_the_same_order(images, imported, virelay, tmp_path):
    """Real ViRelAy on the project, on the run that it became, and on the project with links that the run becomes."""
    run = imported(images.write()).run
    linked = export_project(run, tmp_path / "linked", images=True)
    for project in (images.folder / "project.yaml", linked):
        server = virelay(project)
        for row in (0, 5, 11):
            sample = server.json(f"projects/0/dataset/{row}")
            assert [label["index"] for label in sample["labels"]] == [run.labels[row]]
            shown = server.image(f"projects/0/dataset/{row}/image").astype(float)
            assert shown.shape == (6, 9, 3)
            others = [np.abs(shown - run.inputs[other].transpose(1, 2, 0)).mean() for other in range(12)]
            assert int(np.argmin(others)) == row


def test_linked_images_need_labels(images, imported, tmp_path):
    run = imported(images.write()).run
    table = samples_table(run.ids, [None] * 12, run.samples["uri"].to_pylist())
    arrays = [spec for spec in run.arrays if spec.name not in run.own_arrays]
    other = create_run(tmp_path / "other", run.config, table, arrays)
    write_shard(other, 0, {spec.name: run.array(spec.name)[:] for spec in arrays})
    with pytest.raises(InputError, match="12 samples have no label"):
        export_project(other, tmp_path / "linked", images=True)

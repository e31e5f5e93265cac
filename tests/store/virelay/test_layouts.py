"""The same samples in every layout that ViRelAy's files come in."""

import numpy as np
import pytest

KEYS = [f"{name}.png" for name in "b a c d 10 9 8 7 6 5 4 3".split()]
ORDER = np.argsort(KEYS)  # members of groups are counted in the order of their names


def grouped(values, keys=KEYS):
    return dict(zip(keys, values, strict=True))


def as_group(dataset):
    return {name: grouped(values) for name, values in dataset.items()}


PICTURES = {
    "NHWC": lambda data: data.transpose(0, 2, 3, 1),
    "whole numbers": lambda data: data.astype(np.int64),
    "floats to 1": lambda data: (data / 255).astype(np.float32),
    "floats from -1 to 1": lambda data: data / 127.5 - 1,
    "floats to 255": lambda data: data.astype(np.float64),
}


@pytest.mark.parametrize("layout", PICTURES)
def test_pictures_come_out_the_same_byte_for_byte(layout, files, imported):
    pixels = files.dataset["data"]
    pixels[0, 0, 0, :2] = 0, 255  # a float's range is that of the whole data set
    files.dataset["data"] = PICTURES[layout](pixels)
    found = imported(files.write())
    np.testing.assert_array_equal(found.run.inputs[:], pixels)
    assert not found.warnings


def test_one_range_holds_for_all_pictures(files, imported):
    """An image that uses only part of the range is not stretched."""
    data = np.zeros((12, 3, 6, 9), np.float32)
    data[0] = -1
    data[1] = 0.5
    files.dataset["data"] = data
    inputs = imported(files.write()).run.inputs
    assert [int(inputs[row].max()) for row in (0, 1, 2)] == [0, 191, 128]


def test_normalized_inputs_are_stretched_with_a_warning(files, imported):
    files.dataset["data"] = np.linspace(-2, 3, 12 * 3 * 6 * 9, dtype=np.float32).reshape(12, 3, 6, 9)
    found = imported(files.write())
    assert found.warned("data ranges from -2 to 3")
    assert (found.run.inputs[:].min(), found.run.inputs[:].max()) == (0, 255)


def test_gray_images(files, imported):
    files.dataset["data"] = files.dataset["data"][:, :1]
    assert imported(files.write()).run.inputs.shape == (12, 1, 6, 9)


def test_n_hot_labels(files, imported):
    numbers = files.dataset["label"]
    files.dataset["label"] = files.attributions["attributions.h5"]["label"] = numbers[:, None] == np.arange(3)
    run = imported(files.write()).run
    np.testing.assert_array_equal(run.labels, numbers)
    np.testing.assert_array_equal(run.column("target"), numbers)


@pytest.mark.parametrize("vectors", [False, True])
def test_labels_in_groups(vectors, files, imported):
    numbers = files.dataset["label"]
    files.dataset = as_group(files.dataset)
    if vectors:
        files.dataset["label"] = grouped(numbers[:, None] == np.arange(3))
    np.testing.assert_array_equal(imported(files.write()).run.labels, numbers[ORDER])


def test_labels_that_name_nothing_or_several(files, imported):
    vectors = files.dataset["label"][:, None] == np.arange(3)
    vectors[0] = False
    vectors[1] = True
    files.dataset["label"] = vectors
    found = imported(files.write())
    assert found.run.labels[:3].tolist() == [-1, 0, 2]
    assert found.run.samples["label"][0].as_py() is None
    assert found.warned("1 of 12 rows have several labels")


def test_groups_are_counted_by_name_and_name_the_samples(files, imported):
    pixels, maps = files.dataset["data"], files.attributions["attributions.h5"]["attribution"]
    files.dataset = as_group(files.dataset)
    given = files.attributions["attributions.h5"]
    del given["index"]
    given |= as_group({name: given[name] for name in ("attribution", "label", "prediction")})
    run = imported(files.write()).run
    np.testing.assert_array_equal(run.inputs[:], pixels[ORDER])
    np.testing.assert_array_equal(run.relevance[:], maps[ORDER])
    assert run.ids == sorted(KEYS)


def test_a_group_index_puts_samples_into_another_order(files, imported):
    pixels = files.dataset["data"]
    files.dataset = as_group(files.dataset) | {"index": grouped(np.arange(12))}
    run = imported(files.write()).run
    np.testing.assert_array_equal(run.inputs[:], pixels)
    assert run.ids == KEYS


def test_samples_of_several_sizes_are_filled_up(files, imported):
    pixels, maps = files.dataset["data"], files.attributions["attributions.h5"]["attribution"]
    small = {name: list(values) for name, values in (("data", pixels), ("attribution", maps))}
    for values in small.values():
        values[3] = values[3][:, :4, :5]
    keys = [f"{row:02d}" for row in range(12)]
    files.dataset["data"], files.dataset["label"] = (grouped(v, keys) for v in (small["data"], files.dataset["label"]))
    files.attributions["attributions.h5"]["attribution"] = grouped(small["attribution"], keys)
    found = imported(files.write())
    assert found.warned("data has rows of 2 sizes")
    assert found.warned("attribution has rows of 2 sizes")
    np.testing.assert_array_equal(found.run.relevance[3][:, :4, :5], maps[3][:, :4, :5])
    assert found.run.relevance[3].sum() == pytest.approx(maps[3][:, :4, :5].sum(), rel=1e-5)
    np.testing.assert_array_equal(found.run.inputs[3][:, :4, :5], pixels[3][:, :4, :5])


def test_attributions_with_channels_last_or_of_one_channel(files, imported, tmp_path):
    given = files.attributions["attributions.h5"]
    maps = given["attribution"]
    given["attribution"] = maps.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(imported(files.write()).run.relevance[:], maps)
    given["attribution"] = maps[:, :1]
    assert imported(files.write(), tmp_path / "other").run.relevance.shape == (12, 1, 6, 9)

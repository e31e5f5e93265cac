import math

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.store import ArraySpec
from whyset.store.default_arrays import estimate_bytes, list_stored_arrays, shard_rows_for, standard_arrays
from whyset.store.preallocate import create_arrays
from whyset.testing.store import example_run, write_pending


@pytest.mark.parametrize(
    "spec", list_stored_arrays(standard_arrays((3, 4, 5), input_shape=(3, 4, 5))), ids=lambda spec: spec.name
)
def test_a_specification_comes_back_from_json(spec):
    assert repr(ArraySpec.from_json(spec.to_json())) == repr(spec)


@given(st.integers(1, 4), st.integers(1, 5000), st.integers(1, 5000))
def test_rows_per_shard_are_the_power_of_two_nearest_64_megabytes(channels, height, width):
    spec = ArraySpec("attribution/input", (channels, height, width), "float16", scaled=True)
    rows = shard_rows_for(standard_arrays(spec.shape))
    assert 16 <= rows <= 1024
    assert math.log2(rows).is_integer()
    if 16 < rows < 1024:
        assert 2**-0.51 <= rows * spec.row_bytes / 2**26 <= 2**0.51


@pytest.mark.parametrize(("side", "rows"), [(24, 1024), (224, 256), (4000, 16)])
def test_usual_sizes(side, rows):
    assert shard_rows_for(standard_arrays((3, side, side), input_shape=(3, side, side))) == rows


@given(st.integers(1, 60_000), st.integers(0, 10**7), st.integers(1, 5))
def test_long_runs_of_small_rows_have_larger_shards(values, rows, targets):
    """Up to 16,384 rows, and less than twice as many as the run has, so that a short run is not padded."""
    arrays = standard_arrays((values,))
    short, long = shard_rows_for(arrays, targets), shard_rows_for(arrays, targets, rows)
    assert short <= long <= max(short, min(16384, 2 * max(1, rows - 1)))
    assert long % targets == 0
    assert long == short or long * arrays[0].row_bytes <= 2**0.51 * 2**26


def test_only_metadata_is_written_at_creation(tmp_path):
    create_arrays(tmp_path / "data.zarr", list_stored_arrays(standard_arrays((3, 224, 224))), 1_281_167, 256)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 20_000
    maps = zarr.open_array(tmp_path / "data.zarr/attribution/input", mode="r")
    assert (maps.shape, maps.shards, maps.chunks) == ((1_281_167, 3, 224, 224), (256, 3, 224, 224), (1, 3, 224, 224))


def test_the_estimate_is_what_a_run_takes(run):
    files = [file for file in (write_pending(run).path / "data.zarr").rglob("c/**/*") if file.is_file()]
    taken = sum(file.stat().st_size for file in files)
    asked = [spec for spec in run.arrays if spec.name not in run.own_arrays]
    # The last shard's index and columns are full-sized, and each index ends with a checksum.
    assert estimate_bytes(asked, len(run)) <= taken <= estimate_bytes(asked, 48)


def test_plain_zarr_reads_what_the_store_writes(full_run):
    group = zarr.open_group(full_run.path / "data.zarr", mode="r")
    maps = group["attribution/input"]
    scale = group["attribution"][maps.attrs["scale"]]
    plain = maps[:].astype("f4") * scale[:][:, None, None, None]
    assert np.array_equal(plain, np.asarray(full_run.relevance))
    assert maps.metadata.dimension_names == ("sample", "channel", "height", "width")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": (3, 0, 2)}, r"row shape \(3, 0, 2\)"),
        ({"dtype": "object"}, "expected numbers"),
        ({"dtype": "float32", "scaled": True}, "only float16 carries a scale"),
        ({"shape": (3,), "dimensions": ("a", "b")}, "named sides"),
    ],
)
def test_specifications_that_cannot_be_stored_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        ArraySpec("x", **fields)


def test_array_names_must_differ():
    with pytest.raises(InputError, match="'status' is reserved"):
        list_stored_arrays([ArraySpec("status")])


def test_axes_of_reduced_maps_have_names_of_their_own():
    (maps, layer, concept, inputs, *_) = standard_arrays(
        (1, 14, 20), input_shape=(3, 14, 40), layers={"conv": (4, 7, 5)}, concepts={"conv": 4}
    )
    assert maps.dimensions == ("map.channel", "height", "map.width")
    assert layer.dimensions == ("conv.channel", "conv.height", "conv.width")
    assert concept.dimensions == ("conv.channel",)
    assert inputs.dimensions == ("channel", "height", "width")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_estimate_counts_layers_and_inputs_once_per_sample(tmp_path, dtype):
    run = example_run(
        tmp_path / "run",
        samples=16,
        shard_rows=8,
        targets_per_sample=2,
        dtype=dtype,
        layers=("conv", "tokens"),
        concepts=("head",),
    )
    files = [file for file in (write_pending(run).path / "data.zarr").rglob("c/**/*") if file.is_file()]
    asked = [spec for spec in run.arrays if spec.name not in run.own_arrays]
    indexed = sum(bool(spec.shape) for spec in asked)
    checksums = 4 * indexed * run.shard_count
    assert sum(file.stat().st_size for file in files) == estimate_bytes(asked, len(run), 2) + checksums

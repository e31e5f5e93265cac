"""Maps and inputs of many samples at once: values, order, sides that differ, sizes."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from whyset.image import COLOR_MAPS
from whyset.image.color_maps import lookup
from whyset.image.quantize import indices
from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.viewer.maps import fit_sides
from whyset.viewer.scales import scale_table

ROWS = [59, 0, 17, 17]


def received_maps(client: TestClient, query: str) -> tuple[np.ndarray, np.ndarray]:
    answer = client.get(f"/api/runs/sample/maps?{query}")
    count, height, width = (int(side) for side in answer.headers["x-shape"].split(","))
    assert len(answer.content) == count * (4 + height * width)
    scale = np.frombuffer(answer.content[: 4 * count], "<f4")
    return scale, np.frombuffer(answer.content[4 * count :], np.uint8).reshape(count, height, width)


def received_inputs(client: TestClient, query: str) -> np.ndarray:
    answer = client.get(f"/api/runs/sample/inputs?{query}")
    return np.frombuffer(answer.content, np.uint8).reshape([int(n) for n in answer.headers["x-shape"].split(",")])


def block_means(pictures: np.ndarray) -> np.ndarray:
    """Means over 2 x 2 pixels of (..., 12, 18)."""
    return pictures.reshape(*pictures.shape[:-2], 6, 2, 9, 2).mean(axis=(-3, -1))


def test_maps_are_channel_sums_within_half_a_step_in_the_order_asked_for(client: TestClient, run: Run) -> None:
    scale, pictures = received_maps(client, "indices=59,0,17,17")
    exact = run.relevance[ROWS].sum(axis=1, dtype=np.float64)
    assert pictures.shape == exact.shape == (4, 12, 18)
    assert np.allclose(scale, np.abs(exact).max(axis=(1, 2)), rtol=1e-6)
    steps = (pictures.astype(float) - 128) / 127 * scale[:, None, None]
    assert (np.abs(steps - exact) <= scale[:, None, None] / 254 * (1 + 1e-5)).all()


def test_maps_are_averaged_over_areas_when_smaller(client: TestClient, run: Run) -> None:
    scale, pictures = received_maps(client, "indices=59,0,17,17&size=9")
    exact = block_means(run.relevance[ROWS].sum(axis=1, dtype=np.float64))
    assert pictures.shape == (4, 6, 9)
    assert np.allclose(scale, np.abs(exact).max(axis=(1, 2)), rtol=1e-5)
    expected = np.stack([indices(one, float(top)) for one, top in zip(exact, scale, strict=True)])
    assert np.abs(pictures.astype(int) - expected).max() <= 1


def test_inputs_are_the_stored_pixels_with_channels_last(client: TestClient, run: Run) -> None:
    assert np.array_equal(received_inputs(client, "indices=59,0,17,17"), run.inputs[ROWS].transpose(0, 2, 3, 1))


def test_inputs_are_averaged_over_areas_when_smaller(client: TestClient, run: Run) -> None:
    received = received_inputs(client, "indices=59,0&size=9")
    exact = block_means(run.inputs[[59, 0]]).transpose(0, 2, 3, 1)
    assert received.shape == (2, 6, 9, 3)
    assert np.abs(received - exact).max() <= 1


def test_pictures_are_never_enlarged(client: TestClient) -> None:
    whole = client.get("/api/runs/sample/maps?indices=5")
    assert client.get("/api/runs/sample/maps?indices=5&size=512").content == whole.content


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(8, 512))
def test_fitted_sides_keep_their_order_and_ratio(height: int, width: int, longest: int) -> None:
    high, wide = fit_sides(height, width, longest)
    assert max(high, wide) == min(longest, max(height, width))
    assert min(high, wide) >= 1
    assert (high - wide) * (height - width) >= 0
    assert abs(high * width - wide * height) <= max(height, width) * max(1, max(height, width) / longest)


@pytest.fixture
def strange(tmp_path: Path) -> Run:
    """A run with an all-zero, an all-negative and a tiny map, without inputs."""
    config = RunConfig(
        model="m", weights_hash="w", composite=None, target=0, preprocessing={}, dataset_fingerprint="d",
        class_names=("a",), shard_rows=16,
    )  # fmt: skip
    run = create_run(tmp_path / "strange", config, samples_table(["a", "b", "c"]), standard_arrays((2, 4, 6)))
    maps = np.zeros((3, 2, 4, 6), np.float32)
    maps[1], maps[2, :, 3, 0] = -2.0, 1e-30
    numbers = {name: np.zeros(3, np.int64) for name in ("target", "prediction")}
    write_shard(run, 0, {"attribution/input": maps, "confidence": np.ones(3, np.float32), **numbers})
    return run


def test_strange_maps_keep_their_zero_and_sign(admitted: Callable[..., TestClient], strange: Run) -> None:
    answer = admitted(strange.path).get("/api/runs/strange/maps?indices=0,1,2")
    scale = np.frombuffer(answer.content[:12], "<f4")
    pictures = np.frombuffer(answer.content[12:], np.uint8).reshape(3, 4, 6)
    assert scale[:2].tolist() == [0, 4]
    assert scale[2] == pytest.approx(2e-30, rel=1e-2)
    assert (pictures[0] == 128).all()
    assert (pictures[1] == 1).all()
    assert (pictures[2] == np.where(np.arange(24).reshape(4, 6) == 18, 255, 128)).all()


def test_run_without_inputs_says_so(admitted: Callable[..., TestClient], strange: Run) -> None:
    client = admitted(strange.path)
    assert client.get("/api/runs/strange").json()["input_shape"] is None
    answer = client.get("/api/runs/strange/inputs?indices=0")
    assert answer.status_code == 404
    assert "this run has no inputs" in answer.json()["error"]["message"]


@pytest.mark.parametrize("what", ["maps", "inputs"])
@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("half/{}?indices=3,16", 409, "row 16 has not been explained yet"),
        ("sample/{}?indices=3,23", 409, "row 23 failed and has no explanation: relevance is not finite"),
        ("sample/{}?indices=60", 404, "row 60 not found"),
        ("sample/{}?indices=999999999999", 404, "row 999999999999 not found"),
        ("sample/{}?indices=" + "1," * 256 + "1", 422, "at most 256"),
        ("sample/{}", 422, "indices"),
        ("sample/{}?indices=", 422, "indices"),
        ("sample/{}?indices=-1", 422, "indices"),
        ("sample/{}?indices=1,", 422, "indices"),
        ("sample/{}?indices=1;2", 422, "indices"),
        ("sample/{}?indices=٣", 422, "indices"),
        ("sample/{}?indices=9999999999999", 422, "indices"),
        ("sample/{}?indices=1&size=7", 422, "size"),
        ("sample/{}?indices=1&size=513", 422, "size"),
        ("sample/{}?indices=1&size=1e2", 422, "size"),
        ("nowhere/{}?indices=1", 404, "nowhere"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(
    client: TestClient, what: str, address: str, status: int, words: str
) -> None:
    answer = client.get("/api/runs/" + address.format(what))
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_damaged_maps_are_told_and_the_other_shards_still_come(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path
) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    (shard,) = (run.path / "data.zarr/attribution/input/c/1").rglob("0/0/0")
    shard.write_bytes(shard.read_bytes()[:1000])
    client = admitted(run.path)
    answer = client.get("/api/runs/run/maps?indices=0,16")
    assert answer.status_code == 409
    assert str(shard) in answer.json()["error"]["message"]
    for address in ("maps?indices=0,32", "inputs?indices=0,16", "columns/label"):
        assert client.get(f"/api/runs/run/{address}").status_code == 200


def test_color_maps_are_read_in_their_language(client: TestClient) -> None:
    told = client.get("/api/color-maps/01:00f,%2080:fff,f00").json()
    assert told["lookup"] == lookup("01:00f,80:fff,f00").ravel().tolist()
    assert told["diverging"] is True
    assert client.get("/api/color-maps/bwr").json() == client.get("/api/color-maps").json()["bwr"]


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("nothing", "color map 'nothing' not found"),
        ("00f,xyz,fff", "color 2 is 'xyz'"),
        ("00f,", "color 2 is ''"),
        ("80:00f,40:fff", "color 2 is at 40"),
        ("0:00f,0:fff", "color 2 is at 0"),
        ("fff," * 400 + "fff", "indices must rise"),
        ("f" * 3001, "at most 3000 characters"),
        ("٣٣٣,fff", "color 1"),
    ],
)
def test_a_color_map_that_cannot_be_read_says_where_and_why(client: TestClient, definition: str, words: str) -> None:
    answer = client.get(f"/api/color-maps/{definition}")
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]


def test_answers_are_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.viewer.maps.MOST_BYTES", 2 * 12 * 18 * 3)
    assert client.get("/api/runs/sample/inputs?indices=1,2").status_code == 200
    assert client.get("/api/runs/sample/inputs?indices=1,2,3").status_code == 422
    assert client.get("/api/runs/sample/inputs?indices=1,2,3&size=9").status_code == 200


def test_reading_in_pieces_changes_nothing(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "/api/runs/sample/maps?indices=40,2,18,1,59"
    whole = client.get(address).content
    monkeypatch.setattr("whyset.viewer.maps.MOST_BYTES", 2 * 4 * 12 * 18 * 3)
    assert client.get(address).content == whole


def test_color_maps_are_those_of_python(client: TestClient) -> None:
    received = client.get("/api/color-maps").json()
    assert set(received) == set(COLOR_MAPS)
    for name, table in received.items():
        assert np.array_equal(np.reshape(table["lookup"], (256, 3)), lookup(name))
        assert table["diverging"] == COLOR_MAPS[name].diverging


@pytest.mark.parametrize("shape", [(2, 3, 4, 5, 6)])
def test_maps_that_are_no_pictures_are_told(admitted: Callable[..., TestClient], tmp_path: Path, shape: tuple) -> None:
    names = {"model": "m", "weights_hash": "h", "target": "label", "dataset_fingerprint": "f", "class_names": ("one",)}
    config = RunConfig(**names, composite=None, preprocessing={}, shard_rows=16)
    run = create_run(tmp_path / "run", config, samples_table(["a"], [0]), standard_arrays(shape))
    columns = {"target": np.zeros(1, int), "prediction": np.zeros(1, int), "confidence": np.ones(1, np.float32)}
    write_shard(run, 0, {"attribution/input": np.ones((1, *shape), np.float32), **columns})
    answer = admitted(run.path).get("/api/runs/run/maps?indices=0")
    assert answer.status_code == 409
    assert str(shape) in answer.json()["error"]["message"]


def test_relevance_comes_exact_in_full_size(client: TestClient, run: Run) -> None:
    answer = client.get("/api/runs/sample/relevance?indices=59,0,17,17")
    assert (answer.headers["x-dtype"], answer.headers["x-shape"]) == ("float32", "4,12,18")
    exact = run.relevance[ROWS].sum(axis=1, dtype=np.float64).astype(np.float32)
    assert np.array_equal(np.frombuffer(answer.content, "<f4").reshape(exact.shape), exact)


def test_relevance_is_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.viewer.maps.MOST_BYTES", 2 * 12 * 18 * 4)
    assert client.get("/api/runs/sample/relevance?indices=1,2").status_code == 200
    assert client.get("/api/runs/sample/relevance?indices=1,2,3").status_code == 422


SCALES = "/api/runs/sample/analyses/spray/00002/scales"


def test_scales_of_few_maps_are_exact_percentiles(client: TestClient, run: Run) -> None:
    category = run.analysis("spray").category("horse")
    index, clusters = np.asarray(category.column("index")), np.asarray(category.column("clustering.hdbscan"))
    received = client.get(f"{SCALES}/hdbscan").json()
    assert received["percentiles"] == [100, 99.5, 99, 95]
    assert [entry["cluster"] for entry in received["scales"]] == [None, -1, 0, 1]
    magnitudes = np.abs(run.relevance[index].sum(axis=1, dtype=np.float64))
    for entry in received["scales"]:
        inside = np.full(len(index), True) if entry["cluster"] is None else clusters == entry["cluster"]
        assert entry["samples"] == entry["maps"] == inside.sum()
        assert entry["values"] == pytest.approx(np.percentile(magnitudes[inside], received["percentiles"]), rel=1e-6)


def test_scales_of_many_maps_are_taken_from_some_and_say_so(
    client: TestClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.viewer.scales.MOST_MAPS", 12)
    category = run.analysis("spray").category("cat")
    index, clusters = np.asarray(category.column("index")), np.asarray(category.column("clustering.kmeans"))
    received = client.get(f"{SCALES.replace('00002', '00000')}/kmeans").json()["scales"]
    assert [(entry["cluster"], entry["maps"]) for entry in received] == [(None, 6), (0, 3), (1, 3)]
    assert [entry["samples"] for entry in received] == [len(index), *np.bincount(clusters)]
    members = index[clusters == 1]
    evenly = members[np.arange(3) * len(members) // 3]
    largest = np.abs(run.relevance[evenly].sum(axis=1)).max()
    assert received[2]["values"][0] == pytest.approx(largest, rel=1e-6)


def test_scales_of_tables_do_not_depend_on_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.viewer.scales.MOST_PIXELS", 80)
    relevance = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    table = scale_table(relevance, np.arange(1000), np.zeros(1000, np.int64), "kmeans")
    assert [scale.maps for scale in table.scales] == [10, 10]


def test_no_more_maps_are_held_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.viewer.scales.MOST_HELD", 3 * 6 * 9)
    clusters = np.arange(40) % 8
    clusters[:5] = 7  # the largest cluster has the greatest number
    table = scale_table(np.ones((40, 1, 6, 9), np.float32), np.arange(40), clusters, "kmeans")
    assert len(table.scales) == 1 + 3
    assert 7 in [scale.cluster for scale in table.scales]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{SCALES}/nosuch", 404),
        (f"{SCALES}/" + "k" * 129, 422),
        (f"{SCALES.replace('00002', 'nosuch')}/kmeans", 404),
    ],
)
def test_scales_of_nothing_are_refused(client: TestClient, address: str, status: int) -> None:
    assert client.get(address).status_code == status

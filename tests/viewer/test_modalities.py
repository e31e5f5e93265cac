"""Series, texts, tables and images of any number of channels over the API: values, sides, words, bounds."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyset.image.shapes import decimate, get_decimated_length
from whyset.modality import MODALITIES
from whyset.store import Run
from whyset.viewer.maps import resample

ROWS = [39, 0, 3, 3]


@pytest.fixture(scope="session")
def runs(modality_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return modality_runs.make_all(tmp_path_factory.mktemp("modalities"))


@pytest.fixture
def client(admitted: Callable[..., TestClient], runs: dict[str, Run]) -> TestClient:
    return admitted(*(run.path for run in runs.values()))


def received(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    dtype = {"float32": "<f4", "int32": "<i4", "int8": "i1", "uint8": "u1"}[answer.headers["x-dtype"]]
    return np.frombuffer(answer.content, dtype).reshape([int(side) for side in answer.headers["x-shape"].split(",")])


def maps(answer) -> tuple[np.ndarray, np.ndarray]:
    """Scales and values."""
    shape = [int(side) for side in answer.headers["x-shape"].split(",")]
    scale = np.frombuffer(answer.content[: 4 * shape[0]], "<f4")
    codes = np.frombuffer(answer.content[4 * shape[0] :], np.uint8).reshape(shape)
    return scale, (codes.astype(float) - 128) / 127 * scale.reshape(-1, *[1] * (len(shape) - 1))


def of(client: TestClient, run: str, what: str, query: str = "indices=39,0,3,3"):
    return client.get(f"/api/runs/{run}/{what}?{query}")


@pytest.mark.parametrize(
    ("name", "modality", "shape"),
    [
        ("series", "series", (2, 90)),
        ("text", "text", (12,)),
        ("table", "table", (20,)),
        ("channels-5", "image", (5, 9, 13)),
        ("volume", "volume", (2, 6, 9, 13)),
    ],
)
def test_a_run_tells_its_modality_names_and_rate(
    client: TestClient, modality_runs: ModuleType, name: str, modality: str, shape: tuple[int, ...]
) -> None:
    detail = client.get(f"/api/runs/{name}").json()
    assert (detail["modality"], tuple(detail["map_shape"]), tuple(detail["input_shape"])) == (modality, shape, shape)
    names = {
        "series": modality_runs.SERIES_NAMES,
        "table": modality_runs.FEATURES,
        "channels-5": [f"band {n}" for n in range(5)],
    }
    assert detail["features"] == (list(names[name]) if name in names else None)
    assert detail["rate"] == (50.0 if name == "series" else None)
    assert "tokens" not in {column["name"] for column in detail["columns"]}


@pytest.mark.parametrize("name", ["series", "text", "table"])
def test_maps_and_inputs_are_what_is_stored(client: TestClient, runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    exact, (scale, values) = run.relevance[ROWS], maps(of(client, name, "maps"))
    assert values.shape == exact.shape
    assert np.allclose(scale, np.abs(exact).reshape(4, -1).max(axis=1), rtol=1e-6)
    assert (np.abs(values - exact) <= scale.reshape(-1, *[1] * (exact.ndim - 1)) / 254 * (1 + 1e-5)).all()
    assert np.array_equal(received(of(client, name, "relevance")), exact)
    inputs = received(of(client, name, "inputs"))
    assert inputs.dtype == (np.int8 if name == "text" else np.float32)
    assert np.array_equal(inputs, run.inputs[ROWS])


def test_a_long_series_comes_short_with_its_extremes_and_tells_its_length(
    client: TestClient, runs: dict[str, Run], modality_runs: ModuleType
) -> None:
    answer = of(client, "long", "maps", "indices=0,7&size=64")
    scale, values = maps(answer)
    exact = runs["long"].relevance[[0, 7]]
    assert (answer.headers["x-length"], values.shape) == (str(modality_runs.LONG), (2, 2, 64))
    assert np.allclose(scale, np.abs(exact).max(axis=(1, 2)), rtol=1e-6)
    assert np.abs(values[0, 1]).argmax() == pytest.approx(64 / 3, abs=2)
    inputs = received(of(client, "long", "inputs", "indices=0,7&size=64"))
    whole = runs["long"].inputs[[0, 7]]
    assert np.array_equal(inputs.max(axis=2), whole.max(axis=2))
    assert np.array_equal(inputs.min(axis=2), whole.min(axis=2))
    assert of(client, "long", "maps", "indices=0&size=512").headers["x-shape"] == "1,2,512"


@given(
    arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 90)), elements=st.floats(-9, 9, width=32)),
    st.integers(8, 40),
)
def test_decimation_keeps_the_extremes_and_their_order(values: np.ndarray, longest: int) -> None:
    kept = decimate(values, longest)
    assert kept.shape == (len(values), get_decimated_length(values.shape[1], longest))
    assert kept.shape[1] <= max(longest, 1)
    assert np.array_equal(kept.max(axis=1), values.max(axis=1))
    assert np.array_equal(kept.min(axis=1), values.min(axis=1))
    for row, short in zip(values, kept, strict=True):
        at = 0
        for value in short if kept.shape[1] < values.shape[1] and values.shape[1] >= longest * 2 else ():
            found = np.flatnonzero(row[at:] == value)
            assert len(found)  # in the order in which they occur
            at += int(found[0])


def test_words_come_in_order_without_padding_and_ids_where_there_are_none(
    client: TestClient,
    runs: dict[str, Run],
    modality_runs: ModuleType,
    admitted: Callable[..., TestClient],
    tmp_path: Path,
) -> None:
    words = of(client, "text", "tokens").json()
    assert words == runs["text"].tokens(ROWS)
    assert [len(text) for text in words] == [12, 5, 8, 8]
    assert words[0][0] == words[2][0] == modality_runs.PLANTED
    unspoken = modality_runs.text_run(tmp_path / "unspoken", words=False)
    ids = admitted(unspoken.path).get("/api/runs/unspoken/tokens?indices=3").json()
    assert ids == [[f"#{id}" for id in unspoken.inputs[3].tolist()]]


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_images_come_with_all_their_channels(client: TestClient, runs: dict[str, Run], channels: int) -> None:
    run = runs[f"channels-{channels}"]
    inputs = received(of(client, f"channels-{channels}", "inputs"))
    assert np.array_equal(inputs, run.inputs[ROWS].transpose(0, 2, 3, 1))
    assert maps(of(client, f"channels-{channels}", "maps"))[1].shape == (4, 9, 13)


def depths(run: Run) -> list[int]:
    """The slice of each sample in ROWS with the most absolute relevance."""
    return np.abs(run.relevance[ROWS].sum(axis=1)).sum(axis=(2, 3)).argmax(axis=1).tolist()


def test_a_volume_comes_as_the_slice_with_the_most_relevance_and_its_input_too(
    client: TestClient, runs: dict[str, Run]
) -> None:
    run, chosen = runs["volume"], depths(runs["volume"])
    assert chosen == [1, 4, 1, 1]
    sums = run.relevance[ROWS].sum(axis=1)
    scale, values = maps(of(client, "volume", "maps"))
    assert np.allclose(scale, np.abs(sums).max(axis=(1, 2, 3)), rtol=1e-6)  # that of the volume, as in its other slices
    exact = sums[np.arange(4), chosen]
    assert (np.abs(values - exact) <= scale[:, None, None] / 254 * (1 + 1e-5)).all()
    pixels = run.inputs[ROWS][np.arange(4), :, chosen].transpose(0, 2, 3, 1)
    assert np.array_equal(received(of(client, "volume", "inputs")), pixels)
    assert maps(of(client, "volume", "maps", "indices=0&size=8"))[1].shape == (1, 6, 8)


def test_whole_volumes_come_on_request(client: TestClient, runs: dict[str, Run]) -> None:
    run = runs["volume"]
    sums = run.relevance[ROWS].sum(axis=1)
    scale, values = maps(of(client, "volume", "volumes"))
    assert (np.abs(values - sums) <= scale[:, None, None, None] / 254 * (1 + 1e-5)).all()
    assert np.array_equal(received(of(client, "volume", "input-volumes")), run.inputs[ROWS].transpose(0, 2, 3, 4, 1))
    assert np.allclose(received(of(client, "volume", "relevance")), sums, rtol=1e-6)
    for what, sides in (("volumes", (4, 6, 8)), ("input-volumes", (4, 6, 8, 2))):
        answer = of(client, "volume", what, "indices=39,0,3,3&size=8")
        assert answer.headers["x-shape"] == ",".join(map(str, (4, *sides)))


@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-4), (np.uint8, 0.5)])  # bytes are rounded once
def test_a_reduced_volume_has_the_means_of_its_blocks(dtype: type, atol: float) -> None:
    volume = np.random.default_rng(0).integers(0, 256, (4, 6, 10)).astype(dtype)
    reduced = resample(volume, MODALITIES["volume"], (2, 3, 5))
    means = volume.reshape(2, 2, 3, 2, 5, 2).mean(axis=(1, 3, 5))
    assert np.abs(reduced - means).max() <= atol


def test_the_slice_of_an_input_is_that_of_pooled_relevance(
    modality_runs: ModuleType, admitted: Callable[..., TestClient], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    relevance = random.normal(0, 0.1, (40, 1, 3, 4, 6)).astype(np.float32)
    relevance[:, 0, 2] += 1
    pixels = random.integers(0, 256, (40, 2, 6, 9, 13)).astype(np.uint8)
    run = modality_runs.make(tmp_path / "pooled", {"attribution/input": relevance, "input": pixels})
    answer = admitted(run.path).get("/api/runs/pooled/inputs?indices=5")
    assert np.array_equal(received(answer)[0], pixels[5, :, 5].transpose(1, 2, 0))


def test_only_volumes_come_whole(client: TestClient) -> None:
    for what in ("volumes", "input-volumes"):
        answer = of(client, "channels-1", what)
        assert (answer.status_code, "a run of volumes, got image" in answer.json()["error"]["message"]) == (404, True)


def test_what_is_no_text_has_no_tokens_and_indices_are_bounded(client: TestClient) -> None:
    answer = of(client, "table", "tokens")
    assert (answer.status_code, "tokens: expected a run of texts, got table" in answer.json()["error"]["message"]) == (
        404,
        True,
    )
    for query, status in (("indices=40", 404), ("indices=", 422), ("indices=" + "1," * 256 + "1", 422)):
        assert of(client, "text", "tokens", query).status_code == status

"""Columns travel as little-endian bytes that decode to the store's values, once."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from whyset.store import CategoryResult, Run
from whyset.viewer.columns import encode, encode_rows
from whyset.viewer.errors import ApiError

WIRE = {"int8": "i1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "float32": "<f4", "uint8": "u1"}


def decoded(answer: object) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    shape = [int(side) for side in answer.headers["x-shape"].split(",")]
    numbers = np.frombuffer(answer.content, WIRE[answer.headers["x-dtype"]]).reshape(shape)
    return np.cumsum(numbers, dtype=np.int64) if answer.headers["x-coding"] == "steps" else numbers


@given(
    arrays(
        st.sampled_from(["<i2", ">i4", "<i8", "|b1", "|u1", "<f2", ">f8", "<f4"]),
        array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_every_number_type_arrives_whatever_its_byte_order(array: np.ndarray) -> None:
    payload = encode(array)
    received = np.frombuffer(payload.body, WIRE[payload.dtype]).reshape(payload.shape)
    assert np.array_equal(received, array.astype(received.dtype))


def test_array_that_is_not_contiguous_keeps_its_order() -> None:
    array = np.arange(1000, 1006, dtype=np.int64).reshape(2, 3).T
    assert np.frombuffer(encode(array).body, "<i2").tolist() == [1000, 1003, 1001, 1004, 1002, 1005]


@pytest.mark.parametrize(
    ("most", "dtype"), [(127, "int8"), (128, "int16"), (2**15 - 1, "int16"), (2**15, "int32"), (2**31 - 1, "int32")]
)
def test_integers_travel_in_the_smallest_type_that_holds_them(most: int, dtype: str) -> None:
    payload = encode(np.array([-1, most]))
    assert payload.dtype == dtype
    assert np.frombuffer(payload.body, WIRE[dtype]).tolist() == [-1, most]


def test_rows_travel_as_steps() -> None:
    rows = np.array([100_000, 100_007, 100_008, 99_990, 100_090])
    payload = encode_rows(rows)
    assert (payload.dtype, payload.coding) == ("int32", "steps")
    assert np.cumsum(np.frombuffer(payload.body, WIRE["int32"])).tolist() == rows.tolist()
    assert len(encode_rows(np.arange(1000)).body) == 1000


@pytest.mark.parametrize("array", [np.array([2**31]), np.array([-(2**31) - 1]), np.array(["a"]), np.array([1j])])
def test_what_would_be_falsified_is_refused(array: np.ndarray) -> None:
    with pytest.raises(ApiError):
        encode(array)


def test_etag_tells_types_and_shapes_with_equal_bytes_apart() -> None:
    tags = {encode(np.zeros(shape, dtype)).etag for shape in [(2, 2), (4,)] for dtype in ["i4", "f4"]}
    assert len(tags) == 4


@pytest.mark.parametrize("name", ["prediction", "target", "confidence", "status"])
def test_run_column_holds_the_stores_values(client: TestClient, run: Run, half: Run, name: str) -> None:
    for id, stored in (("sample", run), ("half", half)):
        received = decoded(client.get(f"/api/runs/{id}/columns/{name}"))
        assert np.array_equal(received, stored.column(name), equal_nan=name == "confidence")


def test_labels_are_minus_one_where_unknown(client: TestClient, run: Run) -> None:
    received = decoded(client.get("/api/runs/sample/columns/label"))
    assert np.array_equal(received, run.labels)
    assert received[41] == -1


def test_description_of_a_run_announces_the_columns_as_they_come(client: TestClient) -> None:
    for column in client.get("/api/runs/sample").json()["columns"]:
        received = client.get(f"/api/runs/sample/columns/{column['name']}")
        assert np.can_cast(WIRE[received.headers["x-dtype"]], WIRE[column["dtype"]])
        assert received.headers["x-shape"] == str(column["length"])


@pytest.mark.parametrize("name", ["label", "prediction", "confidence", "status"])
def test_a_column_comes_for_the_samples_of_a_category_alone(client: TestClient, run: Run, name: str) -> None:
    rows = run.analysis("spray").category("horse").column("index")
    received = decoded(client.get(f"/api/runs/sample/columns/{name}?analysis=spray&category=00002"))
    assert np.array_equal(received, (run.labels if name == "label" else run.column(name))[rows])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("analysis=spray", 422),
        ("category=00002", 422),
        ("analysis=no&category=00002", 404),
        ("analysis=spray&category=9", 404),
    ],
)
def test_a_category_that_is_not_there_is_told(client: TestClient, query: str, status: int) -> None:
    assert client.get(f"/api/runs/sample/columns/label?{query}").status_code == status


def test_category_columns_hold_the_stores_values(client: TestClient, run: Run) -> None:
    stored = run.analysis("spray").category("horse")
    address = f"/api/runs/sample/analyses/spray/{stored.id}"
    announced = {column["name"]: column for column in client.get(address).json()["columns"]}
    assert set(announced) == set(stored.columns)
    for name in stored.columns:
        answer = client.get(f"{address}/columns/{name}")
        received = decoded(answer)
        assert np.array_equal(received, stored.column(name).astype(received.dtype))
        assert np.can_cast(WIRE[answer.headers["x-dtype"]], WIRE[announced[name]["dtype"]])
        assert announced[name]["shape"] == list(received.shape)


ADDRESSES = [
    "/api/runs/sample/columns/label",
    "/api/runs/sample/analyses/spray/00002/columns/embedding.tsne",
    "/api/runs/sample/analyses/spray/00002/points/tsne",
    "/api/runs/sample/maps?indices=1,2",
    "/api/runs/sample/inputs?indices=1,2",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_known_content_is_not_sent_again(client: TestClient, address: str, form: str) -> None:
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": form.format(tag)})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag


@pytest.mark.parametrize("address", ADDRESSES)
def test_other_content_is_sent(client: TestClient, address: str) -> None:
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_only_what_cannot_change_is_kept_for_good(client: TestClient) -> None:
    def caching(address: str) -> str:
        answer = client.get(f"/api/runs/{address}")
        assert answer.status_code == 200
        return answer.headers["cache-control"]

    sample, half = (client.get(f"/api/runs/{id}").json()["version"] for id in ("sample", "half"))
    for address in ("columns/label?", "maps?indices=1&", "inputs?indices=1&", "relevance?indices=1&"):
        assert caching(f"sample/{address}v={sample}") == "private, max-age=31536000, immutable"
        assert caching(f"sample/{address}") == "private, no-cache"
        assert caching(f"sample/{address}v={half}") == "private, no-cache"
        assert caching(f"half/{address}v={half}") == "private, no-cache"
    assert caching("sample/analyses/spray/00000/columns/index") == "private, no-cache"


def test_caches_keep_viewers_with_other_tokens_apart(client: TestClient) -> None:
    assert client.get("/api/runs/sample/columns/label").headers["vary"] == "Cookie"


def test_damaged_column_is_told_and_the_others_still_come(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path
) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    (run.path / "analyses/spray/00001/embedding.tsne.npy").write_bytes(b"not an array")
    client, address = admitted(run.path), "/api/runs/run/analyses/spray/00001"
    answer = client.get(f"{address}/columns/embedding.tsne")
    assert answer.status_code == 409
    assert "embedding.tsne.npy" in answer.json()["error"]["message"]
    assert client.get(address).status_code == 200
    assert client.get(f"{address}/columns/index").status_code == 200


@pytest.mark.parametrize("kind", ["of two axes", "beyond the run", "of other numbers", "of other lengths"])
def test_samples_of_a_category_that_are_none_are_told(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path, kind: str
) -> None:
    run = sample.make_sample_run(tmp_path / "run")
    stored = run.analysis("spray").category("horse")
    columns = {name: np.array(stored.column(name)) for name in stored.columns}
    index = columns["index"]
    columns["index"] = {
        "of two axes": index[:, np.newaxis],
        "beyond the run": index + len(run),
        "of other numbers": index.astype(np.float32),
        "of other lengths": index[1:],
    }[kind]
    writer = run.analysis_writer("spray", run.analysis("spray").config)
    writer.write(CategoryResult(stored.id, stored.name, columns, stored.evidence))
    client, address = admitted(run.path), f"/api/runs/run/analyses/spray/{stored.id}"
    bookmark = {
        "selectedAnalysisMethod": "spray",
        "selectedAnalysisCategory": stored.id,
        "selectedEmbeddingVectorsIndices": [2],
    }
    answers = [
        client.get(f"{address}/scales/kmeans"),
        client.post(f"{address}/export", json={"rows": [2], "form": "csv"}),
        client.get(f"/api/runs/run/columns/label?analysis=spray&category={stored.id}"),
        client.post("/api/opening", json=bookmark),
    ]
    expected = [409, 409, 200, 200] if kind == "of other lengths" else [409] * 4
    assert [answer.status_code for answer in answers] == expected
    assert client.get("/api/runs/run/find?text=1&analysis=spray").status_code == 200


def test_a_category_that_is_done_again_is_read_again(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path
) -> None:
    """With the same configuration, under the same address."""
    run = sample.make_sample_run(tmp_path / "run")
    client, address = admitted(run.path), "/api/runs/run/analyses/spray/00002"
    stored = run.analysis("spray").category("horse")
    columns = {name: np.array(stored.column(name)) for name in stored.columns}
    lies_in = [client.get("/api/runs/run/find?text=2&analysis=spray&limit=1").json()["matches"][0]["categories"]]
    before = client.get(f"{address}/columns/clustering.kmeans"), client.get(f"{address}/scales/kmeans").json()
    short = {
        name: values[1:] if values.shape[:1] == columns["index"].shape else values for name, values in columns.items()
    }
    short["clustering.kmeans"] = 1 - short["clustering.kmeans"]
    writer = run.analysis_writer("spray", run.analysis("spray").config)
    writer.write(CategoryResult(stored.id, stored.name, short, stored.evidence))
    etag = {"If-None-Match": before[0].headers["etag"]}
    assert client.get(f"{address}/columns/clustering.kmeans", headers=etag).status_code == 200
    assert client.get(f"{address}/scales/kmeans").json() != before[1]
    lies_in.append(client.get("/api/runs/run/find?text=2&analysis=spray&limit=1").json()["matches"][0]["categories"])
    assert lies_in == [["00002"], []]

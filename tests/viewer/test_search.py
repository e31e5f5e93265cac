"""Find: what a sample is called, numbered and described by, in the order that people expect."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import CategoryResult, Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import from_info
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

IDS = ["a/1.png", "a/12.png", "B/3.png", "b/Größe.png", "7", "c/.*.png"]
FURTHER = {
    "hospital": ["North", "south", None, "north-west", "south", "south"],
    "age": [10, None, 30, 40, 50, 60],
    "smoker": [True, False, True, False, False, True],
    "consent": [True, None, False, True, True, True],
    "taken": [2**40, 2**40 + 2**20, 0, 1, 2, 3],
    "note": [f"remark {'x' * 200} {number}" * 60 for number in range(6)],
    "odd/name": [1, 2, 3, 4, 5, 6],
}


def run_of(path: Path, ids: Sequence[str], labels: Sequence[int | None], further: Mapping[str, Sequence]) -> Run:
    config = RunConfig(
        model="m", weights_hash="w", composite=None, target="label", preprocessing={}, dataset_fingerprint="d",
        class_names=("tabby cat", "dog", "Catfish"), shard_rows=16,
    )  # fmt: skip
    run = create_run(path, config, samples_table(ids, labels, further=further), standard_arrays((1, 3, 5)))
    count = len(ids)
    numbers = {name: np.zeros(count, np.int64) for name in ("target", "prediction")}
    maps = {"attribution/input": np.ones((count, 1, 3, 5), np.float32), "confidence": np.ones(count, np.float32)}
    write_shard(run, 0, maps | numbers)
    return run


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six samples of which much is known, and an analysis with two categories that overlap."""
    run = run_of(tmp_path_factory.mktemp("described") / "described", IDS, [0, 1, 2, None, 1, 1], FURTHER)
    writer = run.analysis_writer("spray", {})
    for id, index in (("first", [1, 4]), ("second", [4, 5])):
        writer.write(CategoryResult(id, id, {"index": np.array(index)}, from_info({"size": 2})))
    return run


@pytest.fixture
def client(admitted: Callable[..., TestClient], described: Run) -> TestClient:
    return admitted(described.path)


def found(client: TestClient, text: str, **options: object) -> list[int]:
    answer = client.get("/api/runs/described/find", params={"text": text, **options})
    assert answer.status_code == 200, answer.text
    return [match["index"] for match in answer.json()["matches"]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a/1.png", [0]),
        ("B/", [2, 3]),  # without regard to case
        ("GRÖSSE", []),  # one letter is not two
        ("größe", [3]),
        ("7", [4]),  # as an id; there is no sample number 7
        ("3", [3, 2]),  # the sample of that number, then what contains it
        (".*", [5]),  # text, no pattern
        ("%", []),
        ("cat", [0, 2]),  # by the names of labels
        ("north", [0, 3]),
        ("remark", [0, 1, 2, 3, 4, 5]),
        (" ", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_is_found_and_in_which_order(client: TestClient, text: str, rows: list[int]) -> None:
    assert found(client, text) == rows


def test_a_match_tells_its_names_and_where_it_lies(client: TestClient) -> None:
    answer = client.get("/api/runs/described/find?text=png&limit=2&analysis=spray").json()
    assert answer == {
        "matches": [
            {"index": 0, "id": "a/1.png", "label_name": "tabby cat", "prediction_name": "tabby cat", "categories": []},
            {
                "index": 1,
                "id": "a/12.png",
                "label_name": "dog",
                "prediction_name": "tabby cat",
                "categories": ["first"],
            },
        ],
        "total": 5,
        "truncated": True,
    }
    (seven,) = client.get("/api/runs/described/find?text=7&analysis=spray").json()["matches"]
    assert seven["categories"] == ["first", "second"]


def test_categories_follow_an_analysis_that_grows_or_is_done_again(
    admitted: Callable[..., TestClient], tmp_path: Path
) -> None:
    run = run_of(tmp_path / "described", IDS, [0] * 6, {})
    client, writer = admitted(run.path), run.analysis_writer("spray", {})

    def categories() -> list[str]:
        return client.get("/api/runs/described/find?text=7&analysis=spray").json()["matches"][0]["categories"]

    writer.write(CategoryResult("one", "one", {"index": np.array([4])}))
    assert categories() == ["one"]
    writer.write(CategoryResult("two", "two", {"index": np.array([4, 5])}))
    assert categories() == ["one", "two"]
    writer.write(CategoryResult("one", "one", {"index": np.array([3])}))
    assert categories() == ["two"]
    (run.path / "analyses/spray/two/index.npy").write_bytes(b"broken")
    (run.path / "analyses/spray/two").touch()
    assert categories() == []


@pytest.mark.parametrize("query", ["", "text=", "text=" + "x" * 201, "text=x&limit=0", "text=x&limit=501", "limit=3"])
def test_what_is_beyond_the_limits_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/runs/described/find?{query}").status_code == 422


def test_unknown_analysis_is_told(client: TestClient) -> None:
    assert client.get("/api/runs/described/find?text=x&analysis=other").status_code == 404


def test_several_targets_of_a_sample_are_all_found(
    admitted: Callable[..., TestClient], sample: SimpleNamespace, tmp_path: Path
) -> None:
    config = RunConfig(
        model="m", weights_hash="w", composite=None, target="top:2", preprocessing={}, dataset_fingerprint="d",
        class_names=("a",), shard_rows=16, targets_per_sample=2,
    )  # fmt: skip
    run = create_run(
        tmp_path / "run", config, samples_table(["x", "y"], targets_per_sample=2), standard_arrays((1, 2, 3))
    )
    answer = admitted(run.path).get("/api/runs/run/find?text=y").json()
    assert [match["index"] for match in answer["matches"]] == [2, 3]
    assert "sample" in [column["name"] for column in admitted(run.path).get("/api/runs/run").json()["columns"]]


WIRE = {"int8": "i1", "int32": "<i4", "float32": "<f4", "uint8": "u1"}


def column(client: TestClient, name: str) -> tuple[str, list[float], list[str] | None]:
    columns = {each["name"]: each for each in client.get("/api/runs/described").json()["columns"]}
    answer = client.get(f"/api/runs/described/columns/{name}")
    return (
        answer.headers["x-dtype"],
        np.frombuffer(answer.content, WIRE[answer.headers["x-dtype"]]),
        columns[name]["values"],
    )


def test_further_columns_of_the_samples_can_be_asked_for(client: TestClient) -> None:
    names = [each["name"] for each in client.get("/api/runs/described").json()["columns"]]
    assert names == [
        "label",
        "prediction",
        "target",
        "confidence",
        "status",
        "hospital",
        "age",
        "smoker",
        "consent",
        "taken",
    ]
    kind, codes, values = column(client, "hospital")
    assert (kind, values) == ("int8", ["North", "north-west", "south"])
    assert codes.tolist() == [0, 2, -1, 1, 2, 2]
    kind, ages, values = column(client, "age")
    assert (kind, values) == ("float32", None)
    assert np.array_equal(ages, [10, np.nan, 30, 40, 50, 60], equal_nan=True)
    assert column(client, "smoker")[1].tolist() == [1, 0, 1, 0, 0, 1]
    assert column(client, "consent")[1].tolist() == [1, -1, 0, 1, 1, 1]
    assert column(client, "taken")[:2] == ("float32", pytest.approx(FURTHER["taken"]))


def test_texts_are_codes_as_long_as_there_are_few(admitted: Callable[..., TestClient], tmp_path: Path) -> None:
    for count, sent in ((250, True), (251, False)):
        texts = [f"value {number % count:03d}" for number in range(3000)]
        run = run_of(tmp_path / f"run-{count}", IDS, [0] * 6, {})
        table = samples_table(list(map(str, range(3000))), further={"site": texts})
        config = RunConfig(**{name: getattr(run.config, name) for name in run.config.__dataclass_fields__})
        many = create_run(tmp_path / str(count), config, table, standard_arrays((1, 2, 3)))
        client = admitted(many.path)
        columns = client.get(f"/api/runs/{count}").json()["columns"]
        assert any(each["name"] == "site" for each in columns) == sent
        answer = client.get(f"/api/runs/{count}/columns/site")
        assert answer.status_code == (200 if sent else 404)
        if sent:
            assert answer.headers["x-dtype"] == "uint8"
            values = columns[-1]["values"]
            assert [values[code] for code in answer.content] == texts


def test_all_that_is_found_can_be_asked_for_at_once(client: TestClient) -> None:
    named = client.get("/api/runs/described/find", params={"text": "png", "limit": 2}).json()
    assert (len(named["matches"]), named["truncated"]) == (2, True)
    answer = client.get("/api/runs/described/find/rows", params={"text": "png"})
    rows = np.frombuffer(answer.content, {"int32": "<i4", "int16": "<i2", "int8": "i1"}[answer.headers["X-Dtype"]])
    assert rows.tolist() == [0, 1, 2, 3, 5]
    assert len(rows) == named["total"]

"""What is analyzed: the input, a recorded layer, or concepts; and what the samples are grouped by."""

import inspect
from pathlib import Path

import numpy as np
import pytest

import whyset as ws
import whyset.report
from whyset.analysis import KMeans, Spray, assign
from whyset.analysis.processors import Absolute, StructuralDissimilarity
from whyset.errors import InputError
from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

N = 60
QUICK = {"n_neighbors": 5, "surrogates": 0, "resamplings": 0, "clusterings": (KMeans(),)}


def config(**options: object) -> RunConfig:
    return RunConfig(
        model="chosen.py:network",
        weights_hash="sha256:0",
        composite=None,
        target="label",
        preprocessing={},
        dataset_fingerprint="sha256:1",
        class_names=("cat", "dog"),
        shard_rows=16,
        **options,
    )


def arrays_of(run: Run, values: dict[str, np.ndarray]) -> None:
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        write_shard(run, shard, {name: array[start:stop] for name, array in values.items()}, {})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two strategies that show in a layer, in its concepts and in a text layer, each in its own way."""
    rng = np.random.default_rng(0)
    found = create_run(
        tmp_path / "run",
        config(layers=("block", "text", "head"), concepts=("block",)),
        samples_table([f"{n}.png" for n in range(N)], [0] * N),
        standard_arrays(
            (1, 8, 6), layers={"block": (5, 4, 6), "text": (7, 4), "head": (9,)}, concepts={"block": 5}, dtype="float32"
        ),
    )
    block = rng.normal(size=(N, 5, 4, 6))
    block[:, :, 0, 0] += 9 * (np.arange(N) % 2)[:, None]
    concepts = rng.normal(size=(N, 5))
    concepts[:, 3] += 40 * (np.arange(N) < 20)
    text, head = rng.normal(size=(N, 7, 4)), rng.normal(size=(N, 9))
    text[:, 6, 2] += 30 * (np.arange(N) % 3 == 0)
    head[:, 1] += 30 * (np.arange(N) % 4 == 0)
    values = {"attribution/input": rng.normal(size=(N, 1, 8, 6)), "attribution/block": block, "concept/block": concepts}
    values |= {"attribution/text": text, "attribution/head": head}
    columns = {"target": np.zeros(N, int), "prediction": np.zeros(N, int), "confidence": np.full(N, 0.5, np.float32)}
    arrays_of(found, {name: array.astype(np.float32) for name, array in values.items()} | columns)
    return found


@pytest.mark.parametrize(
    ("of", "planted", "dimensions"),
    [
        ("attribution/block", np.arange(N) % 2, 24),
        ("concept/block", np.arange(N) < 20, 5),
        ("attribution/text", np.arange(N) % 3 == 0, 28),
        ("attribution/head", np.arange(N) % 4 == 0, 9),
    ],
)
def test_strategies_are_found_where_they_show(run: Run, of: str, planted: np.ndarray, dimensions: int) -> None:
    (cat,) = ws.analyze(run, Spray(array=of, **QUICK)).categories
    assert cat.evidence.array == of
    labels = cat.column("clustering.kmeans")
    assert len({*labels[planted == 0]} & {*labels[planted == 1]}) == 0
    assert cat.column("difference.kmeans").shape[1] == dimensions
    assert cat.column("mean_map.kmeans").shape[1:] == (8, 6)


def test_features_of_concepts_are_channel_shares(run: Run) -> None:
    chain = Spray(array="concept/block").preparation((5,))
    assert [step.name for step in chain.steps] == ["normalized", "features"]
    found = chain.run({"maps": run.concept("block")[:]}, seed=0)["features"]
    np.testing.assert_allclose(np.abs(found).sum(axis=1), 1, rtol=1e-6)
    assert found.shape == (N, 5)


def test_an_array_that_is_not_there_is_refused_with_those_that_are(run: Run) -> None:
    with pytest.raises(InputError, match=r"no 'concept/head'; it holds .*attribution/block.*concept/block.*--concept"):
        ws.analyze(run, Spray(array="concept/head", **QUICK))
    assert run.analyses == []
    with pytest.raises(InputError, match="'mean_activation/<layer>', got 'layer3'"):
        Spray(array="layer3")


def test_a_distance_between_maps_is_told_their_shape(run: Run) -> None:
    distance = StructuralDissimilarity(window=3)
    (cat,) = ws.analyze(run, Spray(array="attribution/block", metric=distance, **QUICK)).categories
    assert cat.evidence.problem is None
    with pytest.raises(InputError, match="needs the shape"):
        ws.analyze(run, Spray(name="c", array="concept/block", metric=distance, **QUICK))


def test_preprocessing_comes_between_pooling_and_normalizing(run: Run) -> None:
    chain = Spray(pooling=None, preprocessing=(Absolute(), Absolute())).preparation((5, 4, 6))
    assert [step.name for step in chain.steps] == ["summed", "1.absolute", "2.absolute", "normalized", "features"]
    found = chain.run({"maps": run.layer("block")[:]}, seed=0)["features"]
    assert (found >= 0).all()


def test_a_users_own_processor_takes_part_and_is_stored_with_its_source(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "pipelines"))
    from own_processors import Power

    assert len(inspect.getsource(Power).splitlines()) < 10
    analysis = ws.analyze(run, Spray(array="attribution/block", preprocessing=(Power(3.0),), **QUICK))
    (stored,) = analysis.config["pipeline"]["fields"]["preprocessing"]
    assert (stored["name"], stored["fields"]) == ("own_processors:Power", {"exponent": 3.0})
    assert stored["source"].startswith("sha256:")
    assert assign(run, "spray", [3])[0].clusters["kmeans"] == analysis.clusters("cat")[3]


def test_new_rows_are_placed_by_concepts_too(run: Run) -> None:
    ws.analyze(run, Spray(array="concept/block", **QUICK))
    (placed,) = assign(run, "spray", [0, 1, 40])
    labels = run.analysis("spray").category("cat").column("clustering.kmeans")
    np.testing.assert_array_equal(placed.clusters["kmeans"], labels[[0, 1, 40]])


@pytest.mark.parametrize("row", [(2, 3, 6, 8), (2, 24), (24,)], ids=["volumes", "series", "vectors"])
def test_rows_of_any_number_of_axes_are_analyzed(tmp_path: Path, row: tuple[int, ...]) -> None:
    rng, which = np.random.default_rng(2), np.arange(N) % 2
    relevance = rng.normal(size=(N, *row)).astype(np.float32)
    relevance[which == 1, ..., 0] += 20
    found = create_run(
        tmp_path / "any", config(), samples_table([str(n) for n in range(N)], [0] * N), standard_arrays(row)
    )
    columns = {"target": np.zeros(N, int), "prediction": np.zeros(N, int), "confidence": np.ones(N, np.float32)}
    arrays_of(found, {"attribution/input": relevance} | columns)
    category = ws.analyze(found, Spray(**QUICK)).category("cat")
    labels, summed = category.column("clustering.kmeans"), relevance.sum(axis=1) if len(row) > 2 else relevance
    assert len({(int(a), int(b)) for a, b in zip(labels, which, strict=True)}) == 2
    means = np.stack([summed[labels == cluster].mean(axis=0) for cluster in range(2)])
    np.testing.assert_allclose(category.column("mean_map.kmeans"), means, atol=0.02)


def test_rows_of_several_targets_are_grouped_by_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = samples_table([f"{n}.png" for n in range(30)], [0] * 30, targets_per_sample=2)
    run = create_run(tmp_path / "two", config(targets_per_sample=2), table, standard_arrays((1, 6, 6), dtype="float32"))
    target = np.arange(60) % 2
    columns = {"target": target, "prediction": np.zeros(60, int), "confidence": np.full(60, 0.5, np.float32)}
    arrays_of(run, {"attribution/input": rng.normal(size=(60, 1, 6, 6)).astype(np.float32)} | columns)
    analysis = ws.analyze(run, Spray(**QUICK))
    assert [(c.name, c.evidence.n_explanations, c.evidence.grouped_by) for c in analysis.categories] == [
        ("cat", 30, "target"),
        ("dog", 30, "target"),
    ]
    np.testing.assert_array_equal(analysis.category("dog").column("index"), np.arange(1, 60, 2))
    assert "60 of 60 explanations made for 30 samples, 0 failed; accuracy 1.00" in ws.report.as_text(
        ws.report.report(run)
    )
    by_label = ws.analyze(run, Spray(name="label", group_by="label", **QUICK))
    assert [c.evidence.n_explanations for c in by_label.categories] == [60]
    with pytest.raises(InputError, match="groups by one of auto, label, prediction, target"):
        Spray(group_by="class")

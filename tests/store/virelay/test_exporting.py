"""A run that goes through ViRelAy's files comes back with the same numbers."""

from dataclasses import dataclass

import h5py
import numpy as np
import pytest
import yaml

from whyset.analysis import Spray, analyze
from whyset.errors import InputError
from whyset.progress import Silent
from whyset.store import ArraySpec, CategoryResult, RunConfig, open_run
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import from_info
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.store.virelay import export_project


@dataclass(frozen=True)
class Told(Silent):
    """A display that keeps what was said."""

    lines: list[str]

    def info(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def back(sample_run, imported, tmp_path):
    return imported(export_project(sample_run, tmp_path / "exported"), tmp_path / "back").run


def test_rows_come_back_equal(sample_run, back):
    rows = back.column("sample_index")
    assert rows.tolist() == [row for row in range(60) if row != 23]  # 23 failed
    np.testing.assert_array_equal(back.relevance[:], sample_run.relevance[rows])
    np.testing.assert_array_equal(back.inputs[:], sample_run.inputs[rows])
    for column in ("prediction", "confidence", "target"):
        np.testing.assert_array_equal(back.column(column), sample_run.column(column)[rows])
    np.testing.assert_array_equal(back.labels, sample_run.labels[rows])
    assert back.ids == [sample_run.ids[row] for row in rows]
    assert (back.classes, back.config.target) == (sample_run.classes, "label")


def test_analyses_come_back_equal(sample_run, back):
    rows = back.column("sample_index")
    for one, other in zip(sample_run.analysis("spray").categories, back.analysis("spray").categories, strict=True):
        assert (one.id, one.name) == (other.id, other.name)
        for key in ("label", "default_clustering", "default_embedding"):
            assert getattr(one.evidence, key) == getattr(other.evidence, key)
        np.testing.assert_array_equal(one.column("index"), rows[other.column("index")])
        for column in one.columns:
            if column.partition(".")[0] in ("embedding", "clustering", "eigenvalues"):
                np.testing.assert_array_equal(one.column(column), other.column(column))
                assert one.column(column).dtype == other.column(column).dtype


def test_a_run_that_came_back_can_be_analyzed_like_any_other(back):
    analyze(back, Spray("own", surrogates=0, resamplings=2))
    assert back.analyses == ["own", "own.spectrum", "spray"]
    assert all(category.evidence.problem is None for category in back.analysis("own").categories)


def made_run(path, *, channels=1, map_size=(6, 9), picture_size=(6, 9), targets=None, uris=None, inputs=True):
    """A run of 20 samples in three classes, two of them named by WordNet ids, with two analyses."""
    random = np.random.default_rng(0)
    relevance = random.normal(size=(20, channels, *map_size)).astype(np.float32)
    labels = np.arange(20) % 3
    config = RunConfig(
        model="net",
        weights_hash="sha256:0",
        composite=None,
        target="label" if targets is None else int(targets[0]),
        preprocessing={},
        dataset_fingerprint="sha256:0",
        class_names=("n02123045", "dog/wolf", "horse"),
        shard_rows=8,
        dtype="float32",
    )
    shape = (1 if channels not in (1, 3) else channels, *picture_size)
    ids = [f"{('cat', 'n02084071', 'horse')[label]}/{row}.png" for row, label in enumerate(labels)]
    arrays = standard_arrays(relevance.shape[1:], input_shape=shape if inputs else None, dtype="float32")
    run = create_run(path, config, samples_table(ids, labels.tolist(), uris), arrays)
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        rows = {
            "attribution/input": relevance[start:stop],
            "target": (labels if targets is None else targets)[start:stop],
            "prediction": labels[start:stop],
            "confidence": np.full(stop - start, np.nan, np.float32),
        }
        if inputs:
            rows["input"] = random.integers(0, 256, (stop - start, *shape), dtype=np.uint8)
        write_shard(run, shard, rows)
    write_analysis(run, "spray-1", {0: ("tsne", "umap"), 1: ("tsne",)})
    write_analysis(run, "odd", {0: ("tsne",), 1: ("umap",)})
    return run


def write_analysis(run, name, embeddings):
    writer = run.analysis_writer(name, {})
    for label, own in embeddings.items():
        index = np.arange(label, 20, 3)
        columns = {"index": index, "clustering.kmeans": np.zeros(len(index), np.int32)}
        columns |= {f"embedding.{embedding}": np.zeros((len(index), 2), np.float32) for embedding in own}
        writer.write(CategoryResult(f"{label:05d}", run.classes[label], columns, from_info({"label": label})))
    failed = {"label": 2, "problem": "Too few explanations: 6; at least 10 are needed."}
    writer.write(CategoryResult("00002", "horse", {"index": np.arange(2, 20, 3)}, from_info(failed)))


def test_gray_pictures_and_unknown_confidence_come_back_equal(imported, tmp_path):
    """ViRelAy needs three channels; which one it was is written beside."""
    run = made_run(tmp_path / "gray")
    project = export_project(run, tmp_path / "exported")
    with h5py.File(project.parent / "attributions.h5") as file:
        assert file["attribution"].shape == (20, 3, 6, 9)
        assert file["attribution"].chunks == (1, 3, 6, 9)
    back = imported(project).run
    np.testing.assert_array_equal(back.relevance[:], run.relevance[:])
    np.testing.assert_array_equal(back.inputs[:], run.inputs[:])
    assert np.isnan(back.column("confidence")).all()


def test_what_not_all_classes_have_is_left_out_and_told(imported, tmp_path):
    told = []
    project = export_project(made_run(tmp_path / "gray"), tmp_path / "exported", telling=Told(told))
    assert "analysis spray-1: the embedding umap is not exported, because 1 of 2 classes lack it" in told
    assert "analysis spray-1: horse is not exported: Too few explanations: 6; at least 10 are needed." in told
    assert "analysis odd: its classes have no clustering and embedding in common; it is not exported" in told
    described = yaml.safe_load(project.read_text())["project"]
    assert [entry["analysis_method"] for entry in described["analyses"]] == ["spray_1"]


def test_word_net_ids_are_real_where_names_or_folders_tell_them(tmp_path):
    project = export_project(made_run(tmp_path / "gray"), tmp_path / "exported", analyses=["spray-1"])
    with h5py.File(project.parent / "analysis_spray_1.h5") as file:
        assert sorted(file) == ["n02084071", "n02123045"]
    labels = yaml.safe_load((project.parent / "label_map.json").read_text())
    assert [entry["word_net_id"] for entry in labels] == ["n02123045", "n02084071", "class_00002"]


def test_targets_that_virelay_has_no_word_for_come_back_equal(imported, tmp_path):
    told = []
    run = made_run(tmp_path / "fixed", targets=np.full(20, 0))
    back = imported(export_project(run, tmp_path / "exported", telling=Told(told))).run
    assert any("ViRelAy supports only label and prediction" in line for line in told)
    assert (back.column("target") == 0).all()
    assert back.config.target == 0


def test_maps_of_other_channels_are_summed_and_pictures_follow_the_maps(imported, tmp_path):
    told = []
    run = made_run(tmp_path / "pooled", channels=5, map_size=(3, 5), picture_size=(6, 10))
    back = imported(export_project(run, tmp_path / "exported", telling=Told(told))).run
    np.testing.assert_allclose(back.relevance[:, 0], run.relevance[:].sum(axis=1), rtol=1e-6, atol=1e-6)
    assert back.inputs.shape == (20, 1, 3, 5)
    assert any("images are resized from (6, 10)" in line for line in told)


def test_a_run_without_pictures_says_what_to_do(tmp_path):
    run = made_run(tmp_path / "bare", inputs=False)
    with pytest.raises(InputError, match="link the image files instead"):
        export_project(run, tmp_path / "exported")
    with pytest.raises(InputError, match="20 of 20 samples have no existing image file"):
        export_project(run, tmp_path / "exported", images=True)
    assert [path.name for path in tmp_path.iterdir()] == ["bare"]


def test_several_targets_per_sample_become_samples_of_their_own(imported, tmp_path):
    random = np.random.default_rng(0)
    relevance, pixels = random.normal(size=(10, 3, 6, 9)).astype(np.float32), random.integers(0, 256, (5, 3, 6, 9))
    config = RunConfig(
        model="net",
        weights_hash="sha256:0",
        composite=None,
        target="top:2",
        preprocessing={},
        dataset_fingerprint="sha256:0",
        class_names=("cat", "dog", "horse"),
        shard_rows=4,
        dtype="float32",
        layers=("head",),
        targets_per_sample=2,
    )
    table = samples_table(list("abcde"), [0, 1, 2, 0, 1], targets_per_sample=2)
    arrays = standard_arrays(
        (3, 6, 9),
        input_shape=(3, 6, 9),
        dtype="float32",
        layers={"head": (4,)},
        activations={"mean_activation/block": (2,)},
    )
    run = create_run(tmp_path / "two", config, table, arrays)
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        columns = {"target": np.arange(10) % 3, "prediction": np.arange(10) // 2 % 3, "confidence": np.ones(10, "f4")}
        rows = {"attribution/input": relevance, "attribution/head": np.ones((10, 4), np.float32)} | columns
        rows = {name: values[start:stop] for name, values in rows.items()}
        samples = {"input": pixels[start // 2 : stop // 2].astype(np.uint8)}
        samples["mean_activation/block"] = np.ones(((stop - start) // 2, 2), np.float32)
        write_shard(run, shard, rows | samples)
    told = []
    back = imported(export_project(run, tmp_path / "exported", telling=Told(told))).run
    assert "only relevance of the input is exported, not that of head" in told
    assert "activations are not exported: those of block" in told
    np.testing.assert_array_equal(back.relevance[:], relevance)
    np.testing.assert_array_equal(back.inputs[:], np.repeat(pixels, 2, axis=0))
    np.testing.assert_array_equal(back.column("target"), np.arange(10) % 3)
    assert back.ids[:3] == ["a#0", "a#1", "b#2"]


def test_a_run_of_no_images_is_refused(tmp_path):
    config = open_run(made_run(tmp_path / "gray").path).config
    arrays = [ArraySpec("attribution/input", (7,), "float32"), *standard_arrays((1, 2, 3))[1:]]
    run = create_run(tmp_path / "series", config, samples_table(["a"]), arrays)
    with pytest.raises(InputError, match="expected images"):
        export_project(run, tmp_path / "exported")


def test_an_unfinished_run_is_exported_as_far_as_it_goes(sample_run, imported, tmp_path):
    (sample_run.path / "commits" / "000002.json").unlink()
    told = []
    project = export_project(open_run(sample_run.path), tmp_path / "exported", analyses=[], telling=Told(told))
    assert told[0] == "17 of 60 samples have no explanation, so the project has no attribution of them"
    back = imported(project).run
    assert back.column("sample_index").tolist() == [*range(23), *range(24, 32), *range(48, 60)]

"""A consistent project becomes a run with the same numbers."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.errors import InputError, RunMismatchError
from whyset.report import as_text, report
from whyset.store.create import create_run
from whyset.viewer import create_app


def test_samples_and_attributions_are_what_the_files_hold(files, imported):
    run = imported(files.write()).run
    given = files.attributions["attributions.h5"]
    np.testing.assert_array_equal(run.relevance[:], given["attribution"])
    np.testing.assert_array_equal(run.inputs[:], files.dataset["data"])
    np.testing.assert_array_equal(run.labels, files.dataset["label"])
    np.testing.assert_array_equal(run.column("target"), given["label"])
    np.testing.assert_array_equal(run.column("prediction"), given["prediction"].argmax(axis=1))
    np.testing.assert_array_equal(run.column("confidence"), given["prediction"].max(axis=1))
    np.testing.assert_array_equal(run.column("sample_index"), np.arange(12))
    assert run.samples["uri"][3].as_py() == (files.folder / "data.h5").resolve().as_uri() + "#/data/3"
    assert (run.classes, run.verify()) == (["cat", "dog", "horse"], [])


def test_categories_are_what_the_files_hold(files, imported):
    analysis = imported(files.write()).run.analysis("Spectral")
    given = files.analyses["Spectral"]["analysis.h5"]["n02374451"]
    horse = analysis.category("horse")
    assert (horse.id, horse.evidence.label) == ("00002", 2)
    np.testing.assert_array_equal(horse.column("index"), given["index"])
    np.testing.assert_array_equal(horse.column("embedding.tsne"), given["embedding"]["tsne"])
    np.testing.assert_array_equal(horse.column("embedding.spectral"), given["embedding"]["spectral"][0])
    np.testing.assert_array_equal(horse.column("eigenvalues"), [1, 0.75, 0.5])
    np.testing.assert_array_equal(horse.column("clustering.kmeans-02"), given["cluster"]["kmeans-02"][0])
    np.testing.assert_array_equal(horse.column("clustering.dbscan"), given["cluster"]["dbscan"])
    assert horse.evidence.clusterings["dbscan"].n_noise == 2
    assert horse.evidence.clusterings["kmeans-02"].selected_by == "given"


def test_what_clusters_are_made_of_is_computed_and_the_rest_is_null(files, imported):
    run = imported(files.write()).run
    evidence = run.analysis("Spectral").category("dog").evidence
    rows, (cluster, _) = np.array([1, 7]), evidence.clusterings["kmeans-02"].clusters
    right = run.column("prediction")[rows] == 1
    assert (cluster.n_explanations, cluster.composition.accuracy) == (2, right.mean())
    assert cluster.composition.mean_confidence == pytest.approx(float(run.column("confidence")[rows].mean()))
    assert sorted(cluster.medoids) == rows.tolist()
    assert -1 <= cluster.coherence <= 1
    assert cluster.separability is evidence.separability.value is None
    maps = run.analysis("Spectral").category("dog").column("mean_map.kmeans-02")
    np.testing.assert_allclose(maps[0], run.relevance[rows].sum(axis=1).mean(axis=0), rtol=1e-6, atol=1e-6)


def test_the_provenance_is_recorded_as_unknown_and_the_run_never_continued(files, imported):
    run = imported(files.write()).run
    assert (run.config.weights_hash, run.config.dataset_fingerprint) == (None, None)
    assert run.config.origin["imported_from"] == "ViRelAy"
    assert run.config.origin["confidence"] == "as given"
    with pytest.raises(RunMismatchError, match="unknown"):
        create_run(run.path, run.config, run.samples, [spec for spec in run.arrays if spec.name not in run.own_arrays])


def test_an_imported_run_is_reported_and_viewed(files, imported):
    run = imported(files.write()).run
    told = as_text(report(run, "Spectral"))
    assert "12 of 12 samples explained" in told
    assert "imported from ViRelAy" in told
    client = TestClient(create_app([run.path], token="t"), base_url="http://127.0.0.1:8765")
    client.get("/?token=t", follow_redirects=False)
    analysis = client.get("/api/runs/run/analyses/Spectral").json()
    assert {row["name"] for row in analysis["categories"]} == {"cat", "dog", "horse"}
    assert all(row["problem"] is None and row["n_clusters"] == 2 for row in analysis["categories"])
    category = client.get("/api/runs/run/analyses/Spectral/00001").json()
    for column in category["columns"]:
        place = f"/api/runs/run/analyses/Spectral/00001/columns/{column['name']}"
        assert client.get(place).status_code == 200, column
    for picture in ("maps", "inputs"):
        assert client.get(f"/api/runs/run/{picture}?indices=0,11").status_code == 200


def test_a_bookmark_of_the_project_opens_the_imported_run(files, imported):
    """Its samples count within the data set, of which the project explains some: they are no rows of the run."""
    members = files.attributions["attributions.h5"]
    files.attributions["attributions.h5"] = {name: values[2:] for name, values in members.items()}
    horse = files.analyses["Spectral"]["analysis.h5"]["n02374451"]
    files.analyses["Spectral"]["analysis.h5"] = {"n02374451": horse}
    run = imported(files.write()).run
    bookmark = {
        "projectName": "A project",
        "selectedAnalysisMethod": "Spectral",
        "selectedAnalysisCategory": "n02374451",
        "selectedClustering": "kmeans-02",
        "selectedEmbeddingName": "tsne",
        "selectedEmbeddingVectorsIndices": [2, 8],
    }
    client = TestClient(create_app([run.path], token="t"), base_url="http://127.0.0.1:8765")
    client.get("/?token=t", follow_redirects=False)
    opening = client.post("/api/opening", json=bookmark).json()
    assert opening["told"] == []
    assert opening["address"] == "#/run/Spectral/00002?clustering=kmeans-02&embedding=tsne"
    assert opening["selected"] == [0, 6]


def test_predictions_that_are_no_probabilities_go_through_softmax(files, imported):
    outputs = np.random.default_rng(2).normal(size=(12, 3)) * 5
    files.attributions["attributions.h5"]["prediction"] = outputs
    run = imported(files.write()).run
    powers = np.exp(outputs)
    np.testing.assert_allclose(run.column("confidence"), (powers / powers.sum(axis=1, keepdims=True)).max(axis=1), 1e-5)
    assert run.config.origin["confidence"] == "softmax"


def test_samples_without_attribution_are_left_out_and_the_others_keep_their_numbers(files, imported):
    index = np.array([10, 4, 7], np.uint32)  # in no order
    given = files.attributions["attributions.h5"]
    for name in ("attribution", "label", "prediction"):
        given[name] = given[name][:3]
    given["index"] = index
    files.analyses = {"Spectral": {"a.h5": {"some of them": _part([7, 10])}}}
    found = imported(files.write())
    assert found.warned("9 of 12 samples have no attribution")
    np.testing.assert_array_equal(found.run.column("sample_index"), [4, 7, 10])
    np.testing.assert_array_equal(found.run.relevance[:], given["attribution"][[1, 2, 0]])
    np.testing.assert_array_equal(found.run.inputs[:], files.dataset["data"][[4, 7, 10]])
    (category,) = found.run.analysis("Spectral").categories
    np.testing.assert_array_equal(category.column("index"), [1, 2])
    assert (category.id, category.name, category.evidence.label) == ("some_of_them", "some of them", None)


def _part(index, **more):
    size = len(index)
    return {
        "index": np.array(index, np.uint32),
        "embedding": {"tsne": np.arange(2 * size, dtype=np.float32).reshape(size, 2)},
        "cluster": {"k": np.zeros(size, np.int32)},
    } | more


def test_parts_of_a_category_in_several_files_are_put_together(files, imported):
    other = {
        "index": np.arange(0, 12, 3),
        "embedding": {"umap": np.ones((4, 2), np.float32)},
        "cluster": {"x": np.zeros(4, int)},
    }
    first = files.analyses["Spectral"]["analysis.h5"]["n02123045"]
    files.analyses["Spectral"] = {"a.h5": {"n02123045": first}, "b.h5": {"n02123045": other}}
    (cat,) = imported(files.write()).run.analysis("Spectral").categories
    assert {"embedding.tsne", "embedding.umap", "clustering.x", "clustering.dbscan"} <= set(cat.columns)


def test_several_sources_of_attributions_and_several_methods(files, imported):
    given = files.attributions.pop("attributions.h5")
    for name, rows in (("b.h5", slice(0, None, 2)), ("a.h5", slice(1, None, 2))):
        files.attributions[name] = {key: values[rows] for key, values in given.items()}
    files.analyses["My method / k-means"] = {"c.h5": {"everything": _part(range(12))}}
    run = imported(files.write()).run
    np.testing.assert_array_equal(run.relevance[:], given["attribution"])
    np.testing.assert_array_equal(run.column("confidence"), given["prediction"].max(axis=1))
    assert run.analyses == ["My_method_k-means", "Spectral"]


def test_the_documented_layout_is_read_like_that_of_the_code(files, imported, tmp_path):
    code = imported(files.write()).run.analysis("Spectral")
    for category in files.analyses["Spectral"]["analysis.h5"].values():
        (spectral, attributes), tsne = category["embedding"]["spectral"], category["embedding"]["tsne"]
        eigenvalue = {"eigenvalue": attributes["eigenvalue"]}
        category["embedding"] = {
            "spectral": {"root": spectral, "name": "Spectral"} | eigenvalue,
            "tsne": {"root": tsne},
        }
        clusters = category.pop("cluster")
        kmeans = {"root": clusters["kmeans-02"][0].astype(np.uint32), "#clusters": 2, "prototype": {"average": {}}}
        category["clustering"] = {"kmeans-02": kmeans, "dbscan": {"root": clusters["dbscan"].astype(np.uint32)}}
    found = imported(files.write(), tmp_path / "documented")
    assert found.warned("holds 4294967295, which is read as -1")
    for one, other in zip(code.categories, found.run.analysis("Spectral").categories, strict=True):
        assert one.evidence == other.evidence
        assert set(one.columns) == set(other.columns)
        for column in one.columns:
            np.testing.assert_array_equal(one.column(column), other.column(column))


def test_attributions_for_the_predicted_label(files, imported):
    given = files.attributions["attributions.h5"]
    given["label"] = given["prediction"].argmax(axis=1)
    files.project = {"attributions": files.description()["attributions"] | {"attribution_strategy": "predicted_label"}}
    found = imported(files.write())
    assert found.run.config.target == "prediction"
    np.testing.assert_array_equal(found.run.column("target"), found.run.column("prediction"))
    assert not found.warnings


def test_labels_that_contradict_the_strategy_are_the_target_and_told(files, imported):
    files.attributions["attributions.h5"]["label"] = np.full(12, 2, np.uint16)
    found = imported(files.write())
    assert found.warned("8 of 12 attributions have another label than the label of the data set")
    assert (found.run.column("target") == 2).all()


def test_linked_pictures_stay_where_they_are(files, imported):
    run = imported(files.write(), link=True).run
    assert run.inputs is None
    assert run.samples["uri"][0].as_py().startswith("file:///")


def test_half_precision_on_request(files, imported):
    run = imported(files.write(), dtype="float16").run
    np.testing.assert_allclose(run.relevance[:], files.attributions["attributions.h5"]["attribution"], 1e-3, 1e-6)


def test_paths_of_another_machine_are_exchanged(files, imported):
    files.write()
    project = files.description()
    project["label_map"] = "/cluster/home/label-map.json"
    project["dataset"]["path"] = "/cluster/home/data.h5"
    project["attributions"]["sources"] = [r"C:\runs\attributions.h5"]
    files.project = project
    map_path = (("/cluster/home", str(files.folder)), ("C:\\runs\\", str(files.folder)))
    assert len(imported(files.write(), map_path=map_path).run) == 12


def test_a_place_that_is_taken_is_refused_before_anything_is_read(files, imported, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="exists and is not empty"):
        imported(Path("absent.yaml"))
    assert (tmp_path / "run" / "thesis.tex").read_text() == "years of work"


def test_a_category_without_samples_is_a_result_with_a_problem(files, imported):
    files.analyses["Spectral"]["analysis.h5"]["nothing"] = _part([])
    run = imported(files.write()).run
    assert run.analysis("Spectral").category("nothing").evidence.problem == "The category holds no explanations."
    assert "nothing: The category holds no explanations." in as_text(report(run, "Spectral"))

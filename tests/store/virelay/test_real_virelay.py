"""What ViRelAy's own server answers about an exported run."""

import numpy as np
import pytest

from whyset.store.virelay import export_project

JPEG = 12  # of 255: what its compression changes at most in these smooth pictures


@pytest.fixture
def server(sample_run, virelay, tmp_path):
    return virelay(export_project(sample_run, tmp_path / "exported"))


def test_virelay_shows_the_run_as_it_is(server, sample_run):
    """One server for all of it, as it takes seconds to start."""
    project = server.json("projects/0")
    (method,) = project["analysisMethods"]
    assert (project["model"], method["name"]) == ("sample.py:network", "spray")
    assert [category["humanReadableName"] for category in method["categories"]] == sample_run.classes
    assert (method["clusterings"], method["embeddings"]) == (["hdbscan", "kmeans"], ["spectral", "tsne"])
    for category, key in zip(sample_run.analysis("spray").categories, method["categories"], strict=True):
        for clustering, embedding in (("kmeans", "tsne"), ("hdbscan", "spectral")):
            asked = f"category={key['name']}&clustering={clustering}&embedding={embedding}"
            _compare_analysis(server.json(f"projects/0/analyses/spray?{asked}"), category, clustering, embedding)
    for row in (0, 7, 41, 59):
        _compare_sample(server, sample_run, row)


def _compare_analysis(answer, category, clustering, embedding):
    points = answer["embedding"]
    assert [point["attributionIndex"] for point in points] == category.column("index").tolist()
    assert [point["cluster"] for point in points] == category.column(f"clustering.{clustering}").tolist()
    coordinates = np.array([point["value"] for point in points])
    np.testing.assert_array_equal(coordinates.astype(np.float32), category.column(f"embedding.{embedding}"))
    assert answer["humanReadableCategoryName"] == category.name
    if embedding == "spectral":
        assert answer["eigenvalues"] == category.column("eigenvalues").tolist()


def _compare_sample(server, run, row):
    labels = [] if run.labels[row] < 0 else [int(run.labels[row])]
    assert [label["index"] for label in server.json(f"projects/0/dataset/{row}")["labels"]] == labels
    attribution = server.json(f"projects/0/attributions/{row}")
    assert int(np.argmax(attribution["prediction"])) == run.column("prediction")[row]
    assert max(attribution["prediction"]) == pytest.approx(float(run.column("confidence")[row]))
    assert [label["index"] for label in attribution["labels"]] == [run.column("target")[row]]
    shown = server.image(f"projects/0/dataset/{row}/image").astype(int)
    assert np.abs(shown - run.inputs[row].transpose(1, 2, 0)).mean() < JPEG
    _compare_heatmap(server.image(f"projects/0/attributions/{row}/heatmap?colorMap=black-yellow"), run.relevance[row])


def _compare_heatmap(picture, relevance):
    """In its black-yellow, more relevance is brighter; a transposed or shifted map would not follow it."""
    summed = relevance.sum(axis=0)
    assert picture.shape[:2] == summed.shape
    assert np.corrcoef(picture.astype(float).sum(axis=2).ravel(), summed.ravel())[0, 1] > 0.9

"""What ViRelAy's own server answers about an exported run."""

import io

import numpy as np
import pytest
from PIL import Image

from whyset.image import imgify
from whyset.store.virelay import export_project

SAME = 3  # of 255, on average: pictures travel as JPEG, and colors are rounded otherwise


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
    shown = server.image(f"projects/0/dataset/{row}/image")
    assert np.abs(shown - _as_jpeg(Image.fromarray(run.inputs[row].transpose(1, 2, 0)))).mean() < SAME


def _as_jpeg(picture):
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return np.asarray(Image.open(file)).astype(float)


def smooth_maps():
    """Two hills and a valley, so that what JPEG changes is little; no symmetry, sides that differ, one channel of 3."""
    rows, columns = np.mgrid[:24, :40]
    hill = np.exp(-((rows - 6) ** 2 + (columns - 10) ** 2) / 40) + 0.6 * np.exp(-((columns - 33) ** 2) / 60)
    valley = 0.5 * np.exp(-((rows - 19) ** 2 + (columns - 22) ** 2) / 50)
    maps = np.zeros((12, 3, 24, 40), np.float32)
    maps[:, 1] = hill - valley
    return maps


def test_heatmaps_are_drawn_as_by_our_color_maps_of_the_same_names(files, imported, virelay, tmp_path):
    """Turned, mirrored or inverted ones would be farther away."""
    files.attributions["attributions.h5"]["attribution"] = smooth_maps()
    files.dataset["data"] = np.full((12, 3, 24, 40), 128, np.uint8)
    run = imported(files.write()).run
    server = virelay(export_project(run, tmp_path / "exported"))
    summed = run.relevance[5].sum(axis=0)
    for colors in ("gray-red", "black-yellow", "blue-white-red"):
        picture = server.image(f"projects/0/attributions/5/heatmap?colorMap={colors}").astype(float)
        others = (summed[::-1], summed[:, ::-1], summed[::-1, ::-1], -summed)
        own, *wrong = (_distance(picture, imgify(values, color_map=colors)) for values in (summed, *others))
        assert own < 2 * SAME  # saturated colors suffer more
        assert own < min(wrong) / 5


def _distance(picture, other):
    return np.abs(picture - np.asarray(other)).mean()

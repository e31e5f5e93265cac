import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from whyset.analysis import (
    DBSCAN,
    HDBSCAN,
    LLE,
    PCA,
    UMAP,
    Agglomerative,
    KMeans,
    Leiden,
    Pipeline,
    Processor,
    Spray,
    Step,
    kmeans_sweep,
)
from whyset.analysis.pipelines.serialization import get_known_processors, processor_from_dict
from whyset.analysis.processors import (
    PROCESSORS,
    Cosine,
    FourierMagnitude,
    RadialBasis,
    RandomWalkLaplacian,
    SlicedWasserstein,
)
from whyset.errors import InputError
from whyset.store.analyses import open_analysis

OWN = Path(__file__).with_name("own_processors.py").read_text()
ARCHIVES = Path(__file__).parents[2] / "data/archives"
NEEDED = {
    "Resize": {"height": 4, "width": 6},
    "ClusteringEstimator": {"estimator": "sklearn.cluster:Birch"},
    "EmbeddingEstimator": {"estimator": "sklearn.manifold:Isomap"},
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Give a function that imports a user's file."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def imported(source: str = OWN) -> ModuleType:
        (tmp_path / "own_parts.py").write_text(source)
        spec = importlib.util.spec_from_file_location("own_parts", tmp_path / "own_parts.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "own_parts", module)
        spec.loader.exec_module(module)
        return module

    return imported


@pytest.mark.parametrize("kind", [*get_known_processors().values(), Spray], ids=lambda kind: kind.__name__)
def test_every_processor_comes_back_from_its_stored_form(kind: type[Processor]) -> None:
    part = kind(**NEEDED.get(kind.__name__, {}))
    assert processor_from_dict(json.loads(json.dumps(part.to_dict())), Spray) == part


def test_a_pipeline_with_everything_comes_back_from_json() -> None:
    spray = Spray(
        metric=SlicedWasserstein(8, 32),
        affinity=RadialBasis(0.5),
        laplacian=RandomWalkLaplacian(),
        clusterings=(*kmeans_sweep(2, 4), Agglomerative(3, "single"), Leiden(2.0)),
        embeddings=(UMAP(space="features"),),
        preprocessing=(FourierMagnitude(),),
    )
    assert processor_from_dict(json.loads(json.dumps(spray.to_dict())), Spray) == spray
    for pipeline in (spray.pipeline(samples=50, shape=(4, 5)), spray.preparation()):
        again = Pipeline.from_json(pipeline.to_json())
        assert again == pipeline
        assert str(again) == str(pipeline)


@pytest.mark.parametrize("archive", ["analysis-1.1", "analysis-2.0"])
def test_analyses_before_format_2_1_are_read_with_the_present_names(archive: str) -> None:
    stored = open_analysis(ARCHIVES / archive, "spray").config["pipeline"]
    assert "smallest_class" in stored["fields"]
    given = {
        "pooling": 5,
        "embeddings": (PCA(),),
        "surrogates": 9,
        "resamplings": 5,
        "clusterings": (KMeans(), HDBSCAN(8)),
        "sisters": None,
        "small_clusters": None,
    }  # the last two are steps that were not there
    assert processor_from_dict(stored, Spray) == Spray(**given)
    again = Spray(**given).to_dict()
    assert set(again["fields"]) - set(stored["fields"]) == {
        "array",
        "metric",
        "n_neighbors",
        "n_clusters",
        "min_class_size",
        "sisters",
        "small_clusters",
    }


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("KMeans", {"clusters": 3, "restarts": 4}, KMeans(n_clusters=3, n_init=4)),
        ("HDBSCAN", {"smallest": 5}, HDBSCAN(min_cluster_size=5)),
        ("DBSCAN", {"radius": 0.5, "smallest": 4}, DBSCAN(eps=0.5, min_samples=4)),
        ("Agglomerative", {"clusters": 3, "linkage": "single"}, Agglomerative(n_clusters=3, linkage="single")),
        ("PCA", {"components": 4}, PCA(n_components=4)),
        ("UMAP", {"neighbours": 7, "distance": 0.25}, UMAP(n_neighbors=7, min_dist=0.25)),
        ("LLE", {"neighbours": 7, "regularization": 0.25}, LLE(n_neighbors=7, reg=0.25)),
    ],
)
def test_renamed_fields_are_read(name: str, before: dict, now: Processor) -> None:
    assert processor_from_dict({"name": name, "fields": before}) == now


def test_a_users_own_processor_comes_back_by_its_import_path(own: Callable[..., ModuleType]) -> None:
    pipeline = Pipeline("own", (Step("powered", own().Power(3.0), ("maps",)),))
    text = pipeline.to_json()
    assert Pipeline.from_json(text) == pipeline
    (step,) = json.loads(text)["steps"]
    assert step["processor"]["name"] == "own_parts:Power"
    assert step["processor"]["source"].startswith("sha256:")


def test_a_processor_whose_source_changed_is_refused(own: Callable[..., ModuleType]) -> None:
    text = Pipeline("own", (Step("powered", own().Power(), ("maps",)),)).to_json()
    own(OWN.replace("np.sign(maps) *", "-np.sign(maps) *"))
    with pytest.raises(InputError, match=r"source of own_parts:Power has changed"):
        Pipeline.from_json(text)
    own()
    assert Pipeline.from_json(text).steps[0].processor.exponent == 2.0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"name": "Nothing", "fields": {}}, "Unknown processor 'Nothing'.*KMeans"),
        ({"name": "no_such_module:Thing", "fields": {}}, "was not found.*import no_such_module first"),
        ({"name": "own_parts:NoDataclass", "fields": {}}, "expected a dataclass"),
        ({"name": "own_parts:np", "fields": {}}, "is not a processor"),
        ({"name": "KMeans", "fields": {"seeds": 3}}, "KMeans has no field seeds; it has n_clusters, n_init"),
        ({"name": "KMeans", "fields": {"n_clusters": 1}}, "n_clusters >= 2"),
        ({"fields": {}}, "Expected a stored processor"),
        (["KMeans"], "Expected a stored processor"),
    ],
    ids=str,
)
def test_unknown_processors_are_refused_with_the_reason(
    own: Callable[..., ModuleType], form: object, message: str
) -> None:
    own()
    with pytest.raises(InputError, match=message):
        processor_from_dict(form)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "whyset-pipeline/1", "name": "x", "steps": [{}]}', "null"]
)
def test_text_that_is_no_pipeline_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a stored pipeline"):
        Pipeline.from_json(text)


def test_another_format_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"whyset-pipeline/1.*whyset-pipeline/9"):
        Pipeline.from_json('{"format": "whyset-pipeline/9", "name": "x", "steps": []}')


def test_what_cannot_be_stored_is_refused_by_field(own: Callable[..., ModuleType]) -> None:
    for value in (float("nan"), float("inf"), {"a": 1}, len):
        with pytest.raises(InputError, match=r"Power\.exponent holds|Power\(exponent=.*: expected a number"):
            own().Power(value).to_dict()


def test_a_source_that_cannot_be_read_is_refused() -> None:
    namespace: dict = {"__name__": "typed_in"}
    exec(OWN, namespace)
    with pytest.raises(InputError, match=r"source of typed_in.Power cannot be read.*define it in a file"):
        namespace["Power"]().to_dict()


def test_the_table_holds_every_processor_of_the_package() -> None:
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))

    from whyset.analysis.processors import Affinity, Distance, Estimator, Laplacian, Processor

    mine = {k for k in below(Processor) if k.__module__.startswith("whyset.analysis.processors")}
    assert mine - {Processor, Distance, Affinity, Laplacian, Estimator} == set(PROCESSORS.values())
    assert Cosine in mine

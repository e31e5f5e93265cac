import pytest

from whyset import analysis
from whyset.analysis import registry
from whyset.analysis.processors import PROCESSORS, Processor
from whyset.errors import InputError


@pytest.mark.parametrize("table", ["METRICS", "AFFINITIES", "LAPLACIANS", "EMBEDDINGS", "PREPROCESSING"])
def test_every_name_makes_a_part_of_its_own(table: str) -> None:
    parts = [make() for make in getattr(registry, table).values()]
    assert all(isinstance(part, Processor) for part in parts)
    assert len(set(parts)) == len(parts)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kmeans", ["kmeans"]),
        ("kmeans:5", ["kmeans-5"]),
        ("kmeans:2-30", [f"kmeans-{k}" for k in range(2, 31)]),
        ("hdbscan:12", ["hdbscan"]),
        ("dbscan", ["dbscan"]),
        ("agglomerative:4", ["agglomerative-4"]),
        ("leiden", ["leiden"]),
        ("leiden:2.5", ["leiden-2.5"]),
    ],
)
def test_clusterings_carry_their_number(text: str, names: list[str]) -> None:
    assert [part.name for part in registry.parse_clusterings(text)] == names


def test_a_step_that_can_be_left_out_has_a_name_for_that() -> None:
    assert registry.parse("sisters", "join") == analysis.JoinSisters()
    assert registry.parse("small_clusters", "search") == analysis.SmallClusters()
    assert registry.parse("small_clusters", "leiden") == analysis.SmallClusters(resolutions=(1.0, 8.0))
    assert (registry.parse("sisters", "keep"), registry.parse("small_clusters", "none")) == (None, None)
    assert registry.parse("preprocessing", ["absolute", "fourier"]) == (
        analysis.Absolute(),
        analysis.FourierMagnitude(),
    )


@pytest.mark.parametrize(
    "text", ["", "kmeans:2-", "kmeans:2-3-4", "hdbscan:x", "dbscan:nan", "leiden:x", "leiden:0", "spectral:3"]
)
def test_names_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        registry.parse_clusterings(text)


def test_every_processor_is_imported_from_one_place() -> None:
    assert set(PROCESSORS) <= set(analysis.__all__)
    assert all(getattr(analysis, name) is kind for name, kind in PROCESSORS.items())

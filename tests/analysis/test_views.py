"""The views of a run: which there are, what they find, and the analyses that they become."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis import Cosine, FourierMagnitude, Spray, StructuralDissimilarity, list_views
from whyset.analysis.view_groups import list_groups
from whyset.analysis.views import View, choose_views, describe_view, get_base, get_title, get_view, list_family
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError
from whyset.store import Run

QUICK = Spray(n_neighbors=5, surrogates=0, resamplings=0, small_clusters=None)
N = 48


class Net(nn.Module):
    """A network with a tag detector: channel 1 of its convolution has a large output for bright squares."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight[0], self.conv.weight[1] = 0.1, torch.ones(1, 3, 3)
            self.conv.bias[:] = torch.tensor([0.0, -7.0])
            self.head.weight[:] = torch.tensor([[1.0, 1.0], [-1.0, 0.0]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(torch.relu(self.conv(x))).flatten(1))


def make_images() -> tuple[torch.Tensor, np.ndarray]:
    """Images in [0, 0.5] of which every third has a bright square somewhere."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(N, 1, 12, 16, generator=generator) / 2
    tagged = np.arange(N) % 3 == 0
    for row in np.flatnonzero(tagged):
        top, left = (int(torch.randint(0, side, (), generator=generator)) for side in (9, 13))
        images[row, 0, top : top + 3, left : left + 3] = 1.0
    return images, tagged


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with channel relevance and activations, with one class."""
    data = [(image, 0) for image in make_images()[0]]
    record = ["mean_activation:pool", "activation:conv"]
    path = tmp_path_factory.mktemp("views") / "run"
    run = ws.explain(Net(), data, path, composite=EpsilonPlus(), concepts=["conv"], record=record)
    ws.analyze(run, QUICK)
    return run


def test_the_views_are_those_whose_arrays_the_run_has(run: Run) -> None:
    assert list_views(run) == [
        View("maps", "attribution/input"),
        View("spectrum", "attribution/input", (FourierMagnitude(2),)),
        View("channels:conv", "concept/conv"),
        View("activations:pool", "mean_activation/pool"),
    ]  # the whole output of a layer is not a view


def test_by_default_every_view_is_an_analysis_and_that_of_maps_has_the_usual_name(run: Run) -> None:
    assert run.analyses == ["spray", "spray.activations.pool", "spray.channels.conv", "spray.spectrum"]
    family = list_family(run, run.analysis())
    assert [get_view(one) for one in family] == [view.name for view in list_views(run)]
    assert {get_base(one) for one in family} == {"spray"}
    assert [one.category("00000").evidence.array for one in family] == [view.array for view in list_views(run)]
    assert get_title(run.analysis("spray.channels.conv")) == "channel relevance of conv"


def test_the_title_names_the_view_and_an_analysis_with_another_name(run: Run) -> None:
    ws.analyze(run, replace(QUICK, name="mine"), views=["maps", "channels"])
    titles = {name: get_title(run.analysis(name), run.analyses) for name in ("spray", "mine", "mine.channels.conv")}
    assert list(titles.values()) == ["relevance maps", "relevance maps (mine)", "channel relevance of conv (mine)"]
    assert get_title(run.analysis("mine"), ["mine", "other"]) == "mine"


def test_the_maps_are_analyzed_exactly_as_without_other_views(run: Run) -> None:
    alone = ws.analyze(run, replace(QUICK, name="alone"), views="maps").category("00000")
    both = run.analysis("spray").category("00000")
    assert alone.evidence == both.evidence
    for name in alone.columns:
        np.testing.assert_array_equal(alone.column(name), both.column(name))
    assert [name for name in run.analyses if name.startswith("alone")] == ["alone"]


def test_a_tag_that_moves_is_a_cluster_of_channels_and_not_of_maps(run: Run) -> None:
    tagged = np.flatnonzero(make_images()[1])
    (groups,) = list_groups(run).values()
    best: dict[str, float] = {}
    for group in groups:
        hits = len(np.intersect1d(group.rows, tagged))
        best[group.view] = max(best.get(group.view, 0.0), 2 * hits / (len(group.rows) + len(tagged)))
    assert best["channels:conv"] == 1.0
    assert best["maps"] < 1.0


def test_every_view_can_be_shown(run: Run) -> None:
    for analysis in list_family(run, run.analysis()):
        category = analysis.category("00000")
        clustering = category.evidence.clustering
        assert clustering is not None
        assert category.column(f"embedding.{category.evidence.default_embedding}").shape == (N, 2)
        assert category.column("mean_map.kmeans").shape == (clustering.n_clusters, 12, 16)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("channels", ["channels:conv"]),
        (["activations:pool", "maps"], ["maps", "activations:pool"]),
        (["channels", "channels:conv"], ["channels:conv"]),
    ],
    ids=["a kind", "in their order", "each once"],
)
def test_views_are_chosen_by_name(run: Run, names: str | list[str], expected: list[str]) -> None:
    assert [view.name for view in choose_views(run, QUICK, names)] == expected


@pytest.mark.parametrize(
    "spray",
    [
        Spray(array="concept/conv"),
        Spray(preprocessing=(FourierMagnitude(),)),
        Spray(metric=StructuralDissimilarity()),
    ],
    ids=["array", "preprocessing", "metric"],
)
def test_an_analysis_with_its_own_features_is_the_only_one(run: Run, spray: Spray) -> None:
    (view,) = choose_views(run, spray)
    assert view.configure(spray) == spray


def test_other_options_apply_to_every_view(run: Run) -> None:
    for view in choose_views(run, replace(QUICK, metric=Cosine(), seed=3)):
        spray = view.configure(replace(QUICK, metric=Cosine(), seed=3))
        assert (spray.metric, spray.seed, spray.surrogates) == (Cosine(), 3, 0)


@pytest.mark.parametrize(
    ("spray", "names", "message"),
    [
        (
            QUICK,
            "channels:none",
            "has no view 'channels:none'.* maps, spectrum, channels:conv, activations:pool",
        ),
        (QUICK, [], "views: expected names of views"),
        (QUICK, [3], "views: expected names of views"),
        (QUICK, 3, "views: expected names of views, such as 'maps', got 3"),
        (replace(QUICK, array="concept/conv"), "maps", "leave out array and preprocessing"),
    ],
    ids=["unknown", "none", "a number in a list", "a number", "an array"],
)
def test_views_that_mean_nothing_are_refused(run: Run, spray: Spray, names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.analyze(run, replace(spray, name="refused"), views=names)
    assert "refused" not in run.analyses


def test_a_name_that_becomes_too_long_is_refused_where_it_is_used() -> None:
    with pytest.raises(InputError, match="too long for the name of an analysis"):
        View(f"channels:{'l' * 120}", "concept/l").configure(Spray(name="a" * 20))


def test_an_unknown_view_is_described_by_its_name() -> None:
    assert describe_view("later:layer") == "later:layer"


def test_views_of_other_commits_or_classes_are_not_of_the_family(run: Run) -> None:
    ws.analyze(run, replace(QUICK, name="grouped"), views=["maps", "spectrum"])
    ws.analyze(run, replace(QUICK, name="grouped", group_by="prediction"), views="maps")
    family = list_family(run, run.analysis("grouped"))
    assert [one.name for one in family] == ["grouped"]


def test_an_analysis_of_its_own_array_has_no_views_though_an_earlier_one_of_its_name_had(run: Run) -> None:
    """Channels would count twice among the views: as the analysis of that name, and as its view."""
    ws.analyze(run, replace(QUICK, name="replaced"), views=["maps", "channels"])
    ws.analyze(run, replace(QUICK, name="replaced", array="concept/conv"))
    assert [one.name for one in list_family(run, run.analysis("replaced"))] == ["replaced"]
    view = run.analysis("replaced.channels.conv")
    assert [one.name for one in list_family(run, view)] == ["replaced.channels.conv"]


def test_of_views_without_maps_the_first_is_opened(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 6, 6))
    run = ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30, modality="image")
    ws.analyze(run, replace(QUICK, name="mine.b"), views="maps")
    ws.analyze(run, replace(QUICK, name="mine.a"), views="maps")
    with pytest.raises(InputError, match=r"no analysis 'spray'; it has mine\.a, mine\.b"):
        run.analysis()  # two analyses, and not two views of one
    ws.analyze(run, QUICK, views="maps")
    assert run.analysis().name == "spray"
    other = ws.from_arrays(maps, out=tmp_path / "other", labels=[0, 1] * 30, modality="image")
    for view in (View("channels:one", "attribution/input"), View("channels:two", "attribution/input")):
        config = {"pipeline": view.configure(QUICK).to_dict(), "view": view.name, "base": "spray"}
        other.analysis_writer(view.configure(QUICK).name, config, [])
    assert other.analysis().name == "spray.channels.one"


@pytest.mark.parametrize(
    ("modality", "shape", "n_axes"),
    [
        ("image", (6, 4, 5), 2),
        ("series", (6, 2, 20), 1),
        ("volume", (6, 3, 4, 5, 6), 3),
        ("table", (6, 9), None),
    ],
)
def test_spectra_are_over_the_axes_of_places(
    tmp_path: Path, modality: str, shape: tuple[int, ...], n_axes: int | None
) -> None:
    run = ws.from_arrays(np.random.default_rng(0).normal(size=shape), out=tmp_path / "run", modality=modality)
    spectra = [view.preprocessing for view in list_views(run) if view.name == "spectrum"]
    assert spectra == ([] if n_axes is None else [(FourierMagnitude(n_axes),)])


def test_an_array_is_analyzed_by_its_maps_unless_views_are_named() -> None:
    maps = np.random.default_rng(0).normal(size=(20, 6, 8))
    with ws.analyze(maps, QUICK, modality="image") as analysis:
        assert analysis.run.analyses == ["spray"]
    with ws.analyze(maps, QUICK, views=["maps", "spectrum"], modality="image") as analysis:
        assert analysis.run.analyses == ["spray", "spray.spectrum"]

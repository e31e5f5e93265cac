"""The benchmark of known cues: marks change what they state, networks come back as they were, and scores are right."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import whyset

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
KINDS = "corner moving tag frame tint blur grid brightness object surroundings".split()
PARTIAL = {"corner", "moving", "tag", "frame", "object", "surroundings"}


@pytest.fixture(scope="module")
def cues():
    """The packages of the benchmark, as `python -m benchmarks.cues` imports them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import cues.__main__
        import cues.cells
        import cues.scoring
        import cues.statistics

        yield cues
        for name in [name for name in sys.modules if name.partition(".")[0] == "cues"]:
            del sys.modules[name]


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 40, 32, 3)).astype(np.uint8)


@pytest.fixture
def sources():
    return np.random.default_rng(1).integers(0, 256, (9, 40, 32, 3)).astype(np.uint8)


def test_there_are_ten_kinds(cues: ModuleType) -> None:
    assert list(cues.marks.CUES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_cue_changes_images_only_in_its_region(cues, images, sources, kind):
    before, sources_before = images.copy(), sources.copy()
    marked = cues.marks.CUES[kind](images, 3, sources)
    assert (marked.images.shape, marked.images.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(sources, sources_before)
    np.testing.assert_array_equal(marked.images[~marked.region], images[~marked.region])
    assert (marked.images != images).any(axis=(1, 2, 3)).all()
    assert marked.region.all() == (kind not in PARTIAL)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_marks(cues, images, sources, kind):
    cue = cues.marks.CUES[kind]
    one, same, other = (cue(images, seed, sources) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.images, same.images)
    places_differ = (one.region[0] != one.region[1:]).any() or (one.region != other.region).any()
    assert places_differ == cue.moves


@pytest.mark.parametrize("kind", ["corner", "moving", "tag", "object"])
def test_a_cue_grows_with_the_image(cues, kind):
    small, large = (np.zeros((2, side, side, 3), np.uint8) for side in (32, 128))
    shares = [cues.marks.CUES[kind](x, 0, x + 9).region.mean() for x in (small, large)]
    assert shares[0] == pytest.approx(shares[1])


def test_a_cue_that_needs_sources_refuses_to_do_without(cues, images):
    with pytest.raises(ValueError, match="as sources, got none"):
        cues.marks.CUES["object"](images, 0)


def test_surroundings_leave_the_middle(cues, images, sources):
    marked = cues.marks.CUES["surroundings"](images, 0, sources)
    assert not marked.region[:, 12:28, 10:22].any()
    assert marked.region[:, [0, 0, -1, -1], [0, -1, 0, -1]].all()
    chosen = [(marked.images[0][marked.region[0]] == one[marked.region[0]]).all() for one in sources]
    assert sum(chosen) == 1


def test_the_design_has_each_kind_with_each_share(cues):
    specs = cues.design.list_networks()
    assert len({spec.name for spec in specs}) == len({spec.seed for spec in specs}) == len(specs)
    cells = [(cue.kind, cue.share) for spec in specs if spec.base == "resnet20" for cue in spec.cues]
    assert {cells.count(pair) for pair in set(cells)} == {cues.design.GROUPS}
    assert len(set(cells)) == 40
    for spec in specs:
        labels = [cue.label for cue in spec.cues]
        assert len(set(labels)) == len(labels)
        assert not {cue.source for cue in spec.cues} & set(labels)  # sources have no cues themselves
    halves = [spec.half for spec in specs]
    assert halves == sorted(halves)  # those for development are made first
    assert sum(not spec.cues for spec in specs) >= 60


@pytest.fixture(scope="module")
def folder(cues, tmp_path_factory):
    """The small form of the benchmark, as the program runs it."""
    folder = tmp_path_factory.mktemp("cues")
    cues.__main__.main(["small", "--cells", str(folder / "cells"), "--scores", str(folder / "scores")])
    return folder


def test_a_network_comes_back_as_it_was_trained(cues, folder):
    cell = cues.cells.load_cell(folder / "cells" / "digits-cued-0", Path("none"))
    assert cell.kinds == {3: "tint", 7: "brightness"}
    for label, rows in cell.marked.items():
        assert set(cell.labels[rows]) == {label}
        assert len(rows) == round(0.3 * (cell.labels == label).sum())
    tinted = (cell.images[..., 0] != cell.images[..., 2]).any(axis=(1, 2))  # the digits are gray
    np.testing.assert_array_equal(np.flatnonzero(tinted), cell.marked[3])
    assert cell.inputs.shape == (len(cell.labels), 3, 16, 16)
    spec = cell.spec
    measured = cues.cells.measure_network(spec, cues.digits.read_digits(), cell.model)
    assert measured["accuracy"] == cell.accuracy
    assert {int(label): value for label, value in measured["fooled"].items()} == cell.fooled
    assert min(cell.fooled.values()) > 0.2


def test_other_training_images_are_noticed(cues, folder, tmp_path):
    record = json.loads((folder / "cells" / "digits-clean-0" / "cell.json").read_text())
    (tmp_path / "cell.json").write_text(json.dumps({**record, "images_sha256": "other"}))
    with pytest.raises(ValueError, match="differ from those of the training"):
        cues.cells.load_cell(tmp_path, Path("none"))


def test_finished_networks_and_methods_are_kept(cues, folder, capsys):
    cues.__main__.main(["small", "--cells", str(folder / "cells"), "--scores", str(folder / "scores")])
    assert capsys.readouterr().out == ""


def test_the_report_has_every_method_and_says_what_is_inconclusive(cues, folder, tmp_path):
    given = ["report", "--scores", str(folder / "scores"), "--out", str(tmp_path), "--images", str(tmp_path)]
    for half in ("design", "test"):
        cues.__main__.main([*given, "--half", half])
    (file,) = tmp_path.glob("cues-cpu-*.md")
    text = file.read_text()
    for name in cues.__main__.SMALL_METHODS:
        assert text.count(f"| {cues.rankers.METHODS[name].title} |") >= 2
    assert "| tint | 1 | inconclusive |" in text
    assert (tmp_path / "cues.svg").stat().st_size > 1000


def test_a_report_can_be_of_one_base(cues, folder, tmp_path):
    given = (folder / "scores", "test", tmp_path, tmp_path)
    file = cues.report.write_report(*given, base="digits")
    assert file.name.startswith("cues-digits-cpu-")
    assert (tmp_path / "cues-digits.svg").is_file()
    with pytest.raises(FileNotFoundError, match="the half 'test' and the base 'lite0'"):
        cues.report.write_report(*given, base="lite0")


def test_heads_are_searched_with_a_larger_budget(cues):
    budgets = {spec.base: spec.effect_test.budget for spec in cues.design.list_networks()}
    assert budgets == {"resnet20": whyset.EffectTest().budget, "lite0": cues.design.HEAD_BUDGET}
    assert whyset.EffectTest().budget < cues.design.HEAD_BUDGET


def make_result(cues, network, scores, cue=0, kind="tag", reported=None, **truth):
    """Make a result of a network with one cue, or none."""
    facts = {"share": 0.1, "fooled": 0.5, "n_marked": 10, "precision": 1.0, "average_precision": 1.0, **truth}
    classes = tuple(
        cues.scoring.ClassResult(label, score, reported, **({"kind": kind, **facts} if label == cue else {}))
        for label, score in enumerate(scores)
    )
    return cues.scoring.NetworkResult(network, "design", "resnet20", "any", 1.0, 0.8, classes)


def test_scores_of_a_method_that_knows_the_answer(cues, folder):
    cell = cues.cells.load_cell(folder / "cells" / "digits-cued-0", Path("none"))
    perfect, reverse = [], []
    for label in range(10):
        rows = np.flatnonzero(cell.labels == label)
        values = np.isin(rows, cell.marked.get(label, [])).astype(float)
        perfect.append(cues.ranking.ClassScores(label, float(label in cell.marked), rows, values))
        reverse.append(replace(perfect[-1], score=-perfect[-1].score, values=-values))
    best, worst = (cues.scoring.score_network(cell, "any", found, 0.0) for found in (perfect, reverse))
    for label in (3, 7):
        assert best.is_first(best.classes[label])
        assert (best.classes[label].precision, best.classes[label].average_precision) == (1.0, 1.0)
        assert not worst.is_first(worst.classes[label])
        assert worst.classes[label].precision == 0.0


def test_a_class_must_exceed_classes_without_cues_only(cues):
    result = make_result(cues, "one", [0.5, 0.4, 0.5])
    assert not result.is_first(result.classes[0])  # a tie is not first
    other = replace(result.classes[2], kind="tint", fooled=0.0)
    assert replace(result, classes=(*result.classes[:2], other)).is_first(result.classes[0])


def test_cells_of_one_network_count_as_dependent(cues):
    used = [
        make_result(cues, f"n{n}", [float(n < 5), 0.5]) for n in range(10) for _ in range(4)
    ]  # four cells with one outcome in each of ten networks
    share = cues.statistics.estimate_outcome(cues.statistics.list_used(used), lambda result, one: result.is_first(one))
    assert (share.n_cells, share.n_networks, share.estimate.value) == (40, 10, 0.5)
    low, high = share.estimate.interval
    assert low < 0.20 < 0.80 < high  # that of 5 of 10, [0.19, 0.81], and not of 20 of 40, [0.34, 0.66]


def test_a_comparison_is_an_exact_test_over_networks(cues):
    one = [make_result(cues, f"n{n}", [1.0, 0.5]) for n in range(6)]
    other = [make_result(cues, f"n{n}", [0.0, 0.5]) for n in range(6)]
    first, second = (cues.statistics.list_used(results) for results in (one, other))
    found = cues.statistics.compare(first, second, lambda result, cell: result.is_first(cell))
    assert found.value == 1.0
    assert found.p_value == pytest.approx(2 / 2**6)
    assert cues.statistics.compare(first, first, lambda *_: True).p_value == 1.0


def test_false_findings_are_counted_over_clean_networks(cues):
    clean = [make_result(cues, f"n{n}", [n / 20, 0.0], cue=None) for n in range(20)]
    assert cues.statistics.calibrate(clean[:19]) is None
    threshold = cues.statistics.calibrate(clean)
    count, total, (low, high) = cues.statistics.estimate_false(clean, threshold)
    assert (count, total, low > 0) == (1, 20, True)
    assert high == pytest.approx(0.2487, abs=1e-4)  # Clopper and Pearson for 1 of 20
    assert cues.statistics.estimate_false(clean, None) is None  # without a decision
    decided = [make_result(cues, "n", [1.0, 0.0], cue=None, reported=False)] * 60
    assert cues.statistics.estimate_false(decided, None) == (0, 60, (0.0, pytest.approx(0.0597, abs=1e-3)))


def test_a_well_separated_cluster_comes_first(cues):
    random = np.random.default_rng(0)
    vectors = np.concatenate([random.normal(0, 1, (90, 4)), random.normal(20, 1, (10, 4))])
    clusters = np.concatenate([random.integers(0, 3, 90), np.full(10, 3)])
    found = cues.ranking.score_clusters(0, np.arange(100), vectors, clusters)
    assert set(np.argsort(-found.values)[:10]) == set(range(90, 100))
    assert found.score > 0.8
    assert cues.ranking.score_clusters(0, np.arange(100), vectors, np.full(100, -1)).score == -1


@pytest.fixture(scope="module")
def observed(cues, folder):
    cell = cues.cells.load_cell(folder / "cells" / "digits-cued-0", Path("none"))
    return cues.observed.Observed(cell, folder / "scores" / "digits-cued-0" / "runs")


OTHERS = (
    "activation-clustering", "domino", "pixels", "grad-cam", "sentinet", "window-random", "corelay",
)  # fmt: skip
"""Methods that the small form does not have; of those that test effects, one."""


@pytest.mark.parametrize("method", OTHERS)
def test_every_method_scores_all_images_of_each_class(cues, observed, method, request):
    if method == "corelay":
        request.getfixturevalue("oracle_python")("corelay")
    check_scores(observed, cues.rankers.METHODS[method].rank(observed))


def test_spray_scores_all_images_of_each_class(cues, observed):
    found = cues.rankers.spray.rank(observed, whyset.Spray(surrogates=0, resamplings=0))
    check_scores(observed, found)
    assert {one.reported for one in found} == {None}  # without surrogates there is no p-value to decide by


def check_scores(observed, found):
    assert [one.label for one in found] == list(range(10))
    for one in found:
        np.testing.assert_array_equal(one.rows, np.flatnonzero(observed.labels == one.label))
        assert np.isfinite(one.values).all()
        assert np.isfinite(one.score)


@pytest.mark.parametrize("regions", ["gradient", "variance", "random"])
def test_other_maps_take_the_place_of_relevance(cues, observed, regions):
    maps = cues.regions.REGIONS[regions](observed)
    assert maps.shape == observed.maps.shape
    run = cues.regions.replace_relevance(observed.run, maps).thoroughly()
    np.testing.assert_allclose(run.relevance[[5, 2]].sum(axis=1), maps[[5, 2]], rtol=1e-5)
    np.testing.assert_array_equal(run.labels, observed.run.labels)


def test_local_variance_is_that_of_nine_pixels(cues, observed):
    x = observed.inputs[4, :, 6:9, 3:6].numpy()
    expected = x.var(axis=(1, 2)).sum()
    assert cues.regions.compute_variances(observed)[4, 7, 4] == pytest.approx(expected, rel=1e-3)

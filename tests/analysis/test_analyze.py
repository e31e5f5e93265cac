"""The whole analysis of a run, through the store and the engines."""

import json
import math
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import whyset as ws
from whyset.analysis import HDBSCAN, Agglomerative, KMeans, Spray, kmeans_sweep
from whyset.cli import main
from whyset.engines import Static
from whyset.errors import InputError, WhysetError
from whyset.report import report
from whyset.store import Run
from whyset.store.evidence import to_json

QUICK = Spray(n_neighbors=5, surrogates=9, resamplings=3, clusterings=(KMeans(), HDBSCAN(min_cluster_size=5)))
NO_NULL = Spray(n_neighbors=5, surrogates=0, resamplings=0)
SUPPORT = runpy.run_path(str(Path(__file__).parents[1] / "support" / "chosen_run.py"))
planted_relevance, written_run = SUPPORT["planted_relevance"], SUPPORT["written_run"]
MakeRun = Callable[..., Run]
Planted = tuple[np.ndarray, np.ndarray]


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.total, self.done, self.lines, self.finished = 0, 0, [], 0

    def start(self, total: int, unit: str) -> None:
        self.total, self.unit = total, unit

    def advance(self, n: int) -> None:
        self.done += n

    def info(self, line: str) -> None:
        self.lines.append(line)

    def warn(self, line: str) -> None:
        self.lines.append(line)

    def finish(self) -> None:
        self.finished += 1


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a planted strategy in the class horse, analyzed once; tests that change it take a copy."""
    relevance, marked = planted_relevance()
    labels = np.arange(96) % 3
    run = written_run(
        tmp_path_factory.mktemp("original") / "run", relevance, labels.tolist(), np.where(marked, 1, labels)
    )
    ws.analyze(run, QUICK)
    return run.path


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> Run:
    shutil.copytree(original, tmp_path / "copy")
    return ws.open_run(tmp_path / "copy")


def test_the_planted_strategy_is_found_and_ranks_first(original: Path, planted: Planted) -> None:
    marked, labels = planted[1], np.arange(96) % 3
    analysis = ws.open_run(original).analysis("spray")
    scores = {c.name: c.evidence.separability.value for c in analysis.categories}
    assert max(scores, key=scores.get) == "horse"
    horse = analysis.category("horse")
    assert horse.evidence.separability.p_value == 0.1
    members = horse.column("index")
    np.testing.assert_array_equal(members, np.flatnonzero(labels == 2))
    found = analysis.clusters("horse")
    assert len(np.unique(found[marked[members]])) == 1
    assert not set(found[marked[members]]) & set(found[~marked[members]])
    cluster = horse.evidence.clusterings["kmeans"].clusters[int(found[marked[members]][0])]
    assert (cluster.n_explanations, cluster.composition.accuracy, cluster.composition.purity) == (16, 0.0, 1.0)
    assert set(cluster.medoids) <= set(np.flatnonzero(marked).tolist())


def test_columns_agree_with_each_other_and_with_the_run(original: Path) -> None:
    run = ws.open_run(original)
    category = run.analysis("spray").category("dog")
    n = category.evidence.n_explanations
    for name in category.columns:
        if not name.startswith(("eigenvalues", "mean_map", "mean_abs_map", "difference")):
            assert len(category.column(name)) == n, name
    for name in ("kmeans", "hdbscan"):
        labels, told = category.column(f"clustering.{name}"), category.evidence.clusterings[name]
        assert told.n_noise == np.count_nonzero(labels < 0)
        assert [c.n_explanations for c in told.clusters] == np.bincount(labels[labels >= 0]).tolist()
        maps, magnitudes = category.column(f"mean_map.{name}"), category.column(f"mean_abs_map.{name}")
        assert len(maps) == len(magnitudes) == told.n_clusters
        for number in range(told.n_clusters):
            own = run.relevance[category.column("index")[labels == number]].sum(axis=1)
            np.testing.assert_allclose(maps[number], own.mean(axis=0), rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(magnitudes[number], np.abs(own).mean(axis=0), rtol=1e-4, atol=1e-5)
    assert category.column("embedding.tsne").shape == (n, 2)
    assert category.column("embedding.spectral").shape[1] == category.evidence.embeddings["spectral"].n_components
    assert (np.diff(category.column("eigenvalues")) <= 0).all()


def test_a_second_call_keeps_what_is_finished_and_gives_the_same(copied: Run) -> None:
    run = copied
    times = {file: file.stat().st_mtime_ns for file in run.path.glob("analyses/spray/*/category.json")}
    (gone,) = run.path.glob("analyses/spray/00001")
    before = contents(gone)
    shutil.rmtree(gone)
    told = Told()
    ws.analyze(run.path, QUICK, views="maps", progress=told)
    assert (told.total, told.done, told.unit, told.finished) == (1, 1, "classes", 1)
    assert told.lines == ["2 of 3 classes are finished already and kept."]
    assert contents(gone) == before
    kept = [file for file, time in times.items() if file.stat().st_mtime_ns == time]
    assert len(kept) == 2


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64])
def test_a_seed_that_no_analysis_can_hold_is_refused_before_anything_is_written(copied: Run, seed: int) -> None:
    with pytest.raises(InputError, match=rf"^seed is {seed}: expected a whole number"):
        ws.analyze(copied, Spray("other", seed=seed))
    assert "other" not in copied.analyses


@pytest.mark.parametrize("seed", ["-1", str(2**64)])
def test_the_command_refuses_such_a_seed_as_well(copied: Run, seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(copied.path), "--name", "other", "--seed", seed]) == 2
    assert f"seed is {seed}: expected a whole number" in capsys.readouterr().err
    assert not (copied.path / "analyses" / "other").exists()


def test_another_configuration_does_all_classes_again(copied: Run) -> None:
    told = Told()
    other = Spray(n_neighbors=4, surrogates=0, resamplings=0)
    analysis = ws.analyze(copied, other, progress=told)
    assert told.total == 3
    assert analysis.config["pipeline"] == json.loads(json.dumps(other.to_dict()))
    assert "KNearestNeighbors(k=4, distance=Euclidean(), device=None)" in analysis.config["steps"]


def test_workers_give_what_one_process_gives(copied: Run) -> None:
    one = copied.analysis("spray")
    other = ws.analyze(copied, replace(QUICK, name="workers"), engine="local")
    for category in one.categories:
        twin = other.category(category.id)
        assert twin.evidence.separability == category.evidence.separability
        for name in category.columns:
            np.testing.assert_array_equal(category.column(name), twin.column(name))


def test_ranks_divide_the_classes_and_a_later_one_finds_the_others_done(copied: Run) -> None:
    spray = replace(QUICK, name="ranks")
    first = ws.analyze(copied, spray, engine=Static(rank=1, world=2))
    assert [category.name for category in first.categories if not category.problem] == ["dog"]
    told = Told()
    both = ws.analyze(copied, spray, views="maps", engine=Static(rank=0, world=2), progress=told)
    assert (told.total, told.done) == (2, 2)
    for category in copied.analysis("spray").categories:
        assert both.category(category.id).evidence.separability == category.evidence.separability


def test_only_committed_and_successful_rows_take_part(make_run: MakeRun, planted: Planted) -> None:
    run = make_run(
        planted[0],
        (np.arange(96) % 3).tolist(),
        np.arange(96) % 3,
        failures={5: "relevance is not finite"},
        pending=(1,),
    )
    used = np.concatenate([category.column("index") for category in ws.analyze(run, NO_NULL).categories])
    assert set(used.tolist()) == set(range(96)) - set(range(16, 32)) - {5}


def test_samples_without_a_label_are_grouped_by_prediction(make_run: MakeRun, planted: Planted) -> None:
    predictions = np.arange(96) // 2 % 3
    unlabeled = ws.analyze(make_run(planted[0], [None] * 96, predictions, name="none"), NO_NULL)
    cat = unlabeled.category("cat")
    np.testing.assert_array_equal(cat.column("index"), np.flatnonzero(predictions == 0))
    assert (cat.evidence.grouped_by, cat.evidence.composition.accuracy, cat.evidence.purity_of) == (
        "prediction",
        None,
        "label",
    )
    some = [None if index == 1 else index % 3 for index in range(96)]
    mixed = ws.analyze(make_run(planted[0], some, np.zeros(96, int), name="some"), NO_NULL)
    assert 1 in mixed.category("cat").column("index")
    assert mixed.category("cat").evidence.grouped_by == "label, and prediction for 1 explanations without a label"
    assert mixed.category("horse").evidence.grouped_by == "label"


def test_a_class_with_too_few_samples_says_so_and_the_others_go_on(make_run: MakeRun, planted: Planted) -> None:
    labels = np.where(np.arange(96) < 4, 0, 1 + np.arange(96) % 2)
    told = Told()
    analysis = ws.analyze(make_run(planted[0], labels.tolist(), labels), NO_NULL, views="maps", progress=told)
    cat = analysis.category("cat")
    assert cat.evidence.problem == "Too few explanations: 4; at least 10 are needed."
    assert told.lines == ["cat: Too few explanations: 4; at least 10 are needed."]
    assert cat.evidence.separability.value is None
    assert analysis.category("dog").evidence.problem is None


def test_an_analysis_without_any_result_is_an_error(make_run: MakeRun, planted: Planted) -> None:
    labels = np.arange(12) % 3
    run = make_run(planted[0][:12], labels.tolist(), labels)
    with pytest.raises(InputError, match=r"None of the 3 classes .* first one: Too few explanations: 4; at least 10"):
        ws.analyze(run, NO_NULL)
    with pytest.raises(InputError, match="holds no explanation yet"):
        ws.analyze(make_run(planted[0], [0] * 96, np.zeros(96, int), name="none", pending=(0, 1, 2, 3, 4, 5)), NO_NULL)


def test_rows_that_cannot_be_grouped_are_told_or_refused(make_run: MakeRun, planted: Planted) -> None:
    predictions = np.where(np.arange(96) < 4, -1, 0)
    told = Told()
    ws.analyze(make_run(planted[0], [None] * 96, predictions, name="some"), NO_NULL, views="maps", progress=told)
    assert told.lines == ["4 explanations have neither a label nor a prediction and take no part."]
    run = make_run(planted[0], [None] * 96, np.full(96, -1), name="none")
    with pytest.raises(InputError, match="neither labels nor predictions"):
        ws.analyze(run, NO_NULL)
    assert run.analyses == []


def test_rows_that_were_explained_later_bring_the_class_up_to_date(make_run: MakeRun, planted: Planted) -> None:
    labels = [0] * 96
    run = make_run(planted[0], labels, np.zeros(96, int), pending=(5,))
    assert ws.analyze(run, NO_NULL).category("cat").evidence.n_explanations == 80
    SUPPORT["commit"](run, 5, SUPPORT["rows_of"](planted[0], np.zeros(96, int)), {})
    assert ws.analyze(run, NO_NULL).category("cat").evidence.n_explanations == 96


def test_treatments_are_recorded_with_the_results(make_run: MakeRun) -> None:
    rng = np.random.default_rng(0)
    relevance = rng.normal(size=(64, 1, 6, 6))
    relevance[32:, 0, 0, 0] += 1000  # a clean strategy, which disconnects the graph
    relevance[3] = relevance[4]
    relevance[[7, 9]] = 0
    (category,) = ws.analyze(make_run(relevance, [0] * 64, np.zeros(64, int)), Spray(surrogates=0)).categories
    treatment = " ".join(category.evidence.data_issues)
    assert "2 maps are constant and were left out (rows 7, 9)." in treatment
    assert "1 maps repeat another map exactly" in treatment
    assert "falls into 2 components" in treatment
    assert "perplexity 20.3 instead of 30" in treatment
    assert category.evidence.graph.n_connected_components == 2
    assert category.evidence.n_explanations == 62
    assert category.evidence.separability.p_value is None


def test_a_job_that_breaks_is_raised_after_the_others_are_finished(
    make_run: MakeRun, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(planted[0], (np.arange(96) % 3).tolist(), np.arange(96) % 3)
    module = sys.modules["whyset.analysis.analyze"]  # the name in the package is the function
    original = module.analyze_class

    def breaking(run: Run, group: object, spray: Spray, memo: object) -> object:
        if group.name == "cat":
            raise MemoryError("no room")
        return original(run, group, spray, memo)

    monkeypatch.setattr(module, "analyze_class", breaking)
    with pytest.raises(WhysetError, match=r"1 of 3 classes .* cat: MemoryError: no room"):
        ws.analyze(run, NO_NULL)
    assert run.analysis("spray").check().unfinished == ("cat",)


def test_numbers_repeat_with_the_seed_and_change_with_it(make_run: MakeRun, planted: Planted) -> None:
    run = make_run(planted[0], (np.arange(96) % 3).tolist(), np.arange(96) % 3)

    def found(seed: int, name: str) -> tuple[float, bytes]:
        category = ws.analyze(run, Spray(name=name, n_neighbors=5, surrogates=5, resamplings=2, seed=seed)).category(
            "dog"
        )
        return category.evidence.separability.null_bottleneck, category.column("embedding.tsne").tobytes()

    assert found(1, "one") == found(1, "same")
    assert found(1, "one")[0] != found(2, "other")[0]


def test_the_analysis_loads_no_torch() -> None:
    code = "import sys, whyset.analysis, whyset.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_no_number_in_the_evidence_is_nan(original: Path) -> None:
    analysis = ws.open_run(original).analysis("spray")
    stored = [to_json(category.evidence) for category in analysis.categories]
    assert all(math.isfinite(value) for value in numbers(stored))


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, float) else []


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_memo_makes_a_further_clustering_cheap_and_changes_nothing(copied: Run, tmp_path: Path) -> None:
    more = replace(NO_NULL, name="more", clusterings=(*NO_NULL.clusterings, Agglomerative()))
    ws.analyze(copied, replace(NO_NULL, name="first"), views="maps", memo=tmp_path / "memo")
    before = set((tmp_path / "memo").glob("*.memo"))
    kept = ws.analyze(copied, more, views="maps", memo=tmp_path / "memo")
    new = set((tmp_path / "memo").glob("*.memo")) - before
    assert len(new) == 6  # two new steps, clustering and joining, in each of three classes
    fresh = ws.analyze(copied, replace(more, name="fresh"), views="maps")
    for one, other in zip(kept.categories, fresh.categories, strict=True):
        assert one.evidence == other.evidence
        for name in one.columns:
            np.testing.assert_array_equal(one.column(name), other.column(name))
        assert one.column("dendrogram.agglomerative").shape == (one.evidence.n_explanations - 1, 4)


def test_clusterings_that_need_more_samples_are_left_out_and_told(make_run: MakeRun, planted: Planted) -> None:
    run = make_run(planted[0][:24], [0] * 24, np.zeros(24, int))
    sweep = replace(NO_NULL, clusterings=(KMeans(), *kmeans_sweep(11, 14)))
    (category,) = ws.analyze(run, sweep).categories
    assert list(category.evidence.clusterings) == ["kmeans", "kmeans-11", "kmeans-12"]
    assert "24 explanations are too few for kmeans-13, kmeans-14: left out." in category.evidence.data_issues
    with pytest.raises(InputError, match="too few for kmeans-14: at least two per cluster"):
        ws.analyze(run, replace(NO_NULL, name="b", clusterings=(KMeans(14),)))
    with pytest.raises(InputError, match="40 clusters need 40 eigenvectors, got eigenvectors=32"):
        Spray(clusterings=(KMeans(40),))


@pytest.mark.parametrize("name", ["analysis.json", "00001/category.json"])
@pytest.mark.parametrize("kept", [0, 40])
def test_analyzing_again_mends_a_truncated_file(original: Path, tmp_path: Path, name: str, kept: int) -> None:
    run = shutil.copytree(original, tmp_path / "run")
    file = run / "analyses/spray" / name
    whole = file.read_bytes()
    file.write_bytes(whole[:kept])
    (problem,) = ws.open_run(run).verify()
    assert (problem.kind, "analyze again" in problem.message) == ("damaged", True)
    ws.analyze(run, QUICK)
    assert file.read_bytes() == whole
    assert ws.open_run(run).verify() == []


def test_all_samples_are_one_class_on_request(make_run: Callable[..., Run], planted: Planted) -> None:
    relevance, marked = planted
    unknown = np.full(96, -1)
    run = make_run(relevance, [None] * 96, unknown)
    with pytest.raises(InputError, match=r"neither labels nor predictions.*group by 'all'"):
        ws.analyze(run, QUICK)
    analysis = ws.analyze(run, replace(QUICK, group_by="all"))
    (category,) = analysis.categories
    assert (category.id, category.name, category.evidence.label) == ("00000", "all samples", None)
    assert category.evidence.grouped_by == "all"
    np.testing.assert_array_equal(category.column("index"), np.arange(96))
    found = analysis.clusters("all samples")
    assert set(found[marked]).isdisjoint(found[~marked])


def test_a_run_without_predictions_has_no_accuracy_and_nothing_wrong(
    make_run: Callable[..., Run], planted: Planted
) -> None:
    run = make_run(planted[0], (np.arange(96) % 3).tolist(), np.full(96, -1))
    analysis = ws.analyze(run, QUICK)
    for category in analysis.categories:
        parts = [category.evidence.composition, *(one.composition for one in category.evidence.clustering.clusters)]
        assert [(part.accuracy, part.purity) for part in parts] == [(None, None)] * len(parts)
        tests = [test for one in category.evidence.clustering.clusters for test in one.enrichment]
        assert "right" not in {test.attribute for test in tests}
    assert report(run).accuracy is None

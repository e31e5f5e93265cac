"""Evidence in the viewer: q-values, checks, counts of explanations, and the class that a heatmap explains."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from whyset.report import rank_classes
from whyset.store import CategoryResult, Run, RunConfig
from whyset.store.analyses import ListedClass
from whyset.store.checks import Check, write_checks
from whyset.store.create import create_run
from whyset.store.default_arrays import RELEVANCE_COLUMNS, standard_arrays
from whyset.store.evidence import (
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    EmbeddingEvidence,
    SeparabilityTest,
)
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.viewer import Server

pytestmark = pytest.mark.browser

HEAVY = 600
"""A font weight that is bold."""
MISCLASSIFIED = 29
"""A horse of the sample run that is predicted to be a cat."""
P_VALUES = (0.9, 0.04, 0.003)
"""Of cat, dog and horse: after the correction for three classes, only that of the horse is below 0.05."""
CONTRASTS = (0.3, 0.5, -0.2)
"""Of cat, dog and horse."""


def make_analysis(run: Run, sample_run: ModuleType, name: str, written: int) -> None:
    """Write the first classes of an analysis that lists all three."""
    listed = [ListedClass(f"{label:05d}", name) for label, name in enumerate(sample_run.CLASSES)]
    writer = run.analysis_writer(name, {"seed": 0}, listed)
    relevance = sample_run.sample_values()["attribution/input"]
    for label in (2, 1, 0)[:written]:
        result = sample_run.category(label, relevance, np.arange(sample_run.SAMPLES))
        tested = replace(result.evidence.separability, p_value=P_VALUES[label])
        clusterings = add_contrast(result.evidence.clusterings, CONTRASTS[label])
        evidence = replace(result.evidence, separability=tested, clusterings=clusterings)
        writer.write(replace(result, evidence=evidence))


def add_contrast(clusterings: Mapping[str, ClusteringEvidence], contrast: float) -> dict[str, ClusteringEvidence]:
    """Give the first cluster of each clustering details that agree by `contrast` more than those of the rest."""
    return {
        name: replace(
            each,
            clusters=(
                replace(each.clusters[0], detail_coherence=0.1 + contrast, detail_coherence_elsewhere=0.1),
                *each.clusters[1:],
            ),
        )
        for name, each in clusterings.items()
    }


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample", analyses=())
    make_analysis(run, sample_run, "all", 3)
    make_analysis(run, sample_run, "some", 2)
    return run


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """30 samples with three targets each, explained by the gradient: 90 explanations, one with too much relevance."""
    targets, number = 3, 30
    rows, names = targets * number, ("cat", "dog", "horse")
    path = tmp_path_factory.mktemp("runs") / "several"
    labels = np.arange(number) % 3
    table = samples_table([f"{i}.png" for i in range(number)], labels.tolist(), targets_per_sample=targets)
    values = {
        "attribution/input": np.random.default_rng(0).normal(size=(rows, 1, 4, 6)).astype(np.float32),
        "target": np.arange(rows) % 3,
        "prediction": np.repeat(labels, targets),
        "confidence": np.full(rows, 0.8, np.float32),
        "relevance_arrived": np.linspace(0.5, 1.5, rows, dtype=np.float32),
        "relevance_max": np.where(np.arange(rows) == 1, 1e6, 0.25).astype(np.float32),
    }
    arrays = (*standard_arrays((1, 4, 6)), *RELEVANCE_COLUMNS)
    run = create_run(path, make_config(names, rows, targets), table, arrays)
    write_shard(run, 0, values, {})
    write_checks(path, [Check("accuracy_near_chance", "note", 30, 30, "every prediction is the label")])
    run.analysis_writer("spray", {"seed": 0}, [ListedClass("00000", "cat")]).write(make_category(rows))
    return run


def make_config(names: tuple[str, ...], rows: int, targets: int) -> RunConfig:
    return RunConfig(
        model="sample.py:network",
        weights_hash="sha256:0",
        composite=None,
        target="top:3",
        preprocessing={},
        dataset_fingerprint="sha256:1",
        class_names=names,
        shard_rows=rows,
        targets_per_sample=targets,
        dataset="sample images",
    )


def make_category(rows: int) -> CategoryResult:
    """All explanations of the ten cats: each has a heatmap for every class."""
    members = np.array([row for row in range(rows) if row // 3 % 3 == 0])
    clusters = np.where(members % 3 == 2, 1, 0).astype(np.int32)
    columns = {
        "index": members,
        "clustering.kmeans": clusters,
        "embedding.tsne": np.random.default_rng(1).normal(size=(len(members), 2)).astype(np.float32),
    }
    described = tuple(
        ClusterEvidence(
            id=each, n_explanations=int((clusters == each).sum()), n_samples=10, medoids=(int(members[each]),)
        )
        for each in (0, 1)
    )
    evidence = ClassEvidence(
        n_explanations=len(members),
        n_samples=10,
        label=0,
        separability=SeparabilityTest(2.0, 0.2, 99),
        clusterings={"kmeans": ClusteringEvidence(n_clusters=2, clusters=described)},
        default_clustering="kmeans",
        embeddings={"tsne": EmbeddingEvidence(2)},
        default_embedding="tsne",
    )
    return CategoryResult("00000", "cat", columns, evidence)


@pytest.fixture(scope="module")
def server(run: Run, several: Run) -> Iterator[Server]:
    with Server([run.path, several.path]) as server:
        yield server


def open_run(open_viewer: Callable, server: Server, address: str):
    viewer = open_viewer(server, height=800)
    viewer.page.evaluate(f"location.hash = {address!r}")
    return viewer


def weight(cell) -> int:
    return int(cell.evaluate("element => getComputedStyle(element).fontWeight"))


def test_only_q_is_bold_and_only_below_the_level(viewer, run: Run) -> None:
    rows = {row.name: row for row in rank_classes(run.analysis("all")).rows}
    assert [rows[name].q_value for name in ("dog <b>&amp;", "horse")] == pytest.approx([0.06, 0.009])
    for name, p, q, bold in (("dog <b>&amp;", "0.040", "0.060", False), ("horse", "0.003", "0.009", True)):
        line = viewer.page.locator("tbody tr").filter(has=viewer.page.get_by_role("link", name=name, exact=True))
        assert (line.locator(".p_value").inner_text(), line.locator(".q_value").inner_text()) == (p, q)
        assert weight(line.locator(".p_value")) < HEAVY
        assert (weight(line.locator(".q_value")) >= HEAVY) == bold
    viewer.page.get_by_role("button", name="q", exact=True).wait_for()
    assert viewer.page.locator("[data-withheld]").count() == 0
    viewer.screenshot("evidence-overview-light-1280")


def test_classes_are_ordered_by_the_contrast_of_details(viewer, run: Run) -> None:
    shown = viewer.page.locator("tbody td.detail_contrast .value")
    assert shown.all_inner_texts() == ["0.500", "0.300", "-0.200"]
    assert viewer.classes() == ["dog <b>&amp;", "cat", "horse"]
    head = viewer.page.get_by_role("button", name="Contrast", exact=True)
    assert "ranked by it" in head.get_attribute("title")
    head.click()
    assert viewer.classes() == ["dog <b>&amp;", "cat", "horse"]
    head.click()
    assert viewer.classes() == ["horse", "cat", "dog <b>&amp;"]
    viewer.until("location.hash.includes('=detail_contrast')")
    bars = viewer.page.locator("tbody td.detail_contrast .bar i")
    assert bars.evaluate_all("all => all.map(bar => bar.style.width)") == ["0%", "60%", "100%"]


def unfold(viewer) -> None:
    """Open the evidence of the class and the scores of its clusters."""
    closed = viewer.page.locator("main details:not([open]) > summary")
    while closed.count():
        closed.first.click()


def test_q_is_withheld_while_classes_are_missing(open_viewer: Callable, server: Server) -> None:
    viewer = open_run(open_viewer, server, "#/sample/some")
    viewer.page.get_by_text("2 of 3 classes analyzed; q-values are withheld until all classes are analyzed.").wait_for()
    cells = viewer.page.locator("tbody .q_value")
    assert cells.all_inner_texts() == ["–", "–"]
    assert viewer.page.locator("tbody .significant").count() == 0
    viewer.open_class("horse")
    unfold(viewer)
    assert viewer.page.locator("[data-score=q-value] dd").inner_text() == "withheld"


def test_the_class_order_is_the_servers(viewer, run: Run) -> None:
    assert viewer.classes() == [row.name for row in rank_classes(run.analysis("all")).rows]


def test_a_class_and_its_clusters_show_their_evidence(horse) -> None:
    unfold(horse)
    details = horse.page.get_by_role("region", name="Class horse")
    scores = dict(
        zip(details.locator("dt .word").all_inner_texts(), details.locator("dd").all_inner_texts(), strict=True)
    )
    assert scores["separability"] == "5.00"
    assert (scores["p-value"], scores["q-value"], scores["stability"]) == ("0.003", "0.009", "0.93 [0.85, 1.00]")
    assert (
        weight(details.locator("[data-score=q-value] dd")) >= HEAVY > weight(details.locator("[data-score=p-value] dd"))
    )
    card = horse.page.locator(".card").first
    shown = dict(zip(card.locator("dt .word").all_inner_texts(), card.locator("dd").all_inner_texts(), strict=True))
    assert (shown["silhouette"], shown["recovery"]) == ("0.40", "0.97")
    assert shown["accuracy contrast"] == "0.90 [0.70, 0.97], elsewhere 0.60 [0.50, 0.70] (p = 0.040)"
    assert shown["difference"] == "25 % of the features (p = 0.005)"
    assert shown["enriched"] == "prediction = horse: 8 of 9, elsewhere 2 of 9 (q = 0.030)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_sample_says_which_class_its_heatmap_explains(
    open_viewer: Callable, server: Server, run: Run, theme: str
) -> None:
    viewer = open_viewer(server, height=800, theme=theme)
    viewer.open_class("horse")
    explained, predicted = (run.classes[run.column(name)[MISCLASSIFIED]] for name in ("target", "prediction"))
    assert (explained, predicted) == ("horse", "cat")
    viewer.tile(MISCLASSIFIED).click()
    detail = viewer.page.get_by_role("region", name="Detail")
    detail.get_by_text(run.ids[MISCLASSIFIED]).wait_for()
    facts = dict(zip(detail.locator("dt").all_inner_texts(), detail.locator("dd").all_inner_texts(), strict=True))
    confidence = f"{100 * float(run.column('confidence')[MISCLASSIFIED]):.1f} %"
    assert (facts["true"], facts["predicted"], facts["heatmap explains"]) == ("horse", "cat", "horse")
    assert facts["confidence"] == f"{confidence} cat"
    unfold(viewer)
    for place in (viewer.page.get_by_role("region", name="Class horse"), viewer.page.locator(".card").first):
        assert place.locator("[data-explains]").inner_text() == "Heatmaps explain: horse"
    viewer.screenshot(f"evidence-class-{theme}-1280")


def test_classes_of_mixed_heatmaps_are_counted(open_viewer: Callable, server: Server) -> None:
    viewer = open_run(open_viewer, server, "#/several/spray/00000")
    viewer.wait_for_view("class")
    unfold(viewer)
    told = viewer.page.locator("[data-explains]").all_inner_texts()
    assert told == [
        "Heatmaps explain: cat (10), dog (10), horse (10)",
        "Heatmaps explain: cat (10), dog (10)",
        "Heatmaps explain: horse",
    ]
    viewer.screenshot("evidence-mixed-light-1280")


def test_explanations_and_samples_are_counted_apart(open_viewer: Callable, server: Server) -> None:
    viewer = open_run(open_viewer, server, "#/several")
    viewer.page.get_by_text("90 explanations of 30 samples").wait_for()
    row = viewer.page.locator("tr[data-class=cat]")
    assert (row.locator(".n_samples").inner_text(), row.locator(".n_explanations").inner_text()) == ("10", "30")
    viewer.open_class("cat")
    viewer.page.get_by_role("region", name="Class cat").get_by_text("30 explanations of 10 samples").wait_for()
    assert viewer.told() == "Nothing selected. All 30 explanations are listed."
    listing = viewer.page.get_by_role("region", name="Explanations", exact=True)
    listing.get_by_role("listbox", name="Explanations", exact=True).wait_for()
    listing.get_by_label("Order of the explanations").wait_for()
    viewer.page.get_by_role("application").press("d")
    viewer.page.get_by_text(re.compile(r"explanations? in one place")).wait_for()
    viewer.page.get_by_role("button", name="Find").click()
    viewer.page.get_by_role("combobox", name="Id, number").fill("png")
    viewer.page.get_by_text(re.compile(r"^90 explanations found")).wait_for()


def test_the_overview_shows_method_and_checks(open_viewer: Callable, server: Server) -> None:
    viewer = open_run(open_viewer, server, "#/several")
    checks = viewer.page.get_by_role("region", name="Checks: 1 warning, 1 note")
    assert checks.locator("[data-check=relevance_too_large]").inner_text().split("\n")[:2] == ["warning", "1 of 90"]
    assert "every prediction is the label" in checks.locator("[data-check=accuracy_near_chance]").inner_text()
    facts = dict(zip(*(viewer.page.locator(f".facts {part}").all_inner_texts() for part in ("dt", "dd")), strict=True))
    assert facts["method"] == "gradient"
    viewer.page.get_by_text("Relevance that arrives at the input").click()
    arrived = viewer.page.get_by_role("row", name="relevance arrived")
    assert arrived.get_by_role("cell").all_inner_texts() == ["0.500", "0.750", "1.00", "1.25", "1.50"]
    viewer.screenshot("evidence-checks-light-1280")


def test_arrived_relevance_colors_and_filters(open_viewer: Callable, server: Server, several: Run) -> None:
    viewer = open_run(open_viewer, server, "#/several/spray/00000")
    viewer.wait_for_view("class")
    members = several.analysis("spray").category("cat").column("index")
    for column, title, low in (
        ("relevance_arrived", "relevance arrived", 1.0),
        ("relevance_max", "largest relevance", 1),
    ):
        viewer.page.get_by_label("Color", exact=True).select_option(column)
        field = viewer.page.get_by_label(f"{title} from", exact=True)
        field.fill(str(low))
        field.press("Enter")
        expected = int((several.column(column)[members] >= low).sum())
        viewer.until(
            f"document.querySelector('[data-told]').innerText.includes('{expected} of 30 explanations are shown')"
        )
        field.fill("")
        field.press("Enter")
        viewer.until("!document.querySelector('[data-told]').innerText.includes('are shown')")

"""`whyset analyze`, `report` and `verify` on a run that `whyset explain` made."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import whyset as ws

Program = Callable[[Sequence[str]], Any]


@pytest.fixture
def analyzed(larger_job: Any, whyset: Program) -> Any:
    assert whyset(larger_job.arguments()).code == 0
    printed = whyset(["analyze", larger_job.run, "--surrogates", "9", "--n-neighbors", "4", "--pooling", "3"])
    assert (printed.code, printed.err) == (0, "")
    return printed


def test_options_reach_the_analysis_and_the_way_on_is_told(analyzed: Any, larger_job: Any) -> None:
    assert analyzed.out.splitlines()[-1].startswith("next: whyset report ")
    analysis = ws.open_run(larger_job.run).analysis("spray")
    assert [category.name for category in analysis.categories] == ["cat", "dog"]
    fields = json.dumps(analysis.config)
    assert all(part in fields for part in ('"surrogates": 9', '"n_neighbors": 4', '"pooling": 3'))


def test_an_analysis_of_another_name_stands_beside_the_first(analyzed: Any, larger_job: Any, whyset: Program) -> None:
    again = ["analyze", larger_job.run, "--surrogates", "9", "--seed", "1", "--name", "again"]
    assert whyset(again).code == 0
    assert "2 of 2 classes are finished already" in whyset(again).out
    run = ws.open_run(larger_job.run)
    bases = [name for name in run.analyses if "." not in name]
    assert bases == ["again", "spray"]
    assert ['"seed": 1' in json.dumps(run.analysis(name).config) for name in bases] == [True, False]


def test_the_report_ranks_the_classes_in_three_forms(analyzed: Any, larger_job: Any, whyset: Program) -> None:
    text = whyset(["report", larger_job.run])
    assert text.code == 0
    assert "separability" in text.out
    assert "| cat |" in whyset(["report", larger_job.run, "--format", "markdown"]).out
    stored = json.loads(whyset(["report", larger_job.run, "--format", "json"]).out)
    assert {row["name"] for row in stored["classes"]} == {"cat", "dog"}


def test_a_report_without_an_analysis_is_refused_in_one_line(larger_job: Any, whyset: Program) -> None:
    whyset(larger_job.arguments())
    printed = whyset(["report", larger_job.run])
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert "spray" in printed.err


def test_classes_that_are_too_small_for_an_analysis_are_refused(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    printed = whyset(["analyze", job.run])
    assert (printed.code, printed.err.count("\n")) == (2, 1)


def test_clusterings_embeddings_and_parts_are_chosen_by_name(larger_job: Any, whyset: Program, tmp_path: Path) -> None:
    assert whyset(larger_job.arguments()).code == 0
    chosen = "--clustering kmeans:2-3 --clustering agglomerative --embedding pca --embedding tsne --metric cosine"
    graph = (
        "--affinity rbf --laplacian random-walk --group-by prediction --array attribution/input --approximate-above 99"
    )
    rest = f"--surrogates 0 --resamplings 0 --name chosen --n-neighbors 4 --eigenvectors 8 --memo {tmp_path / 'memo'}"
    printed = whyset(["analyze", larger_job.run, *f"{chosen} {graph} {rest}".split()])
    assert (printed.code, printed.err) == (0, "")
    analysis = ws.open_run(larger_job.run).analysis("chosen")
    evidence = analysis.categories[0].evidence
    assert list(evidence.clusterings) == ["kmeans-2", "kmeans-3", "agglomerative"]
    assert list(evidence.embeddings) == ["pca", "tsne", "spectral"]
    stored = json.dumps(analysis.config)
    assert all(part in stored for part in ('"Cosine"', '"RadialBasis"', '"RandomWalkLaplacian"', '"prediction"', "99"))
    assert list((tmp_path / "memo").glob("*.memo"))


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--clustering", "kmean", "Unknown clustering 'kmean'; the clusterings are kmeans, kmeans:K"),
        ("--clustering", "kmeans:x", "Unknown clustering 'kmeans:x'"),
        ("--clustering", "kmeans:1", "clusters >= 2"),
        ("--clustering", "kmeans:9-4", "needs 2 <= fewest <= most, got 9 to 4"),
        ("--embedding", "t-sne", "Unknown embedding 't-sne'; expected one of tsne"),
        ("--metric", "l2", "Unknown metric 'l2'; expected one of euclidean"),
        ("--affinity", "full", "Unknown affinity 'full'; expected one of knn, rbf"),
        ("--laplacian", "none", "Unknown laplacian 'none'; expected one of symmetric, random-walk"),
        ("--array", "layer3", "concept/<layer>"),
        ("--array", "concept/layer3", "it holds attribution/input"),
        ("--group-by", "class", "auto, label, prediction, target"),
        ("--name", "a/b", "cannot be a file name"),
    ],
)
def test_names_that_are_not_there_are_refused_with_those_that_are(
    option: str, value: str, told: str, job: Any, whyset: Program
) -> None:
    whyset(job.arguments())
    printed = whyset(["analyze", job.run, option, value])
    assert (printed.code, printed.err.count("\n")) == (2, 1)
    assert told in printed.err


@pytest.mark.parametrize(("option", "value"), [("--n-neighbors", "0"), ("--seed", "-1"), ("--pooling", "x")])
def test_wrong_settings_are_refused_in_one_line(option: str, value: str, job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    printed = whyset(["analyze", job.run, option, value])
    assert (printed.code, printed.err.count("\n")) == (2, 1)


def test_verify_finds_a_single_changed_byte(job: Any, whyset: Program) -> None:
    whyset(job.arguments())
    printed = whyset(["verify", job.run])
    assert (printed.code, printed.err) == (0, "")
    assert f"{job.run}: 12 of 12 samples are present and intact, 0 of them failed" in printed.out
    (shard,) = (path for path in (job.run / "data.zarr" / "input" / "c").rglob("*") if path.is_file())
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(bytes(content))
    printed = whyset(["verify", job.run])
    assert printed.code == 2
    assert "is damaged in 1 places" in printed.err
    assert "input" in printed.out

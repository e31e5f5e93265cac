"""An array is analyzed without a run folder, and nothing is left."""

import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.errors import InputError
from whyset.store import open_run

QUICK = ws.Spray(n_neighbors=5, surrogates=0, resamplings=0)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(folder: Path) -> int:
    gc.collect()
    return len(list(folder.iterdir()))


def test_without_labels_all_maps_are_one_class(planted: tuple[np.ndarray, np.ndarray], temporary: Path) -> None:
    relevance, marked = planted
    found = ws.analyze(relevance, QUICK).clusters("all samples")
    assert set(found[marked]).isdisjoint(found[~marked])
    assert left(temporary) == 0


@pytest.mark.parametrize("kind", ["array", "tensor", "generator", "list"])
def test_labels_make_classes(kind: str, planted: tuple[np.ndarray, np.ndarray], temporary: Path) -> None:
    relevance = planted[0].astype(np.float32)
    kinds = {
        "array": relevance,
        "tensor": torch.tensor(relevance),
        "generator": iter(relevance),
        "list": list(relevance),
    }
    analysis = ws.analyze(kinds[kind], QUICK, labels=["a", "b", "c"] * 32)
    assert [category.name for category in analysis.categories] == ["a", "b", "c"]
    np.testing.assert_array_equal(analysis.category("b").column("index"), np.arange(1, 96, 3))


def test_the_result_keeps_its_run_while_any_part_is_used(
    planted: tuple[np.ndarray, np.ndarray], temporary: Path
) -> None:
    analysis = ws.analyze(planted[0], QUICK, labels=np.arange(96) % 3)
    category, relevance = analysis.category("1"), analysis.run.relevance
    del analysis
    assert left(temporary) == 1
    np.testing.assert_array_equal(relevance[5], planted[0][5].astype(np.float32))
    del relevance
    assert left(temporary) == 1
    embedding = category.column("embedding.tsne")
    del category
    assert left(temporary) == 0
    assert embedding.shape == (32, 2)
    assert np.isfinite(embedding).all()


def test_a_closed_result_says_so(planted: tuple[np.ndarray, np.ndarray], temporary: Path) -> None:
    with ws.analyze(planted[0], QUICK, labels=np.arange(96) % 3) as analysis:
        assert analysis.run.classes == ["0", "1", "2"]
    assert left(temporary) == 0
    with pytest.raises(InputError, match="was deleted"):
        _ = analysis.run
    analysis.close()


def test_nothing_is_left_at_the_end_of_the_process(tmp_path: Path) -> None:
    program = (
        "import numpy as np, whyset as ws\n"
        "kept = ws.analyze(np.random.default_rng(0).normal(size=(30, 6)), ws.Spray(surrogates=0, resamplings=0))\n"
        "print(kept.path)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**__import__("os").environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert str(tmp_path) in finished.stdout
    assert list(tmp_path.glob("whyset-*")) == []


@pytest.mark.parametrize(
    ("relevance", "options", "match"),
    [
        (np.zeros((40, 8, 6)), {}, "state modality="),
        (np.zeros((40, 6)), {"labels": [0] * 39}, "40 of relevance, 39 of labels"),
        (np.zeros((40, 6), complex), {}, "real numbers"),
        (np.ones((40, 6)), {}, "could be analyzed"),
        (np.random.default_rng(0).normal(size=(40, 6)), {"labels": [None] * 40}, "neither labels nor predictions"),
        (5, {}, "expected an array"),
        (None, {}, "expected an array"),
    ],
)
def test_an_array_that_does_not_fit_leaves_nothing(relevance, options, match, temporary: Path) -> None:
    with pytest.raises(InputError, match=match):
        ws.analyze(relevance, QUICK, **options)
    assert left(temporary) == 0


def test_descriptions_are_for_arrays_only(planted: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    run = ws.from_arrays(planted[0], out=tmp_path / "run", progress=False)
    with pytest.raises(InputError, match="labels describe an array, but a run is analyzed"):
        ws.analyze(run, labels=[0] * 96)
    assert open_run(run.path).analyses == []

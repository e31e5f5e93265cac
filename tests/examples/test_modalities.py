"""The shortcuts of the example are found: clusters that are almost all shortcut hold most of it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whyset import Spray
from whyset.analysis.processors import PCA

EXAMPLE = Path(__file__).parents[2] / "examples/modalities.py"


@pytest.fixture(scope="module")
def example() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE), run_name="modalities"))


@pytest.mark.parametrize("name", ["table", "series", "text"])
def test_a_shortcut_is_a_cluster_and_its_relevance_lies_on_it(
    example: SimpleNamespace, name: str, tmp_path: Path
) -> None:
    task, run = example.found(name, tmp_path, Spray(embeddings=(PCA(),), surrogates=0, resamplings=0))
    assert run.modality == name
    assert (run.column("prediction") == task.labels).mean() > 0.95
    category = run.analysis().category(run.classes[1])
    clusters, carries = np.asarray(category.column("clustering.kmeans")), task.shortcut[category.column("index")]
    telling = [one for one in np.unique(clusters) if carries[clusters == one].mean() >= 0.9]
    assert carries[np.isin(clusters, telling)].sum() >= carries.sum() / 2
    where = {"table": np.s_[..., 30], "series": np.s_[..., :25], "text": np.s_[..., 0]}[name]
    share = np.abs(run.relevance[:])
    share /= share.sum(axis=tuple(range(1, share.ndim)), keepdims=True)
    on_it = share[where].reshape(len(run), -1).sum(axis=1)
    others = (task.labels == 1) & ~task.shortcut
    assert on_it[task.shortcut].mean() > 1.5 * on_it[others].mean()
    assert str(carries[clusters == 0].sum()) in example.told(task, run)

"""Methods that are fitted on the data: fitted once, kept with the run, and used again when it goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import PatternAttributor, fit_patterns
from whyset.attribution.methods import OcclusionMethod, PatternAttributionMethod, PatternNetMethod
from whyset.errors import InputError, RunMismatchError
from whyset.runner import ArraySource
from whyset.runner.fitting import fit_method, keep_method
from whyset.runner.methods import method_from_dict
from whyset.store.layout import METHOD

X = torch.rand(30, 3, 4, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(30) % 2
METHODS = [PatternAttributionMethod(), PatternNetMethod(n_samples=8, estimator="linear")]


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6, 2)).eval()


def explain(method: Any, out: Path) -> Any:
    """Do what a run does: fit or load the method, explain, and keep it."""
    fitted = fit_method(method, net(), ArraySource(X, LABELS), 4, out)
    run = ws.explain(net(), (X, LABELS), out, method=fitted, dtype="float32", progress=False)
    keep_method(fitted, out)
    return run


@pytest.mark.parametrize("method", METHODS)
def test_a_run_has_the_maps_of_patterns_fitted_on_its_samples(method: Any, tmp_path: Path) -> None:
    run = explain(method, tmp_path / "run")
    samples = X if method.n_samples > 30 else X[torch.arange(8) * 30 // 8]
    patterns = fit_patterns(net(), [samples], estimator=method.estimator)
    expected = PatternAttributor(net(), patterns, signal=method.signal)(X, LABELS)[1]
    torch.testing.assert_close(torch.from_numpy(run.relevance[:]), expected, rtol=1e-4, atol=1e-6)
    assert run.config.method == method.describe()


def test_it_is_continued_with_its_patterns_although_a_new_fit_would_differ(tmp_path: Path) -> None:
    first = explain(PatternAttributionMethod(), tmp_path / "run")
    method = fit_method(PatternAttributionMethod(), net(), ArraySource(1 - X, LABELS), 4, tmp_path / "run")
    assert method.to_dict() == first.config.attributor
    assert explain(PatternAttributionMethod(), tmp_path / "run").config.hash == first.config.hash


def test_it_is_repeated_from_run_json_with_the_file_of_the_run(tmp_path: Path) -> None:
    first = explain(PatternAttributionMethod(), tmp_path / "run")
    stored = method_from_dict(first.config.attributor, "run")
    again = fit_method(stored, net(), ArraySource(X, LABELS), 4, tmp_path / "run")
    second = ws.explain(net(), (X, LABELS), tmp_path / "again", method=again, dtype="float32", progress=False)
    assert second.config.hash == first.config.hash
    torch.testing.assert_close(torch.from_numpy(second.relevance[:]), torch.from_numpy(first.relevance[:]))


def test_a_missing_file_is_fitted_again_and_must_be_the_same(tmp_path: Path) -> None:
    run = explain(PatternAttributionMethod(), tmp_path / "run")
    (tmp_path / "run" / METHOD).unlink()
    assert explain(PatternAttributionMethod(), tmp_path / "run").config.hash == run.config.hash
    assert (tmp_path / "run" / METHOD).is_file()
    (tmp_path / "run" / METHOD).unlink()
    other = fit_method(PatternAttributionMethod(), net(), ArraySource(1 - X, LABELS), 4, tmp_path / "run")
    with pytest.raises(RunMismatchError, match="attributor"):
        ws.explain(net(), (X, LABELS), tmp_path / "run", method=other, dtype="float32", progress=False)


def test_a_file_of_other_patterns_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    run = explain(PatternAttributionMethod(), tmp_path / "run")
    explain(PatternAttributionMethod(n_samples=5), tmp_path / "other")
    stored = method_from_dict(run.config.attributor, "run")
    (tmp_path / "run" / METHOD).write_bytes((tmp_path / "other" / METHOD).read_bytes())
    with pytest.raises(InputError, match="restore the file from a copy"):
        fit_method(stored, net(), ArraySource(X, LABELS), 4, tmp_path / "run")
    (tmp_path / "run" / METHOD).write_bytes(b"PK")
    with pytest.raises(InputError, match="got a damaged one"):
        fit_method(stored, net(), ArraySource(X, LABELS), 4, tmp_path / "run")


def test_the_file_is_a_part_of_the_run(tmp_path: Path) -> None:
    assert [*explain(PatternAttributionMethod(), tmp_path / "run").verify()] == []
    assert (tmp_path / "run" / METHOD).is_file()


def test_samples_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    x = X.clone()
    x[3] = float("nan")
    fitted = fit_method(PatternAttributionMethod(), net(), ArraySource(x, LABELS), 4, tmp_path)
    rest = torch.cat([X[:3], X[4:]])
    for a, b in zip(fitted.patterns.by_index.values(), fit_patterns(net(), [rest]).by_index.values(), strict=True):
        torch.testing.assert_close(a.weight, b.weight, rtol=1e-5, atol=1e-6)
    x[:, 0, 0, 0] = float("inf")
    with pytest.raises(InputError, match="none of 30 samples can be read"):
        fit_method(PatternAttributionMethod(), net(), ArraySource(x, LABELS), 4, tmp_path)


def test_other_methods_and_fitted_ones_are_unchanged(tmp_path: Path) -> None:
    fitted = PatternNetMethod().fit(net(), [X])
    for method in (OcclusionMethod(), fitted):
        assert fit_method(method, net(), ArraySource(X, LABELS), 4, tmp_path) is method
    keep_method(OcclusionMethod(), tmp_path)
    assert not (tmp_path / METHOD).exists()
    assert replace(fitted).digest == fitted.digest


def test_samples_with_several_inputs_are_refused(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, image: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
            return image.flatten(1)[:, :2] + row

    samples = [{"image": x, "row": torch.rand(2)} for x in X]
    with pytest.raises(
        InputError, match="pattern_net is fitted on samples with a single input, but these have several"
    ):
        ws.explain(Two(), samples, tmp_path / "run", method="pattern_net", progress=False)
    assert not (tmp_path / "run").exists()

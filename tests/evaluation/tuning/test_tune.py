"""`tune`: what it recommends, on held-out samples only, and files that continue, load, and are refused."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution.methods import FunctionMethod, GradientMethod
from whyset.errors import BrokenRunError, InputError, StorageError
from whyset.evaluation.tuning import candidates as candidates_module
from whyset.evaluation.tuning.config import make_relevance_gain
from whyset.store.jsonfile import seal_json
from whyset.store.tunings import Tuning, TuningJournal, read_tuning, write_tuning


def test_the_tuned_candidate_is_compared_on_samples_it_has_not_seen(bars: Any, tuned: Any) -> None:
    found = tuned.result
    on = found.tuned_on
    assert (len(on.tuning_samples), len(on.held_out_samples)) == (16, 32)
    assert not set(on.tuning_samples) & set(on.held_out_samples)
    assert [one.name for one in found.candidates if one.kind == "preset"] == list(tuned.options["presets"])
    assert sum(one.kind == "searched" for one in found.candidates) == 8
    assert not found.failed
    assert found.preset == max(found.candidates[:4], key=lambda one: one.value).name
    assert found.tuned == max(found.candidates[4:], key=lambda one: one.value).name
    # An evaluation of the held-out samples from the front door has the same numbers.
    places = [int(sample) for sample in on.held_out_samples]
    x, target = bars.x[places], bars.y[places]
    methods = {name: ws.load_method(found, name) for name in (found.tuned, found.preset)}
    metric = tuned.options["metric"]
    values = ws.evaluate(methods, metrics=[metric], model=bars.module, x=x, target=target, progress=False)
    own, other = (values.get_values(name, "relevance_gain").array for name in (found.tuned, found.preset))
    first = found.held_out[0]
    # Ties of patches are broken by the number of the sample, which differs here.
    assert first.difference == pytest.approx((own - other).mean(), abs=0.02)
    assert first.random is not None
    assert abs(first.random.value) < 0.1 < first.preset.value
    assert first.verdict in ("better", "worse", "equal")
    assert found.is_better == (first.verdict == "better")
    assert (found.chosen == found.tuned) == (first.verdict == "better")


def test_a_tuning_is_deterministic(bars: Any, tuned: Any) -> None:
    again = ws.tune(bars.model, bars.data, **tuned.options)

    def strip(found: Tuning) -> Tuning:
        timeless = tuple(replace(one, seconds=0.0) for one in found.candidates)
        return replace(found, seconds=0.0, candidates=timeless)

    assert strip(again) == strip(tuned.result)


def test_the_file_explains_as_the_object_bit_by_bit(bars: Any, tuned: Any, tmp_path: Path) -> None:
    assert read_tuning(tuned.file) == tuned.result
    assert not tuned.file.with_name("tuned.json.partial").exists()
    record = tuned.result
    names = [record.tuned, *(one.name for one in record.candidates if one.configuration), *tuned.options["presets"]]
    x, target = bars.x[:6], bars.y[:6]
    for name in dict.fromkeys(names):
        loaded, own = ws.load_method(tuned.file, name), ws.load_method(record, name)
        assert loaded == own
        maps = [method.bind(bars.module)(x, target=target)[1] for method in (loaded, own)]
        assert torch.equal(*maps)
    run = ws.explain(bars.model, bars.data, tmp_path / "run", method=ws.load_method(tuned.file), progress=False)
    method = ws.load_method(tuned.file)
    expected = method.bind(bars.module)(bars.x[:16], target=bars.y[:16])[1]  # the first batch of the run
    np.testing.assert_allclose(run.relevance[:16], expected.numpy(), rtol=2e-3, atol=1e-5)  # stored in float16


def test_an_interrupted_tuning_continues(bars: Any, tuned: Any, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "tuned.json"
    script = f"""
        import os, signal
        from pathlib import Path
        import whyset as ws
        from whyset.runner import ModelSource
        from whyset.store.tunings.journal import TuningJournal

        write = TuningJournal.write
        def kill_at_the_sixth(self, candidate):
            write(self, candidate)
            if len(list(self.path.glob("*.json"))) == 6:
                os.kill(os.getpid(), signal.SIGKILL)
        TuningJournal.write = kill_at_the_sixth
        model = ModelSource({bars.model.spec!r}, Path({str(bars.model.weights)!r}))
        ws.tune(model, Path({str(bars.data)!r}), {str(out)!r}, **{tuned.options!r})
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "tuned.json.partial").glob("*.json"))) == 6
    measured = []
    measure = candidates_module.TuningSamples.measure

    def count(self: Any, metric: Any, method: Any) -> Any:
        measured.append(method)
        return measure(self, metric, method)

    monkeypatch.setattr(candidates_module.TuningSamples, "measure", count)
    found = ws.tune(bars.model, bars.data, out, **tuned.options)
    assert [one.values for one in found.candidates] == [one.values for one in tuned.result.candidates]
    of_candidates = len(found.candidates) - 6
    assert len(measured) < of_candidates + 12  # and the metrics on held-out samples
    assert not (tmp_path / "tuned.json.partial").exists()


def test_candidates_that_fail_are_listed_with_their_reason(bars: Any) -> None:
    def broken(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return x * torch.nan

    given: Any = [FunctionMethod(broken), "epsilon_plus", "inspection"]
    options = {"n_samples": 8, "n_held_out": 8, "n_candidates": 1, "progress": False, "other_metrics": ()}
    found = ws.tune(bars.module, (bars.x, bars.y), presets=given, metric="sparseness", **options)
    problems = {one.name: one.problem for one in found.failed}
    assert len(problems) == 2
    assert "not finite" in next(iter(problems.values()))
    assert "modality image" in problems["inspection"]
    assert found.preset == "epsilon_plus"
    with pytest.raises(InputError, match=r"no preset can be measured; .*not finite"):
        ws.tune(bars.module, (bars.x, bars.y), presets=given[:1], metric="sparseness", **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metric": "relevance_gian"}, "did you mean relevance_gain"),
        ({"metric": "pointing_game"}, "it needs masks of the regions"),
        ({"metric": "sufficiency"}, "no value of it is better"),
        ({"n_samples": 3}, "n_samples is 3: expected a whole number of at least 8"),
        ({"presets": ["epsilon_plus", "epsilon_plus"]}, "expected each once"),
        ({"presets": []}, "expected at least one"),
        ({"presets": ["lrp"]}, "unknown method or composite 'lrp'"),
        ({"seed": -1}, "seed is -1"),
        ({"output_kind": "regression", "target": 0}, "cannot be tuned: the outputs of the run are of kind regression"),
    ],
)
def test_wrong_input_is_refused(bars: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ws.tune(bars.module, (bars.x, bars.y), **{"presets": ["gradient"], "progress": False} | given)


def test_too_few_samples_and_an_existing_file_are_refused(bars: Any, tuned: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected at least 16 samples, .* got 12"):
        ws.tune(bars.module, (bars.x[:12], bars.y[:12]), progress=False)
    with pytest.raises(InputError, match="exists already: remove it, or give another file"):
        ws.tune(bars.module, (bars.x, bars.y), tuned.file, progress=False)
    with pytest.raises(InputError, match=r"folder .* does not exist"):
        ws.tune(bars.module, (bars.x, bars.y), tmp_path / "none" / "tuned.json", progress=False)
    with pytest.raises(InputError, match=r"expected a name that ends in \.json"):
        ws.tune(bars.module, (bars.x, bars.y), tmp_path / "tuned", progress=False)
    (tmp_path / "tuned.json.partial").touch()
    with pytest.raises(InputError, match=r"tuned\.json\.partial is not a folder"):
        ws.tune(bars.module, (bars.x, bars.y), tmp_path / "tuned.json", progress=False)


def test_a_repeated_input_is_not_tuned_on_and_held_out(bars: Any) -> None:
    options = {"n_candidates": 1, "n_samples": 8, "n_held_out": 40, "other_metrics": (), "progress": False}
    options |= {"presets": ["gradient"], "metric": "sparseness"}
    once = np.arange(20)
    twice = np.concatenate([once, once[:9]])
    found = ws.tune(bars.module, (bars.x[twice], bars.y[twice]), **options)
    on = found.tuned_on
    assert sorted(map(int, (*on.tuning_samples, *on.held_out_samples))) == once.tolist()
    assert found.held_out[0].n_samples == len(on.held_out_samples)
    assert found.notices[0] == "9 of 29 samples repeat the input of another and are left out."
    with pytest.raises(InputError, match="got 10 with different inputs"):
        ws.tune(bars.module, (bars.x[once % 10], bars.y[once % 10]), **options)


def test_a_full_disk_is_not_a_problem_of_a_candidate(bars: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def fail(self: Any, candidate: Any) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(TuningJournal, "write", fail)
    options = {"presets": ["gradient"], "metric": "sparseness", "n_samples": 8, "n_held_out": 8, "progress": False}
    with pytest.raises(StorageError, match="the disk is full"):
        ws.tune(bars.module, (bars.x, bars.y), tmp_path / "tuned.json", **options)


def test_masks_are_those_of_the_samples(bars: Any) -> None:
    options = {"n_samples": 8, "n_held_out": 10, "n_candidates": 1, "progress": False, "other_metrics": ()}

    def perfect(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        places = [int((bars.x == one).flatten(1).all(1).nonzero()) for one in x]
        return torch.from_numpy(bars.masks[places]).float()[:, None]

    given: Any = [FunctionMethod(perfect)]
    found = ws.tune(bars.module, (bars.x, bars.y), metric="relevance_mass", masks=bars.masks, presets=given, **options)
    assert found.candidates[0].values == (1.0,) * 8
    empty = np.zeros_like(bars.masks)
    with pytest.raises(InputError, match="relevance mass is not defined for any tuning sample"):
        ws.tune(bars.module, (bars.x, bars.y), metric="relevance_mass", masks=empty, presets=given, **options)
    with pytest.raises(InputError, match="expected one for each of the 48 samples of the data, got 18"):
        ws.tune(bars.module, (bars.x, bars.y), metric="relevance_mass", masks=bars.masks[:18], presets=given, **options)


@pytest.mark.parametrize("kind", ["series", "table", "binary"])
def test_other_inputs_and_outputs(kind: str) -> None:
    torch.manual_seed(0)
    shape = {"series": (40, 2, 32), "table": (40, 6), "binary": (40, 6)}[kind]
    x, y = torch.rand(shape), torch.arange(40) % 2
    x[y == 1, ..., 1] += 2
    size, outputs = x[0].numel(), 1 if kind == "binary" else 2
    model = nn.Sequential(nn.Flatten(), nn.Linear(size, 8), nn.ReLU(), nn.Linear(8, outputs)).eval()
    given = {"n_samples": 8, "n_held_out": 16, "n_candidates": 3, "other_metrics": ("complexity",), "progress": False}
    found = ws.tune(model, (x, y), presets=("epsilon_plus", "gradient"), **given)
    assert found.tuned_on.modality == ("table" if kind == "binary" else kind)
    assert found.held_out[0].n_samples == 16
    assert not found.failed


def test_the_default_metric_fits_the_inputs() -> None:
    assert make_relevance_gain(torch.zeros(2, 3, 224, 160)).patch_size == (28, 20)
    assert make_relevance_gain(torch.zeros(2, 3, 32, 32)).patch_size == 4
    assert make_relevance_gain(torch.zeros(2, 1, 1024)).patch_size == 16
    assert make_relevance_gain(torch.ones(2, 7)).imputer == "constant(value=1.0)"


def test_only_rules_are_a_composite(tuned: Any) -> None:
    from whyset.runner.tuned_methods import load_composite

    rules = ws.load_method(tuned.file, tuned.result.rules)
    assert isinstance(rules, GradientMethod)
    assert load_composite(tuned.file) == rules.composite
    assert load_composite(tuned.file, "raise").on_unknown == "raise"


def test_changed_and_foreign_files_are_refused(tuned: Any, tmp_path: Path) -> None:
    content = json.loads(tuned.file.read_text())
    file = tmp_path / "tuned.json"

    def write(change: Any, *, seal: bool = True) -> None:
        changed = json.loads(json.dumps({key: value for key, value in content.items() if key != "checksum"}))
        change(changed)
        file.write_text(json.dumps(seal_json(changed) if seal else changed | {"checksum": content["checksum"]}))

    write(lambda c: c["tuning"].update(chosen="gradient"), seal=False)
    with pytest.raises(BrokenRunError, match="checksum does not match"):
        ws.load_method(file)
    write(lambda c: c.update(schema="2.0"))
    with pytest.raises(InputError, match="update whyset"):
        ws.load_method(file)
    write(lambda c: c.update(format="whyset.fix"))
    with pytest.raises(InputError, match="is not a tuned method"):
        ws.load_method(file)
    write(lambda c: c["tuning"].update(chosen="nothing"))
    with pytest.raises(BrokenRunError, match="expected the preset or the tuned candidate"):
        ws.load_method(file)
    write(lambda c: c["tuning"]["candidates"][0].update(method={"name": "os.system", "fields": {}}))
    with pytest.raises(InputError, match="cannot be rebuilt"):
        ws.load_method(file, tuned.result.candidates[0].name)
    write(lambda c: c["tuning"].pop("preset"))
    with pytest.raises(BrokenRunError, match="damaged"):
        ws.load_method(file)
    with pytest.raises(InputError, match="does not exist"):
        ws.load_method(tmp_path / "none.json")
    with pytest.raises(InputError, match="exists already"):
        write_tuning(tuned.file, tuned.result)
    with pytest.raises(InputError, match=r"unknown candidate of .*tuned\.json"):
        ws.load_method(tuned.file, "lrp")

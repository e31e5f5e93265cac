"""`fix` of a finding whose patch is known: what is recommended, stored, continued, loaded and refused."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.errors import BrokenRunError, InputError, NotTestedError
from whyset.fixing import (
    DEFAULT_METHODS,
    FineTuning,
    LastLayer,
    PClarc,
    Restore,
    Transplants,
    explain_fixed,
    load_fixed,
)
from whyset.fixing.fix import choose_finding
from whyset.store import open_run
from whyset.store.commits import hash_commits
from whyset.store.findings import Finding, Findings, write_findings
from whyset.store.fixes import read_fixed_origin
from whyset.store.fixes.origin import is_made_from

TRAINED = Transplants(epochs=6, learning_rate=0.05, batch_size=16)
PROJECTED = PClarc(layer="second", pooling="mean")


@pytest.fixture
def run(patch_user: nn.Module, patched: Any, patch_finding: Finding, tmp_path: Path) -> ws.store.Run:
    """A run of the network, with a suspicion of the patch."""
    x, labels, _ = patched
    run = ws.explain(
        patch_user, (x.numpy(), labels), tmp_path / "run", composite="epsilon_plus", target="label", progress=False
    )
    write_findings(
        run, Findings(run.path, findings=(patch_finding, replace(patch_finding, kind="strategy", text="another")))
    )
    return ws.open_run(run.path)


@pytest.fixture
def given(patch_user: nn.Module, patched: Any) -> dict[str, Any]:
    x, labels, _ = patched
    return {"model": patch_user, "dataset": (x.numpy(), labels), "progress": False}


@pytest.fixture
def fooled(draw: Callable[..., Any]) -> Callable[[nn.Module], float]:
    """The share of fresh samples of other classes that the true patch turns into the first one."""
    x, labels, _ = draw(seed=1)
    hosts = x[labels != 0]
    marked = hosts.clone()
    marked[:, -1, 2:5, 4:7] = 1.0

    def measure(model: nn.Module) -> float:
        with torch.no_grad():
            return float(((model(marked).argmax(1) == 0) & (model(hosts).argmax(1) != 0)).float().mean())

    return measure


def test_the_recommended_fix_removes_the_effect_of_the_true_patch_on_fresh_samples(
    run: Any, given: Any, fooled: Any
) -> None:
    found = ws.fix(run, methods=[PROJECTED, TRAINED, "transplants"], **given)
    best = found.get()
    assert fooled(given["model"]) == 1.0
    assert fooled(load_fixed(run, found.finding, given["model"])) < 0.1
    assert best.reduced.value > 0.9
    assert best.regained.value > 0.9
    assert (found.turned.value, found.class_name, found.label) == (1.0, "0", 0)
    assert found.effect == pytest.approx(found.turned.value - found.null.value)
    assert best.reduced.value == pytest.approx(1 - (best.turned.value - best.null.value) / found.effect)
    assert found.split.n_making + found.split.n_judging == len(run)
    assert found.split.n_carriers_making + found.split.n_carriers_judging == 12
    for one in found.fixes:
        assert [each.n_samples for each in one.classes] == [8, 12, 12]
        assert [each.name for each in one.classes] == list(run.classes)
        assert one.changes_weights == (one.control is not None)
        total = sum(each.n_samples * (each.after - (each.control or each.before)) for each in one.classes)
        assert one.accuracy.value == pytest.approx(total / 32)
    weak = found.get("transplants")  # one epoch of two steps
    assert weak.reduced.value < 0.8
    assert fooled(load_fixed(run, found.finding, given["model"], weak.id)) > 0.2
    assert run.verify() == []


def test_what_is_stored_is_what_was_returned_and_the_model_does_not_change(run: Any, given: Any) -> None:
    before = copy.deepcopy(given["model"].state_dict())
    found = ws.fix(run, run.findings()[0].id, [TRAINED, PROJECTED], **given)
    again = ws.open_run(run.path)
    assert again.fixes == [found.finding]
    assert again.fix(found.finding) == found == again.fix(found.finding[:8])
    assert all(torch.equal(value, before[name]) for name, value in given["model"].state_dict().items())
    assert found.get(TRAINED.describe()).control == FineTuning(6, 0.05, batch_size=16).describe()
    with pytest.raises(InputError, match="it has those of 00000-"):
        again.fix("00001")


def test_an_interrupted_call_continues_and_other_methods_are_added(
    run: Any, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, made = run.findings()[0].id, []
    apply = Transplants.apply

    def stop(self: Any, task: Any) -> nn.Module:
        raise KeyboardInterrupt

    monkeypatch.setattr(Transplants, "apply", stop)
    with pytest.raises(KeyboardInterrupt):
        ws.fix(run, id, [PROJECTED, TRAINED], **given)
    half = run.fix(id)
    assert ([one.text for one in half.fixes], half.recommended) == ([PROJECTED.describe()], None)
    assert half.reason == "Not all fixes are finished."
    assert [problem.kind for problem in run.verify()] == ["unfinished"]
    (first,) = (run.path / "fixes" / id).glob("*.pt")
    stamp = first.stat().st_mtime_ns

    def count(self: Any, task: Any) -> nn.Module:
        made.append(self)
        return apply(self, task)

    monkeypatch.setattr(Transplants, "apply", count)
    whole = ws.fix(run, id, [PROJECTED, TRAINED], **given)
    assert made == [TRAINED]
    assert first.stat().st_mtime_ns == stamp
    assert whole.fixes[0] == half.fixes[0]
    added = ws.fix(run, id, [Restore(layer="second", pooling="mean")], **given)
    assert made == [TRAINED]
    assert [one.method["name"] for one in added.fixes] == ["p_clarc", "transplants", "restore"]
    other = ws.fix(run, id, [PROJECTED], seed=1, **given)  # judged by other samples: not comparable
    assert [one.method["name"] for one in other.fixes] == ["p_clarc"]
    assert run.verify() == []


def test_a_method_that_refuses_is_listed_with_its_reason(run: Any, given: Any) -> None:
    found = ws.fix(run, methods=["p_clarc:layer=nothing", PROJECTED], **given)
    refused = found.fixes[0]
    assert "nothing" in refused.problem
    assert (refused.file, refused.reduced) == (None, None)
    assert found.fixes[1].problem is None
    assert "p clarc, layer nothing" not in found.reason
    with pytest.raises(InputError, match="was not made"):
        found.get(refused.id)
    assert run.verify() == []


def test_none_helped_is_said_where_it_is_so(run: Any, given: Any) -> None:
    found = ws.fix(run, methods=["transplants:learning_rate=1e-9"], **given)
    assert found.recommended is None
    assert found.reason.startswith("None helped: transplants, learning_rate 1e-09 misses reduced")
    with pytest.raises(InputError, match="no fix of finding"):
        load_fixed(run, found.finding, given["model"])


def test_a_model_that_does_not_use_the_patch_has_nothing_to_fix(run: Any, given: Any, patch_user: nn.Module) -> None:
    with torch.no_grad():
        patch_user.head.weight[0, -1] = 0
    x, labels = given["dataset"]
    clean = ws.explain(patch_user, (x, labels), run.path.parent / "clean", target="label", progress=False)
    write_findings(clean, Findings(clean.path, findings=run.findings().findings))
    found = ws.fix(clean, methods=[PROJECTED], **given)
    assert found.turned.value == 0
    assert found.fixes[0].reduced is None
    assert found.reason.startswith("None helped: ")
    assert clean.verify() == []


def test_fixes_of_another_model_are_refused(run: Any, given: Any) -> None:
    found = ws.fix(run, methods=[TRAINED, PROJECTED], **given)
    other = copy.deepcopy(given["model"])
    with torch.no_grad():
        other.head.weight[1, 1] += 1e-6
    for one in found.fixes:
        with pytest.raises(InputError, match="made for another model: expected weights"):
            load_fixed(run, found.finding, other, one.id)
    deeper = nn.Sequential(given["model"])
    with pytest.raises(InputError, match="made for another model"):
        load_fixed(run, found.finding, deeper, found.fixes[0].id)


def test_a_new_last_layer_with_a_bias_is_loaded_as_it_was_made(run: Any, given: Any, patched: Any) -> None:
    from whyset.fixing import open_fix_task

    found = ws.fix(run, methods=[LastLayer(n_draws=1)], **given)
    loaded = load_fixed(run, found.finding, given["model"], "last_layer")
    with open_fix_task(run, found.finding, **given) as task:
        made = LastLayer(n_draws=1).apply(task.making)
    assert given["model"].head.bias is None
    torch.testing.assert_close(loaded(patched[0]), made(patched[0]), rtol=0, atol=0)
    assert not loaded.training


def test_the_fixed_model_is_explained_with_the_options_of_the_run(run: Any, given: Any, tmp_path: Path) -> None:
    found = ws.fix(run, methods=[PROJECTED, TRAINED], **given)
    for one in found.fixes:
        new = explain_fixed(run, found.finding, tmp_path / one.id, one.id, **given)
        assert bool(new.committed.all())
        assert new.config.composite == run.config.composite
        assert read_fixed_origin(run.config) is None
        origin = read_fixed_origin(open_run(new.path).config)
        assert origin is not None
        assert (origin.run, origin.finding, origin.fix) == (run.config_hash, found.finding, one.id)
        assert (origin.path, origin.sha256) == (str(run.path), one.sha256)
        assert open_run(new.path).config.hash == new.config_hash  # the origin is not compared
        assert (new.config.target, new.concepts) == (run.config.target, run.concepts)
        model = load_fixed(run, found.finding, given["model"], one.id)
        x = torch.from_numpy(given["dataset"][0])
        with torch.no_grad():
            assert new.column("prediction").tolist() == model(x).argmax(1).tolist()
        patch = (x[:12, -1:] == 1).numpy()
        of_run, of_fixed = (each.relevance[np.arange(12)] for each in (run, new))
        share = [(one[:, -1:] * patch).sum() / np.abs(one).sum() for one in (of_run, of_fixed)]
        assert share[1] < share[0] / 2  # the patch loses its relevance


def test_fixes_state_which_finding_and_which_samples_they_were_made_from(run: Any, given: Any) -> None:
    found, finding = ws.fix(run, methods=[PROJECTED], **given), run.findings()[0]
    commits = hash_commits(run.path)
    assert is_made_from(run.fix(found.finding), finding, commits)
    assert not is_made_from(found, replace(finding, rows=finding.rows[1:], scores=finding.scores[1:]), commits)
    assert not is_made_from(found, finding, "sha256:other")
    assert not is_made_from(replace(found, weights_hash="0" * 64), finding, commits)


def test_wrong_input_is_named(run: Any, given: Any, tmp_path: Path) -> None:
    id = run.findings()[0].id
    for options, message in (
        ({"finding": "00009-0"}, "the ids are 00000-"),
        ({"methods": ["nothing"]}, "fix method"),
        ({"methods": []}, "at least one"),
        ({"methods": "restore"}, "into a list"),
        ({"held_out": 0}, "held_out is 0"),
        ({"name": "other"}, "other"),
    ):
        with pytest.raises(InputError, match=message):
            ws.fix(run, **({"finding": id} | options), **given)
    assert run.fixes == []
    findings = run.findings()
    write_findings(run, replace(findings, findings=tuple(replace(one, kind="strategy") for one in findings)))
    with pytest.raises(InputError, match=r"0 suspicions: expected the id of a finding .*strategy: 0, another"):
        choose_finding(run, None)
    write_findings(run, replace(findings, problem="the model is gone"))
    with pytest.raises(NotTestedError, match="the model is gone"):
        choose_finding(run, None)
    assert choose_finding(run, findings[0]) is findings[0]


def test_damage_is_found(run: Any, given: Any) -> None:
    methods = [PROJECTED, Restore(layer="second", pooling="mean")]
    found = ws.fix(run, methods=methods, **given)
    folder = run.path / "fixes" / found.finding
    one, other = (folder / each.file for each in found.fixes)
    content = bytearray(one.read_bytes())
    content[len(content) // 2] ^= 1
    one.write_bytes(content)
    other.unlink()
    (folder / "note.txt").write_text("x")
    with pytest.raises(BrokenRunError, match="SHA-256"):
        load_fixed(run, found.finding, given["model"], found.fixes[0].id)
    assert sorted(problem.kind for problem in run.verify()) == ["damaged", "damaged", "stray"]
    stored = json.loads((folder / "fix.json").read_text())
    stored["fix"]["recommended"] = None
    (folder / "fix.json").write_text(json.dumps(stored))
    with pytest.raises(BrokenRunError, match="checksum"):
        run.fix(found.finding)
    again = ws.fix(run, methods=methods, **given)  # made again
    assert again.reason == found.reason
    (folder / "note.txt").unlink()
    assert run.verify() == []


def test_the_default_compares_five_methods_of_both_kinds() -> None:
    assert len({one.describe() for one in DEFAULT_METHODS}) == 5
    assert [one.changes_weights for one in DEFAULT_METHODS] == [True, True, True, False, False]


class Returns(nn.Module):
    """The network, whose scores are returned by a function."""

    def __init__(self, net: nn.Module, give: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.net, self.give = net, give

    def forward(self, x: torch.Tensor) -> Any:
        return self.give(self.net(x))


def test_a_network_gets_the_same_fixes_however_it_returns_its_scores(
    patch_user: nn.Module, patched: Any, patch_finding: Finding, tmp_path: Path
) -> None:
    """As they are, with a softmax behind them, or as one of several outputs."""
    x, labels, _ = patched
    forms: dict[str, tuple[Callable[[torch.Tensor], Any], dict[str, Any]]] = {
        "scores": (lambda scores: scores, {}),
        "softmax": (lambda scores: scores.softmax(1), {}),
        "several": (lambda scores: {"other": scores[:, :2], "scores": scores}, {"output": "scores"}),
    }
    projected, last = PClarc(layer="net.second", pooling="mean"), LastLayer(n_draws=1)
    found, weights = {}, {}
    for name, (give, options) in forms.items():
        model, dataset = Returns(copy.deepcopy(patch_user), give).eval(), (x.numpy(), labels)
        run = ws.explain(
            model, dataset, tmp_path / name, composite="epsilon_plus", target="label", progress=False, **options
        )
        write_findings(run, Findings(run.path, findings=(patch_finding,)))
        run, given = open_run(run.path), {"model": model, "dataset": dataset, "progress": False}
        fixes = ws.fix(run, patch_finding.id, [projected, TRAINED, last], **given)
        found[name] = [(fix.text, fix.reduced, fix.accuracy, fix.classes) for fix in fixes.fixes]
        fixed = load_fixed(run, patch_finding.id, model, fixes.get(TRAINED.describe()).id)
        weights[name] = torch.cat([value.flatten() for value in fixed.state_dict().values()])
        vector = ws.fixing.find_concept_vector(run, patch_finding.id, layer="net.second", **given)
        assert vector.tcav is not None
        assert vector.tcav.share.value == 1
        assert len(explain_fixed(run, patch_finding.id, tmp_path / f"{name}-fixed", **given)) == len(run)
    for name in ("softmax", "several"):
        assert found[name] == found["scores"]
        torch.testing.assert_close(weights[name], weights["scores"])

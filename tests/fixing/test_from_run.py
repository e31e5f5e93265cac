"""Tasks of a run: the division of samples, evidence as the run's relevance chooses it, and concept vectors."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.errors import BrokenRunError, InputError
from whyset.fixing.concept_vectors import find_concept_vector
from whyset.fixing.from_run import open_fix_task
from whyset.fixing.p_clarc import PClarc
from whyset.interventions import Window
from whyset.store.findings import Finding, Findings, write_findings
from whyset.store.layout import SELECTIONS
from whyset.store.selections import Selection, Selections


@pytest.fixture
def run(patch_user: Any, patched: Any, patch_finding: Finding, tmp_path: Path) -> Any:
    """A run of the network, with a finding that says which samples have the patch."""
    x, labels, _ = patched
    run = ws.explain(
        patch_user, (x.numpy(), labels), tmp_path / "run", composite="epsilon_plus", target="label", progress=False
    )
    write_findings(
        run, Findings(run.path, findings=(patch_finding, replace(patch_finding, text="another", seeds=(1, 2))))
    )
    return ws.open_run(run.path)


@pytest.fixture
def given(patch_user: Any, patched: Any) -> dict[str, Any]:
    x, labels, _ = patched
    return {"model": patch_user, "dataset": (x.numpy(), labels), "progress": False}


def test_the_samples_of_the_two_tasks_have_nothing_in_common(run: Any, given: Any, patched: Any) -> None:
    x, labels, carriers = patched
    with open_fix_task(run, run.findings()[0].id, **given) as divided:
        made, judged = divided.making_samples, divided.judging_samples
        assert not set(made) & set(judged)
        assert sorted([*made, *judged]) == list(range(len(labels)))
        for task, samples in ((divided.making, made), (divided.judging, judged)):
            assert task.labels.tolist() == labels[samples].tolist()
            assert samples[task.carriers].tolist() == sorted(set(carriers.tolist()) & set(samples.tolist()))
            assert set(samples[task.seeds].tolist()) <= set(carriers[:4].tolist())
            assert torch.equal(task.read(np.arange(len(samples))), x[samples])
            assert len(task.carriers) >= 3
        assert len(divided.making.seeds) + len(divided.judging.seeds) == 4
        for label in range(3):  # divided within each class
            assert (divided.judging.labels == label).sum() == pytest.approx(0.3 * 40, abs=1)
        x_first = divided.making.read(np.arange(5))
        scores = divided.making.get_scores(given["model"], x_first)
        assert torch.equal(scores, given["model"](x_first))


def test_the_division_is_that_of_the_seed(run: Any, given: Any) -> None:
    found = []
    for seed in (0, 0, 1):
        with open_fix_task(run, run.findings()[0], seed=seed, held_out=0.5, **given) as divided:
            found.append(divided.judging_samples.tolist())
    assert found[0] == found[1] != found[2]


def test_the_evidence_is_the_patch_at_its_place(run: Any, given: Any, patched: Any) -> None:
    """The window with the most relevance is the patch, which decides the prediction."""
    x, _, _ = patched
    with open_fix_task(run, run.findings()[0].id, **given) as divided:
        task = divided.making
        hosts = np.flatnonzero(task.labels == 2)[: len(task.carriers)]
        host = task.read(hosts)
        before = host.clone()
        changed = task.insert(task.carriers, hosts, host)
        assert torch.equal(host, before)
        sources = x[divided.making_samples[task.carriers]]
        patch = sources[:, -1] == 1
        assert patch.flatten(1).sum(1).tolist() == [9] * len(sources)
        expected = torch.where(patch[:, None], sources, host)
        torch.testing.assert_close(changed, expected)
        assert (task.model(changed).argmax(1) == 0).all()


def test_other_samples_insert_what_their_own_relevance_chooses(run: Any, given: Any, patched: Any) -> None:
    """For comparison: the most relevant window of a sample that is no carrier, of its own class or another one."""
    x = patched[0]
    with open_fix_task(run, run.findings()[0].id, **given) as divided:
        task, samples = divided.making, divided.making_samples
        free = np.setdiff1d(np.arange(len(samples)), task.carriers)
        sources = np.array([free[task.labels[free] == label][0] for label in (0, 1)])
        hosts = free[task.labels[free] == 1][1:3]
        changed = task.insert(sources, hosts, task.read(hosts))
        own = x[samples[sources]]
        relevance = torch.from_numpy(run.relevance[samples[sources]])
        window = Window(side=3)
        expected = window.insert(own, window.select(own, relevance), x[samples[hosts]])
    assert torch.equal(changed, expected)


def test_a_fix_of_the_finding_holds_on_the_samples_that_judge_it(run: Any, given: Any) -> None:
    with open_fix_task(run, run.findings()[0].id, **given) as divided:
        fixed = PClarc().apply(divided.making)
        task = divided.judging
        hosts = np.flatnonzero(task.labels != 0)
        sources = np.resize(task.carriers, len(hosts))
        changed = task.insert(sources, hosts, task.read(hosts))
        assert (task.model(changed).argmax(1) == 0).all()
        assert (fixed(changed).argmax(1).numpy() == task.labels[hosts]).all()


def test_ids_of_findings_differ_and_are_the_same_when_they_are_read_again(run: Any) -> None:
    one, other = run.findings()
    assert one.id != other.id
    assert one.id.startswith("00000-")
    again = ws.open_run(run.path).findings()
    assert [each.id for each in again] == [one.id, other.id]
    assert run.findings().get(one.id[:12]) == one
    assert run.findings().table.column("id").to_pylist() == [one.id, other.id]
    assert replace(one, score=0.1, rows=one.rows[:5], scores=one.scores[:5]).id == one.id
    for wrong in ("00000", "", "x"):
        with pytest.raises(InputError, match="the ids are"):
            run.findings().get(wrong)


def test_findings_that_cannot_be_inserted_are_refused(run: Any, given: Any) -> None:
    one = run.findings()[0]
    layer = {"name": "layer_channels", "fields": {"layer": "second", "count": 1, "dim": 1}}
    layer["name"] = "LayerChannels" if one.intervention["name"] == "Window" else "layer_channels"
    for finding, message in (
        (replace(one, intervention=None, kind="not_confirmed"), "was not confirmed"),
        (replace(one, intervention=layer), "inside the model"),
        (replace(one, rows=one.rows[:1]), "at least two samples"),
    ):
        with pytest.raises(InputError, match=message), open_fix_task(run, finding, **given):
            pass
    with pytest.raises(InputError, match="held_out is 1"), open_fix_task(run, one, held_out=1, **given):
        pass


def test_the_vector_of_a_finding_is_stored_with_its_quality(run: Any, given: Any, tmp_path: Path) -> None:
    id = run.findings()[0].id
    found = find_concept_vector(run, id, layer="second", pooling="mean", **given)
    assert found.auroc.value == 1.0
    assert np.abs(found.vector).argmax() == 3
    assert found.source == f"finding {id}"
    assert (found.n_with, found.n_without, found.class_id) == (12, 28, "00000")
    assert found.tcav.share.value == 1.0  # the patch raises the score of each sample
    assert found.tcav.n_random == 100
    again = ws.open_run(run.path)
    assert again.concept_vector_names == [id]
    assert again.concept_vector(id) == found
    assert again.verify() == []
    found.export(tmp_path / "vector.npz")
    arrays = np.load(tmp_path / "vector.npz", allow_pickle=False)
    np.testing.assert_array_equal(arrays["vector"], found.vector)
    assert str(arrays["layer"]) == "second"


def test_the_layer_is_the_one_with_the_largest_area(run: Any, given: Any) -> None:
    found = find_concept_vector(run, run.findings()[0], name="any", **given)
    areas = [
        find_concept_vector(run, run.findings()[0], layer=layer, pooling=pooling, name="one", **given).auroc.value
        for layer in ("first", "second")
        for pooling in ("max", "mean")
    ]
    assert found.auroc.value >= max(areas)


def test_the_vector_of_a_selection_may_be_compared_with_all_classes(run: Any, given: Any, patched: Any) -> None:
    kept = Selections(run.path / SELECTIONS, len(run)).add(Selection(name="mark", rows=tuple(patched[2].tolist())))
    found = find_concept_vector(run, selection="mark", others="all", layer="second", pooling="max", **given)
    assert (found.n_with, found.n_without, found.class_id) == (12, 108, "00000")
    assert run.concept_vector_names == [kept.id]
    mixed = Selections(run.path / SELECTIONS, len(run)).add(Selection(name="mixed", rows=(0, 1, 50, 51)))
    found = find_concept_vector(run, selection=mixed.id, layer="second", **given)
    assert (found.n_with, found.n_without, found.class_id, found.tcav) == (4, 76, None, None)


def test_what_has_no_vector_is_refused(run: Any, given: Any) -> None:
    for options, message in (
        ({}, "got neither"),
        ({"finding": run.findings()[0], "selection": "mark"}, "got both"),
        ({"selection": "nothing"}, "expected one selection 'nothing', got 0"),
        ({"finding": run.findings()[0], "others": "none"}, "others: expected"),
        ({"finding": run.findings()[0], "layer": "nothing"}, "nothing"),
        ({"finding": run.findings()[0], "name": "../x"}, "concept vector"),
    ):
        with pytest.raises(InputError, match=message):
            find_concept_vector(run, **options, **given)


def test_damaged_vectors_are_refused_and_reported(run: Any, given: Any) -> None:
    find_concept_vector(run, run.findings()[0], layer="second", name="one", **given)
    file = run.path / "concept_vectors" / "one.json"
    file.write_text(file.read_text().replace('"second"', '"first"'))
    with pytest.raises(BrokenRunError, match="checksum"):
        run.concept_vector("one")
    assert [problem.kind for problem in ws.open_run(run.path).verify()] == ["damaged"]


def test_samples_of_other_classes_with_the_evidence_keep_their_labels(patched: Any, run: Any, given: Any) -> None:
    """A row of a sample that explains another class than its label, as runs with several targets have."""
    _, labels, carriers = patched
    wrong = np.flatnonzero(labels == 2)[:3]
    one = replace(run.findings()[0], rows=(*carriers.tolist(), *wrong.tolist()))
    with open_fix_task(run, one, **given) as divided:
        for task, samples in (
            (divided.making, divided.making_samples), (divided.judging, divided.judging_samples)
        ):  # fmt: skip
            assert task.labels.tolist() == labels[samples].tolist()
            assert set(samples[task.carriers]) <= set(carriers)
            assert not set(samples) & set(wrong)
    with (
        pytest.raises(InputError, match="at least two samples of class 0 with the evidence, got 0"),
        open_fix_task(run, replace(one, rows=tuple(wrong.tolist())), **given),
    ):
        pass


def test_what_is_not_a_finding_of_the_run_is_refused(run: Any, given: Any) -> None:
    one = run.findings()[0]
    for wrong, words in ((3, "expected a Finding or its id, got 3"), (replace(one, rows=(4, 999)), "has the row 999")):
        with pytest.raises(InputError, match=words), open_fix_task(run, wrong, **given):
            pass
        with pytest.raises(InputError, match=words):
            find_concept_vector(run, wrong, **given)
    with pytest.raises(InputError, match="held_out is"), open_fix_task(run, one, held_out="0.3", **given):  # type: ignore[arg-type]
        pass

"""Findings in the runs of tests: marked horses of the sample run, a span of a text, and what could not be confirmed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from whyset.store import Run
from whyset.store.analyses import ListedClass
from whyset.store.commits import hash_commits
from whyset.store.effects import (
    ClassEffects,
    EffectPlan,
    EffectSummary,
    Estimate,
    FreshTrials,
    InterventionEffects,
    Planned,
    SelectionTrials,
    open_writer,
)
from whyset.store.findings import Finding, Findings, FoundExample, write_findings
from whyset.store.fixes import (
    ClassChange,
    FixComparison,
    FixedModelOrigin,
    FixSplit,
    HeldOutShares,
    ListedFix,
    TriedFix,
    write_fix,
)
from whyset.store.fixes.files import write_model
from whyset.store.fixes.origin import hash_fix_origin

EFFECT = EffectSummary(
    turned=Estimate(0.72, (0.68, 0.76), 10),
    null_turned=Estimate(0.03, (0.0, 0.07), 10),
    difference=Estimate(0.69, (0.64, 0.74), 10),
    log_odds=Estimate(4.2, (3.9, 4.5), 10),
)


def make_findings(run: Run) -> tuple[Finding, ...]:
    """Findings of the sample run: marked horses as a suspicion, cats as a strategy, dogs as not confirmed.

    They are in the order of a search that ranks the strategy first; the mark is at the upper right, 3 x 3 pixels.
    """
    marked = tuple(row for row in range(0, len(run), 6) if row % 3 == 0)
    horses = tuple(row + 2 for row in marked)
    example = FoundExample(horses[0], 0, 0, ((0, 3), (15, 18)), 0, 2, 0.05, 0.93)
    suspicion = Finding(
        "00002", "horse", "suspicion", "Few images of other classes have it.",
        {"name": "window", "fields": {"side": 3}}, "window of 3 x 3", "another window of the same sample",
        horses[:2], horses, 20, tuple(1.5 for _ in horses), Estimate(0.002, (0.0, 0.01), 40),
        Estimate(0.95, (0.9, 1.0), 40), EFFECT,
        Estimate(len(horses) / 20, (0.3, 0.7), 20), 0.65, "upper right",
        (example, replace(example, row=horses[1], host_row=1, index=1, before=1)),
    )  # fmt: skip
    strategy = replace(
        suspicion, class_id="00000", class_name="cat", kind="strategy", reason="Most images of the class have it.",
        intervention={"name": "color_statistics", "fields": {}}, text="color statistics", seeds=(0,), rows=(0, 3),
        scores=(0.5, 0.25), place=None, examples=(FoundExample(0, 1, -1, None, 1, 0, 0.2, 0.6),),
    )  # fmt: skip
    unknown = replace(
        strategy, class_id="00001", class_name="dog <b>&amp;", kind="not_confirmed", effect=None, intervention=None,
        reason="The run knows no model.", text="", seeds=(1,), rows=(1, 4), examples=(),
    )  # fmt: skip
    return strategy, unknown, suspicion


def change_hosts(run: Run) -> np.ndarray[Any, Any]:
    """The hosts 0 and 1 with the mark of two horses, as the examples of `make_findings` say."""
    assert run.inputs is not None
    hosts = np.array(run.inputs[[0, 1]])
    hosts[:, :, 0:3, 15:18] = run.inputs[[2, 8]][:, :, 0:3, 15:18]
    return hosts


def write_sample_findings(run: Run, **changes: Any) -> Findings:
    """Write the findings of the sample run into it."""
    values: Mapping[str, Any] = {"n_searched": 3, "findings": make_findings(run)} | changes
    return write_findings(run, Findings(run.path, **values), change_hosts(run))


def write_text_finding(run: Run) -> Findings:
    """Write one finding of a run of texts: the second and third word of its first text."""
    (_, _, like) = make_findings(run)
    found = replace(
        like, class_id="odd", class_name="odd", modality="text", intervention={"name": "token_span", "fields": {}},
        text="span of 2 tokens", place=None, rows=(0, 1), seeds=(0,), scores=(1.0, 2.0),
        examples=(
            FoundExample(0, 1, 0, ((1, 3),), 0, 1, 0.25, 0.75), FoundExample(1, 0, -1, ((1, 3),), 0, 1, 0.2, 0.7),
        ),
    )  # fmt: skip
    assert run.inputs is not None
    changed = np.array(run.inputs[[1]])
    changed[0, 1:3] = run.inputs[0][1:3]
    return write_findings(run, Findings(run.path, findings=(found,), n_searched=2), changed)


def change_volume(run: Run) -> np.ndarray[Any, Any]:
    """The volume 1 with the evidence of volume 0: in slice 4, 3 x 3 voxels."""
    assert run.inputs is not None
    changed = np.array(run.inputs[[1]])
    changed[0, :, 4:5, 2:5, 0:3] = run.inputs[0][:, 4:5, 2:5, 0:3]
    return changed


def write_volume_finding(run: Run, *, with_changed: bool = False) -> Findings:
    """Write one finding of a run of volumes, in slices 4 of its first volume."""
    (_, _, like) = make_findings(run)
    found = replace(
        like, class_id="odd", class_name="odd", modality="volume", place=None, rows=(0,), seeds=(0,), scores=(1.0,),
        examples=(FoundExample(0, 1, 0 if with_changed else -1, ((4, 5), (2, 5), (0, 3)), 0, 1, 0.25, 0.75),),
    )  # fmt: skip
    examples = change_volume(run) if with_changed else None
    return write_findings(run, Findings(run.path, findings=(found,), n_searched=2), examples)


def change_series(run: Run) -> np.ndarray[Any, Any]:
    """Series 2 with positions 9 to 17 of series 3, its first channel in the last one; series 4 as it is."""
    assert run.inputs is not None
    changed = np.array(run.inputs[[2, 4]])
    changed[0, -1, 9:18] = run.inputs[3][0, 9:18]
    return changed


def write_series_finding(run: Run) -> Findings:
    """Write one finding of a run of series: the positions 9 to 17; the second host did not change."""
    (_, _, like) = make_findings(run)
    first = FoundExample(3, 2, 0, ((9, 18),), 0, 1, 0.25, 0.75)
    found = replace(
        like, class_id="odd", class_name="odd", modality="series", place="beginning", rows=(3, 7), seeds=(3,),
        scores=(1.0, 2.0), examples=(first, replace(first, row=7, host_row=4, index=1, after=0)),
    )  # fmt: skip
    return write_findings(run, Findings(run.path, findings=(found,), n_searched=2), change_series(run))


def write_sample_effects(run: Run) -> None:
    """Write effects of the class "horse": rows 2 and 8 on fresh hosts, rows 2 and 5 in the selection only."""
    plan = EffectPlan(60, 0.01, 0.002, 60, None, None, 2, 2, 100, 3.0, 2.5, 2.5)
    classes = [ListedClass("00000", "cat"), ListedClass("00002", "horse")]
    writer = open_writer(run.path, "effects", {"seed": 0}, classes, Planned(plan))
    fresh = [FreshTrials((row,), (8,), (turned,), (1.0,), (0,), (0.0,), (True,), (True,), (-1.0,), (False,))
             for row, turned in ((2, 6), (8, 4))]  # fmt: skip
    tested = InterventionEffects(
        {"name": "window", "fields": {"side": 3}}, "window of 3 x 3", "another window of the same sample", "host", 0,
        SelectionTrials(), SelectionTrials((2, 5), (4, 4), (4, 1), (3.0, 0.5)), *fresh, EFFECT, EFFECT,
    )  # fmt: skip
    writer.write(classes[0], ClassEffects(n_samples=20, problem="no host"))
    writer.write(classes[1], ClassEffects(20, 2, 100, interventions=(tested,)))


def write_sample_fixes(run: Run, *, recommended: bool = True, **changes: Any) -> FixComparison:
    """Write fixes of the marked horses: one that helps, one that costs a class much, and one that was refused."""
    finding = make_findings(run)[2]
    forms = [{"name": "restore", "fields": {}}, {"name": "transplants", "fields": {"epochs": 5}}]
    listed = [ListedFix.of(form, text) for form, text in zip(forms, ("restore", "transplants, epochs 5"), strict=True)]
    refused = ListedFix.of({"name": "p_clarc", "fields": {}}, "p clarc")
    restore, trained = (
        TriedFix(one.id, one.text, title, form, trains, control, *parts, seconds, notes, *write_model(
            run.path, finding.id, one.id, one.id.encode()))
        for one, form, title, trains, control, parts, seconds, notes in (
            (listed[0], forms[0], "linear restoration", False, None, _make_parts(0.0, 1.0, 0.0), 0.4, ("layer 4",)),
            (listed[1], forms[1], "training", True, "fine tuning", _make_parts(0.6, 0.25, -0.12), 1.5, ()),
        )
    )  # fmt: skip
    restore = replace(restore, shares=_make_shares(0.75))
    failed = TriedFix(
        refused.id, refused.text, "P-ClArC", {"name": "p_clarc", "fields": {}}, False, problem="no layer."
    )
    split, weights, layers = FixSplit(0, 0.3, 42, 18, 3, 7, 12), "a" * 64, "b" * 64
    values: dict[str, Any] = {
        "origin": hash_fix_origin(finding, split, weights, layers, hash_commits(run.path)),
        "recommended": restore.id if recommended else None,
        "reason": "It removes most of 1 fix." if recommended else "None helped: transplants leaves 75 % of the effect.",
    }
    fixes = FixComparison(
        finding.id, finding.sentence, finding.class_name, 2, split, 0.69, Estimate(0.72, (0.68, 0.76), 12),
        Estimate(0.03, (0.0, 0.07), 12), weights, layers, listed=(*listed, refused), fixes=(restore, trained, failed),
        shares=_make_shares(0.25), **(values | changes),
    )  # fmt: skip
    write_fix(run.path, fixes)
    return fixes


def _make_shares(inserted: float) -> HeldOutShares:
    """Accuracies of a model, which differ in those with the evidence inserted; nothing can be removed."""
    clean = Estimate(0.9, (0.8, 0.95), 15)
    return HeldOutShares(clean, clean, Estimate(inserted, (inserted - 0.1, inserted + 0.1), 12), None, None)


def _make_parts(turned: float, reduced: float, cost: float) -> tuple[Any, ...]:
    """The numbers of a fix, with intervals; dogs lose or gain twice as much as all classes."""
    low, high = max(0.0, turned - 0.1), turned + 0.1
    changed = Estimate(cost, (cost - 0.02, cost + 0.02), 18)
    classes = (ClassChange(0, "cat", 6, 0.9, None, 0.9), ClassChange(1, "dog <b>&amp;", 6, 0.9, None, 0.9 + 2 * cost))
    shares = (Estimate(turned, (low, high), 12), Estimate(0.03, (0.0, 0.07), 12))
    return (*shares, Estimate(reduced, (reduced - 0.1, reduced + 0.1), 12), None, changed, changed, classes)


def describe_fixed_origin(run: Run, fixes: FixComparison, place: int = 0) -> dict[str, Any]:
    """What run.json names of one of the fixes, for the run that explains its model."""
    one = fixes.fixes[place]
    origin = FixedModelOrigin(run.config_hash, str(run.path), fixes.finding, one.id, str(one.sha256))
    return origin.to_json()

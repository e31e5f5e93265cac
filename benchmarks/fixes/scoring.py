"""The fixes of the used cues of networks, as one JSON file for each cue: the benchmark continues where it was."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.cues.cells import load_cell
from benchmarks.cues.design import PlantedCue
from benchmarks.cues.scoring import USED
from whyset.errors import InputError
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_task import FixTask
from whyset.fixing.held_out import (
    HeldOutChange,
    HeldOutPredictions,
    HeldOutTrial,
    compare_held_out,
    draw_held_out,
    predict_held_out,
)
from whyset.fixing.training import (
    FineTuning,
    LastLayer,
    LatentRightReasons,
    RightReasons,
    SpecificTransplants,
    Transplants,
)
from whyset.store import open_run
from whyset.store.effects.records import Estimate
from whyset.store.findings import Finding
from whyset.store.layout import FINDINGS

from .stages import LastStages
from .tasks import Network, make_tasks
from .truth import Judged, MarkedImages, TestImages, compare, judge, mark

METHODS: tuple[FixMethod, ...] = (
    SpecificTransplants(),
    SpecificTransplants(label_weight=1.0, strength=3.0),
    Transplants(),
)
"""The fixes that are compared, of which held-out samples recommend one."""
STANDARD: tuple[FixMethod, ...] = (LastLayer(n_draws=2), LatentRightReasons(layer="rest.layer3"), RightReasons())
"""Further ones from the literature."""
HOSTS = 600
TWINS = ("resnet20-clean-01", "resnet20-clean-16")
"""Networks without cues, of the width of those with cues."""


@dataclass(frozen=True)
class FixResult:
    """A fix of one cue: by the true cue, and on held-out samples; `problem` states why it could not be made."""

    method: str
    seconds: float = 0.0
    true: Mapping[str, Estimate] | None = None
    true_summary: Mapping[str, float] | None = None
    held_out: HeldOutChange | None = None
    problem: str | None = None


@dataclass(frozen=True)
class CueResult:
    """A used cue of a network; `finding` is None if no finding is of its class.

    `purity` is the share of marked images among the rows of the finding; summaries are those of `Judged.summarize`.
    """

    network: str
    kind: str
    label: int
    share: float
    fooled: float
    finding: str | None = None
    finding_kind: str | None = None
    n_rows: int = 0
    purity: float | None = None
    before: Mapping[str, float] | None = None
    control: Mapping[str, float] | None = None
    twin: Mapping[str, float] | None = None
    fixes: tuple[FixResult, ...] = ()


@dataclass(frozen=True, eq=False)
class Bench:
    """What judges the fixes of one cue."""

    making: FixTask
    judging: FixTask
    trial: HeldOutTrial
    test: TestImages
    marked: MarkedImages
    twins: tuple[Judged, ...]

    def judge(self, model: nn.Module) -> tuple[Judged, HeldOutPredictions]:
        true = judge(get_rest(model), self.making.label, self.test, self.marked)
        return true, predict_held_out(self.judging, model, self.trial)


def score_network(
    name: str, cells: Path, runs: Path, data: Path, scores: Path, methods: Sequence[FixMethod] = METHODS, seed: int = 0
) -> None:
    """Fix each used cue of a network that has a finding, and write the results that are missing.

    A network without a run with findings is left out.
    """
    folder = find_run(runs, name)
    if folder is None:
        return
    cell, run = load_cell(cells / name, data), open_run(folder)
    network = Network.open(cell, run)
    test = TestImages.open(data / "cifar10.tar.xz", runs / "test-images.npy", network.first)
    twins = tuple(LastStages(load_cell(cells / one, data).model).eval() for one in TWINS)
    for cue in cell.spec.cues:
        file = locate(scores, name, cue.label)
        if cell.fooled[cue.label] >= USED and not file.is_file():
            own = [one for one in run.findings() if one.class_name == cell.class_names[cue.label]]
            result = CueResult(name, cue.kind, cue.label, cue.share, cell.fooled[cue.label])
            if own:
                result = score_cue(result, network, cue, own[0], test, twins, methods, seed)
            write_result(file, result)
            print(describe(result), flush=True)


def find_run(runs: Path, name: str) -> Path | None:
    """Return the run of a network that has findings, the one with clusters first; None if none has."""
    folders = (runs / name / "runs" / one for one in ("analyzed", "relevance"))
    return next((one for one in folders if (one / FINDINGS).is_dir()), None)


def score_cue(
    given: CueResult,
    network: Network,
    cue: PlantedCue,
    finding: Finding,
    test: TestImages,
    twins: tuple[nn.Module, ...],
    methods: Sequence[FixMethod],
    seed: int,
) -> CueResult:
    """Fix a cue by the first finding of its class, as a user without knowledge of the cue would."""
    making, judging = make_tasks(network, finding, cue.label, seed)
    marked = mark(test, network.first, network.cell.spec, cue)
    of_twins = tuple(judge(one, cue.label, test, marked) for one in twins)
    bench = Bench(making, judging, draw_held_out(judging, HOSTS), test, marked, of_twins)
    before, control = bench.judge(network.staged), bench.judge(FineTuning().apply(making))
    rows = set(network.cell.marked[cue.label].tolist())
    summaries = [one.summarize() for one in of_twins]
    return CueResult(
        **{**asdict(given), "fixes": ()}
        | {
            "finding": finding.text,
            "finding_kind": finding.kind,
            "n_rows": len(finding.rows),
            "purity": len(rows & set(finding.rows)) / len(finding.rows),
            "before": before[0].summarize(),
            "control": control[0].summarize(),
            "twin": {name: sum(one[name] for one in summaries) / len(summaries) for name in summaries[0]},
            "fixes": tuple(apply_fix(one, bench, before, control) for one in methods),
        }
    )


def apply_fix(
    method: FixMethod,
    bench: Bench,
    before: tuple[Judged, HeldOutPredictions],
    control: tuple[Judged, HeldOutPredictions],
) -> FixResult:
    """Make a fix and judge it."""
    began = time.process_time()
    try:
        model = method.apply(bench.making)
    except InputError as error:
        return FixResult(method.describe(), problem=str(error))
    seconds = time.process_time() - began
    after = bench.judge(model)
    true = compare(before[0], after[0], control[0], bench.twins)
    held = compare_held_out(before[1], after[1], control[1])
    return FixResult(method.describe(), seconds, true, after[0].summarize(), held)


def describe(result: CueResult) -> str:
    """Describe a result in lines."""
    lines = [f"{result.network} {result.kind} {result.share:.0%}: {result.finding}, purity {result.purity}"]
    for one in result.fixes:
        if one.true is None or one.held_out is None:
            lines.append(f"  {one.method}: {one.problem}")
            continue
        numbers = " ".join(f"{name} {value.value:+.3f}" for name, value in one.true.items())
        held = " ".join(
            f"{name} {getattr(one.held_out, name).value:+.3f}"
            for name in ("reduced", "regained", "accuracy", "own_class")
        )
        lines.append(f"  {one.method}, {one.seconds:.0f} s: {numbers} | held out: {held}")
    return "\n".join(lines)


def locate(scores: Path, name: str, label: int) -> Path:
    """Return the file of the results of a cue."""
    return scores / f"{name}-{label}.json"


def write_result(file: Path, result: CueResult) -> None:
    """Write the results of a cue."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(result)))
    part.replace(file)


def read_results(scores: Path) -> list[CueResult]:
    """Read the results of all cues."""
    return [_read(json.loads(file.read_text())) for file in sorted(scores.glob("*.json"))]


def get_rest(model: nn.Module) -> nn.Module:
    """Return the part of a network that follows the first stage."""
    rest: nn.Module = model.get_submodule("rest")
    return rest


def _read(form: dict[str, Any]) -> CueResult:
    return CueResult(**{**form, "fixes": tuple(_read_fix(one) for one in form["fixes"])})


def _read_fix(form: dict[str, Any]) -> FixResult:
    true = {name: _read_estimate(one) for name, one in form["true"].items()} if form["true"] else None
    held = form["held_out"]
    if held is not None:
        held = HeldOutChange(**{name: one if name == "effect" else _read_estimate(one) for name, one in held.items()})
    return FixResult(**{**form, "true": true, "held_out": held})


def _read_estimate(form: dict[str, Any]) -> Estimate:
    interval = form["interval"]
    return Estimate(form["value"], None if interval is None else tuple(interval), form["n_samples"])

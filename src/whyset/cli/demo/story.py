"""The demo's steps for a model and a folder of images, as for any other: they do not know what was planted.

So that they cannot use it, this file does not import the recipe and the data of the demo, which a test checks.
"""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.engines import Progress
from whyset.fixing import explain_fixed, load_fixed
from whyset.runner import ModelSource
from whyset.store import Run
from whyset.store.findings import Finding, Findings
from whyset.store.fixes import FixComparison

SURROGATES = 249
"""With this number the smallest p-value, 1/250, stays significant after correction for ten classes."""
N_CANDIDATES = 10
"""Half the default, which takes two thirds of the time."""
BUDGET = 1000.0
"""Enough for everything on any machine, so that results do not depend on its speed."""


@dataclass(frozen=True)
class Story:
    """The run with its findings, the fixes of the first suspicion, and the fixed model with its own run and findings.

    `fixes` is None if nothing is suspicious, and all that follow are None if no fix is recommended.
    """

    run: Run
    findings: Findings
    fixes: FixComparison | None = None
    fixed_model: nn.Module | None = None
    fixed_run: Run | None = None
    fixed_findings: Findings | None = None

    @property
    def suspicion(self) -> Finding | None:
        """The first suspicion."""
        return find_suspicion(self.findings)


def investigate(source: ModelSource, images: Path, out: Path, fixed_out: Path, progress: Progress) -> Story:
    """Explain, analyze, search, fix the first suspicion, and do the same with the fixed model; done steps are kept."""
    run = ws.explain(source, images, out, composite=EpsilonPlusFlat(), progress=progress)
    model = source.load().module
    _analyze(run, progress)
    findings = _find(run, model, progress)
    first = find_suspicion(findings)
    if first is None:
        return Story(run, findings)
    fixes = ws.fix(run, first, model=model, progress=progress)
    if fixes.recommended is None:
        return Story(run, findings, fixes)
    fixed = load_fixed(run, first.id, model)
    fixed_run = explain_fixed(run, first.id, fixed_out, model=model, progress=progress)
    _analyze(fixed_run, progress)
    return Story(run, findings, fixes, fixed, fixed_run, _find(fixed_run, fixed, progress))


def find_suspicion(findings: Findings) -> Finding | None:
    """Return the first suspicion, or None."""
    return next((one for one in findings if one.kind == "suspicion"), None)


def _analyze(run: Run, progress: Progress) -> None:
    # One view is enough for marks that are always in the same place, and each further one takes as long.
    ws.analyze(run, ws.Spray(surrogates=SURROGATES), views="maps", progress=progress)


def _find(run: Run, model: nn.Module, progress: Progress) -> Findings:
    """Return the findings of the run, which are searched for unless they are of its present commits."""
    if "findings" in run.finding_names:
        found = run.findings()
        if found.problem is None and not found.outdated:
            return found
    test = ws.EffectTest(n_candidates=N_CANDIDATES, budget=BUDGET)
    return ws.find(run, test, model=model, progress=progress)

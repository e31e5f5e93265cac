"""The test of a finding in words, and the samples whose evidence was measured one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from whyset.errors import BrokenRunError, InputError
from whyset.modality import MODALITIES
from whyset.store import Run
from whyset.store.effects import ClassEffects, FreshTrials, InterventionEffects, open_effects
from whyset.store.effects.files import read_class
from whyset.store.findings import Finding, Findings
from whyset.store.findings.sentences import find_words

Stage = Literal["candidate", "random"]


@dataclass(frozen=True)
class SampleTrial:
    """The fresh hosts of one sample: how many the evidence turns into the class, and how many its null.

    `stage` is "candidate" for samples that were chosen by their effects, "random" for those drawn without regard to
    them; `carries` is True for samples of the finding.
    """

    row: int
    stage: Stage
    hosts: int
    turned: int
    null_turned: int
    carries: bool


@dataclass(frozen=True)
class SampleTrials:
    """The trials of single samples, or the `problem` why there are none; `outdated`: they have to be measured again."""

    trials: tuple[SampleTrial, ...] = ()
    problem: str | None = None
    outdated: bool = False


def describe_intervention(finding: Finding) -> str:
    """Describe in words what was inserted where, and when a host turns."""
    words = find_words(finding)
    kind = MODALITIES.get(finding.modality)
    samples = "samples" if kind is None else kind.plural
    verb = "are" if words.plural else "is"
    evidence = f"{words.noun[:1].upper()}{words.noun[1:]}"
    named = f" ({finding.text})" if finding.text else ""
    return (
        f"{evidence}{named} of a sample {verb} {words.verb} {samples} of other classes, the hosts. A host turns if "
        f"{finding.class_name} is predicted with the evidence, and another class was predicted without."
    )


def describe_null(finding: Finding) -> str:
    """Describe in words what the effect is compared with."""
    if not finding.null_text:
        return ""
    return (
        f"In the same way, the null is put into the same hosts: {finding.null_text}. What it turns, any change turns."
    )


def describe_numbers_of_test(finding: Finding, findings: Findings) -> list[str]:
    """Describe the numbers of seeds, of measured samples, and of their hosts, as far as they are stored."""
    lines = []
    if finding.seeds:
        lines.append(f"{_count(len(finding.seeds), 'seed')}: samples whose evidence turns most hosts; they define it.")
    test = findings.config.get("test")
    counts = test if isinstance(test, dict) else {}
    if finding.effect is not None:
        measured = finding.effect.turned.n_samples
        hosts = counts.get("n_hosts")
        each = f", each in {_count(hosts, 'fresh host')}" if isinstance(hosts, int) else ""
        fresh = len(set(finding.rows) - set(finding.seeds))
        chosen = " that took no part in the choice of seeds" if fresh >= measured else ""
        lines.append(f"The effect is that of {_count(measured, 'carrier')}{chosen}{each}.")
    selected, candidates = counts.get("n_selection_hosts"), counts.get("n_candidate_hosts")
    if isinstance(selected, int) and isinstance(candidates, int):
        lines.append(
            f"Candidates were chosen by {_count(selected, 'host')} of each sample, and measured on "
            f"{candidates} fresh ones."
        )
    return lines


def read_trials(run: Run, findings: Findings, finding: Finding) -> SampleTrials:
    """Read the effect of each sample from the test of effects that a search began with."""
    try:
        tested = _read_class(run, findings, finding)
    except (BrokenRunError, InputError) as error:
        return SampleTrials(problem=f"The effects of single samples cannot be shown: {error}.", outdated=True)
    if tested.problem is not None:
        return SampleTrials(problem=f"{finding.class_name} was not tested: {tested.problem}.")
    found = _match(tested, finding)
    if found is None:
        problem = f"The effects {findings.effects_name} lack the intervention of the finding."
        return SampleTrials(problem=problem, outdated=True)
    return SampleTrials(tuple(_list_trials(found, frozenset(finding.rows))))


def _read_class(run: Run, findings: Findings, finding: Finding) -> ClassEffects:
    """Read the effects in the class of a finding; InputError: they are missing or outdated."""
    effects = open_effects(run.path, findings.effects_name, len(run))
    if effects.outdated:
        raise InputError(f"the effects {effects.name} were measured from other commits than the run has now")
    listed = next((one for one in effects.listed if one.id == finding.class_id), None)
    file = effects.path / f"{finding.class_id}.json"
    if listed is None or not file.is_file():
        raise InputError(f"the effects {effects.name} have no finished class {finding.class_name}")
    tested = read_class(file, listed, effects.config_hash, effects.data, len(run))
    if tested.problem is not None:
        raise InputError(tested.problem)
    return tested.effects


def _match(effects: ClassEffects, finding: Finding) -> InterventionEffects | None:
    return next((one for one in effects.interventions if one.intervention == finding.intervention), None)


def _list_trials(effects: InterventionEffects, carriers: frozenset[int]) -> Iterator[SampleTrial]:
    """Yield the trials on fresh hosts, those that turn the largest share first."""
    stages: tuple[tuple[Stage, FreshTrials], ...] = (("candidate", effects.candidates), ("random", effects.random))
    found = [
        SampleTrial(row, stage, hosts, turned, null, row in carriers)
        for stage, trials in stages
        for row, hosts, turned, null in zip(trials.rows, trials.hosts, trials.turned, trials.null_turned, strict=True)
        if hosts > 0
    ]
    return iter(sorted(found, key=lambda one: (-one.turned / one.hosts, one.row)))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

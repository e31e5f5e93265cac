"""Reports on a run while it is computed and when it ends."""

from typing import Any

import numpy as np

from whyset.engines import Progress, TaskResult
from whyset.errors import InputError, WhysetError
from whyset.runner.gate import Gate
from whyset.runner.output_kinds import NO_CLASS
from whyset.runner.shard import ShardReport
from whyset.runner.sources import UNKNOWN
from whyset.store import DONE, Run
from whyset.store.commits import list_failed_samples
from whyset.store.prediction_errors import describe_errors

NAMED = 5


class Summary:
    """Reports finished shards, failures and accuracy, and raises if nothing was explained."""

    def __init__(self, run: Run, progress: Progress, gate: Gate) -> None:
        self.run, self.progress, self.gate = run, progress, gate
        self.errors: dict[int, str] = {}
        self.reported = 0
        self.each = run.config.targets_per_sample

    def add(self, result: TaskResult[int, Any]) -> None:
        if isinstance(result.value, ShardReport):
            self.reported += 1
            if self.reported == 1 and self.run.shard_count > 1:
                if result.value.labeled:
                    self._say_accuracy("accuracy after the first shard", result.value.correct, result.value.labeled)
                self.gate.report(" after the first shard")
        else:
            self.errors[result.task] = result.error or "unknown error"
            start, stop = (row // self.each for row in self.run.shard_range(result.task))
            self.progress.warn(f"shard {result.task} (samples {start} to {stop - 1}) failed: {result.error}")

    def conclude(self) -> None:
        """Report accuracy and failures; raise if nothing was explained."""
        if self.errors and not self.run.committed.any():
            raise WhysetError(f"no shard could be computed; the first error is {next(iter(self.errors.values()))}")
        done = self.run.column("status") == DONE
        failures = self.run.failures
        if failures and not done.any():
            count = len(failures) // self.each
            raise InputError(f"none of {count:,} samples was explained; the first is {_name_failure(failures[0])}")
        prediction = self.run.column("prediction")
        labeled = (done & (self.run.labels != UNKNOWN) & (prediction != NO_CLASS))[:: self.each]
        if labeled.any():
            correct = int(np.sum((prediction == self.run.labels)[:: self.each][labeled]))
            self._say_accuracy("accuracy", correct, int(labeled.sum()))
        for line in () if self.run.config.has_predictions else describe_errors(self.run):
            self.progress.info(line)
        if failures:
            samples = list_failed_samples(failures)
            of = "" if self.each == 1 else " samples"
            more = f", and {len(samples) - NAMED:,} more{of}" if len(samples) > NAMED else ""
            named = "; ".join(map(_name_failure, samples[:NAMED]))
            what = "samples" if self.each == 1 else "explanations"
            self.progress.warn(f"{len(failures):,} of {len(self.run):,} {what} failed: {named}{more}")
        self.gate.report()

    def _say_accuracy(self, what: str, correct: int, labeled: int) -> None:
        self.progress.info(f"{what}: {correct / labeled:.1%} ({correct:,} of {labeled:,} samples)")


def _name_failure(failure: Any) -> str:
    return f"{failure.id} ({failure.error})"

"""A pipeline: a named sequence of processors whose results carry names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class Step:
    """One processor of a pipeline: the name of its result, and the names of what it is called with, in order."""

    name: str
    processor: Processor
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Pipeline:
    """A named sequence of steps. Names that no step makes are what the pipeline is given.

    >>> from whyset.analysis.processors import AbsoluteSum, ChannelSum
    >>> steps = (Step("summed", ChannelSum(), ("maps",)), Step("normalised", AbsoluteSum(), ("summed",)))
    >>> results = Pipeline("prepare", steps).run({"maps": np.full((1, 3, 2, 2), -2.0)}, seed=0)
    >>> results["normalised"].tolist()
    [[[-0.25, -0.25], [-0.25, -0.25]]]
    """

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"Pipeline {self.name!r}: every result needs its own name, repeated: {repeated}.")
        for position, step in enumerate(self.steps):
            late = [name for name in step.inputs if name in names[position:]]
            if late:
                raise InputError(f"Pipeline {self.name!r}: {step.name!r} needs {late}, which are made only later.")

    @property
    def given(self) -> list[str]:
        """The names that must be given, in order of first use."""
        made = {step.name for step in self.steps}
        return list(dict.fromkeys(name for step in self.steps for name in step.inputs if name not in made))

    def run(self, given: Mapping[str, Any], *, seed: int) -> dict[str, Any]:
        """Run all steps; the answer holds every result by its name. Every random step draws its seed from `seed`."""
        missing = [name for name in self.given if name not in given]
        if missing:
            raise InputError(f"Pipeline {self.name!r} needs {missing}, given were {sorted(given)}.")
        results = dict(given)
        for step in self.steps:
            call: Callable[..., Any] = step.processor  # type: ignore[assignment]  # each has its own typed __call__
            own_seed = {"seed": step_seed(seed, step.name)} if step.processor.seeded else {}
            results[step.name] = call(*(results[name] for name in step.inputs), **own_seed)
        return results

    def until(self, name: str) -> "Pipeline":
        """Give the pipeline of only those steps that the result `name` rests on."""
        wanted, steps = {name}, []
        for step in reversed(self.steps):
            if step.name in wanted:
                wanted.update(step.inputs)
                steps.append(step)
        if not steps:
            raise InputError(f"Pipeline {self.name!r} makes no {name!r}; it makes {[s.name for s in self.steps]}.")
        return Pipeline(f"{self.name} until {name}", tuple(reversed(steps)))

    def __str__(self) -> str:
        width = max((len(step.name) for step in self.steps), default=0)
        lines = [f"  {step.name:<{width}} = {step.processor} of {', '.join(step.inputs)}" for step in self.steps]
        return "\n".join([f"{self.name}({', '.join(self.given)})", *lines])


def step_seed(seed: int, name: str) -> int:
    """Derive the seed of one step, so that a step added elsewhere changes no other step's random numbers."""
    return int(np.random.SeedSequence([seed, crc32(name.encode())]).generate_state(1)[0])

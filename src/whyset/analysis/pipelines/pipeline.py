"""A pipeline: a named sequence of processors with named results, run in sequence or in parallel."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol
from zlib import crc32

import numpy as np

from whyset.analysis.pipelines.serialization import processor_from_dict
from whyset.analysis.processors.base import Processor
from whyset.errors import InputError

FORMAT = "whyset-pipeline/1"

# Two threads that import parts of scikit-learn for the first time at once can see a half-initialized module.
_IMPORT_FIRST = ("sklearn.cluster", "sklearn.decomposition", "sklearn.manifold")


@dataclass(frozen=True)
class Step:
    """One processor of a pipeline, with the names of its result and of its arguments.

    Parameters
    ----------
    name : str
        The name of the result.
    processor : Processor
        The processor.
    inputs : tuple of str
        The names of the results that it is called with, in order.
    """

    name: str
    processor: Processor
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))

    def seed(self, seed: int) -> dict[str, int]:
        """Return the keyword `seed` for a processor that takes one, derived from the seed of the pipeline."""
        return {"seed": step_seed(seed, self.name)} if self.processor.seeded else {}


class Memory(Protocol):
    """A cache of the results of steps, such as `whyset.analysis.Memo`."""

    def key(self, given: Any) -> str: ...
    def step_key(self, processor: Processor, inputs: list[str], seed: Mapping[str, int]) -> str: ...
    def get(self, key: str, make: Callable[[], Any]) -> Any: ...


@dataclass(frozen=True)
class Pipeline:
    """A named sequence of steps. Inputs that are not the result of a step are passed to `run`.

    Parameters
    ----------
    name : str
        The name of the pipeline.
    steps : tuple of Step
        The steps; every step comes after the steps of its inputs.

    Raises
    ------
    InputError
        Two results have the same name, or a step needs a result of a later one.

    Examples
    --------
    >>> from whyset.analysis.processors import AbsoluteSum, ChannelSum
    >>> steps = (Step("summed", ChannelSum(), ("maps",)), Step("normalized", AbsoluteSum(), ("summed",)))
    >>> pipeline = Pipeline("prepare", steps)
    >>> results = pipeline.run({"maps": np.full((1, 3, 2, 2), -2.0)}, seed=0)
    >>> results["normalized"].tolist()
    [[[-0.25, -0.25], [-0.25, -0.25]]]
    >>> Pipeline.from_json(pipeline.to_json()) == pipeline
    True
    """

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        names = [step.name for step in self.steps]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"Pipeline {self.name!r}: every result needs its own name, repeated: {repeated}.")
        for position, step in enumerate(self.steps):
            late = [name for name in step.inputs if name in names[position:]]
            if late:
                raise InputError(f"Pipeline {self.name!r}: {step.name!r} needs {late}, which are made only later.")

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in order of first use."""
        made = {step.name for step in self.steps}
        return list(dict.fromkeys(name for step in self.steps for name in step.inputs if name not in made))

    def run(
        self, given: Mapping[str, Any], *, seed: int, workers: int = 1, memo: Memory | None = None
    ) -> dict[str, Any]:
        """Run all steps and return inputs and results by name. The seeds of random steps are derived from `seed`.

        With several `workers` (threads), independent steps run in parallel, with the same results. Results in `memo`
        are not computed again.
        """
        missing = [name for name in self.input_names if name not in given]
        if missing:
            raise InputError(f"Pipeline {self.name!r} needs {missing}, got {sorted(given)}.")
        if workers < 1:
            raise InputError(f"Pipeline {self.name!r}: workers must be at least 1, got {workers}.")
        results, keys, one_at_a_time = dict(given), {} if memo is None else self._keys(given, seed, memo), Lock()

        def call(step: Step, so_far: dict[str, Any]) -> Any:
            def work() -> Any:
                do: Callable[..., Any] = step.processor  # type: ignore[assignment]  # each has its own typed __call__
                with one_at_a_time if step.processor.alone else nullcontext():
                    return do(*(so_far[name] for name in step.inputs), **step.seed(seed))

            return work() if memo is None else memo.get(keys[step.name], work)

        _run_steps(self.steps, results, call, workers)
        return results

    def _keys(self, given: Mapping[str, Any], seed: int, memo: Memory) -> dict[str, str]:
        """Return the key of every result in the memo: inputs by their content, results by their steps."""
        keys = {name: memo.key(given[name]) for name in self.input_names}
        for step in self.steps:
            keys[step.name] = memo.step_key(step.processor, [keys[name] for name in step.inputs], step.seed(seed))
        return keys

    def until(self, name: str) -> "Pipeline":
        """Return the pipeline of the steps that the result `name` depends on."""
        wanted, steps = {name}, []
        for step in reversed(self.steps):
            if step.name in wanted:
                wanted.update(step.inputs)
                steps.append(step)
        if not steps:
            raise InputError(f"Pipeline {self.name!r} has no result {name!r}; it has {[s.name for s in self.steps]}.")
        return Pipeline(f"{self.name} until {name}", tuple(reversed(steps)))

    def to_json(self) -> str:
        """Return the pipeline as JSON; `from_json` returns an equal one."""
        steps = [
            {"name": step.name, "processor": step.processor.to_dict(), "inputs": list(step.inputs)}
            for step in self.steps
        ]
        return json.dumps({"format": FORMAT, "name": self.name, "steps": steps}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Pipeline":
        """Make the pipeline of a text from `to_json`.

        InputError: the text is not a pipeline, or one of its processors is unknown or has another source.
        """
        try:
            stored = json.loads(text)
            if stored["format"] != FORMAT:
                raise InputError(f"Expected a pipeline of the format {FORMAT!r}, got {stored['format']!r}.")
            steps = [(step["name"], step["processor"], tuple(step["inputs"])) for step in stored["steps"]]
            return cls(
                stored["name"], tuple(Step(name, processor_from_dict(form), inputs) for name, form, inputs in steps)
            )
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"This is not a stored pipeline ({type(error).__name__}: {error}).") from error

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, steps: {', '.join(step.name for step in self.steps)})"

    def __str__(self) -> str:
        width = max((len(step.name) for step in self.steps), default=0)
        lines = [f"  {step.name:<{width}} = {step.processor} of {', '.join(step.inputs)}" for step in self.steps]
        return "\n".join([f"{self.name}({', '.join(self.input_names)})", *lines])


# A renamed step keeps the seed of its former name, so that analyses of earlier versions can be repeated exactly.
_SEEDED_AS = MappingProxyType({"neighbors": "neighbours"})
UNJOINED = "unjoined"  # a clustering before its clusters are joined; such steps were called "clustering.<name>"


def step_seed(seed: int, name: str) -> int:
    """Derive the seed of one step from its name, so that further steps do not change its random numbers."""
    kind, dot, rest = name.partition(".")
    seeded_as = f"clustering.{rest}" if dot and kind == UNJOINED else _SEEDED_AS.get(name, name)
    return int(np.random.SeedSequence([seed, crc32(seeded_as.encode())]).generate_state(1)[0])


def _run_steps(
    steps: tuple[Step, ...], results: dict[str, Any], call: Callable[[Step, dict[str, Any]], Any], workers: int
) -> None:
    """Add the result of every step to `results`; each of up to `workers` threads runs a step once its inputs are known.

    Threads are enough, because NumPy, SciPy and scikit-learn release the interpreter lock. The first error is raised
    when the running steps have ended; no further step is started.
    """
    if workers == 1:
        for step in steps:
            results[step.name] = call(step, results)
        return
    for name in _IMPORT_FIRST:
        import_module(name)
    waiting, running = list(steps), dict[Future[Any], Step]()
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            ready = [step for step in waiting if all(name in results for name in step.inputs)]
            waiting = [step for step in waiting if step not in ready]
            running |= {pool.submit(call, step, dict(results)): step for step in ready}
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                results[running.pop(future).name] = _result_or_stop(future, running)


def _result_or_stop(future: Future[Any], others: dict[Future[Any], Step]) -> Any:
    if future.exception() is not None:
        for other in others:
            other.cancel()
    return future.result()

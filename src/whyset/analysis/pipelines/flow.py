"""Execution of steps, in sequence or in parallel."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import import_module
from typing import Any, Protocol, TypeVar

# Two threads that import parts of scikit-learn for the first time at once can see a half-initialized module.
_FIRST = ("sklearn.cluster", "sklearn.decomposition", "sklearn.manifold")


class NamedStep(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=NamedStep)


def run_steps(
    steps: tuple[S, ...], results: dict[str, Any], call: Callable[[S, dict[str, Any]], Any], workers: int
) -> None:
    """Add the result of every step to `results`; each of up to `workers` threads runs a step once its inputs are known.

    Threads are enough, because NumPy, SciPy and scikit-learn release the interpreter lock. The first error is raised
    when the running steps have ended; no further step is started.
    """
    if workers == 1:
        for step in steps:
            results[step.name] = call(step, results)
        return
    for name in _FIRST:
        import_module(name)
    waiting, running = list(steps), dict[Future[Any], S]()
    with ThreadPoolExecutor(workers) as pool:
        while waiting or running:
            ready = [step for step in waiting if all(name in results for name in step.inputs)]
            waiting = [step for step in waiting if step not in ready]
            running |= {pool.submit(call, step, dict(results)): step for step in ready}
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                results[running.pop(future).name] = _result_or_stop(future, running)


def _result_or_stop(future: Future[Any], others: dict[Future[Any], S]) -> Any:
    if future.exception() is not None:
        for other in others:
            other.cancel()
    return future.result()

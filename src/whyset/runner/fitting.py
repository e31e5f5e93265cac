"""Methods that are fitted on the data: fitted once for a run, and kept with it."""

from collections.abc import Iterator
from functools import partial

import torch

from whyset.attribution.methods import Method
from whyset.attribution.methods.fitted import FittedMethod
from whyset.errors import InputError
from whyset.runner.devices import place
from whyset.runner.input_check import require_finite
from whyset.runner.sources import Source, spread
from whyset.runner.sources.source import attempt, get_structure
from whyset.store.files import read_bytes, replace_file
from whyset.store.layout import METHOD
from whyset.store.remote import AnyPath


def fit_method(method: Method, model: torch.nn.Module, source: Source, batch_size: int, run: AnyPath) -> Method:
    """Return a method that can be bound: with the statistics of the run that is continued or repeated, or fitted.

    Methods without statistics of the data, and those that have them already, are returned unchanged. A run whose file
    is missing gets them by a new fit, and its configuration tells if they are the same.

    InputError: the file of the run is damaged or not the one that run.json states, no sample can be read, or samples
    have several inputs.
    """
    if not isinstance(method, FittedMethod) or method.is_fitted:
        return method
    file = run / METHOD
    if not file.is_file():
        if get_structure(source) is not None:
            raise InputError(
                f"the method {method.name} is fitted on samples with a single input, but these have several, or are "
                "texts: choose another method, such as gradient, integrated_gradients or occlusion"
            )
        return method.fit(model, _read_batches(method.n_samples, model, source, batch_size))
    fitted = method.with_statistics(read_bytes(file), str(file))
    if method.digest not in (None, fitted.digest):
        raise InputError(
            f"{file}: expected the statistics {method.digest} that run.json states, got {fitted.digest}: restore the "
            "file from a copy of the run"
        )
    return fitted


def keep_method(method: Method, run: AnyPath) -> None:
    """Write the statistics of a method into the folder of its run, unless they are there."""
    if isinstance(method, FittedMethod) and not (run / METHOD).is_file():
        replace_file(run / METHOD, method.to_bytes())


def _read_batches(count: int, model: torch.nn.Module, source: Source, batch_size: int) -> Iterator[torch.Tensor]:
    """Yield samples spread over the data in batches; InputError: none can be read.

    Samples that cannot be read, and those of another shape than the first one, are left out.
    """
    batch: list[torch.Tensor] = []
    shape = None
    for index in spread(len(source), count):
        x, _ = attempt(partial(_read, source, int(index)))
        if x is None or x.shape != (shape or x.shape):
            continue
        shape = x.shape
        batch.append(x)
        if len(batch) == batch_size:
            yield place(torch.stack(batch), model)
            batch = []
    if shape is None:
        raise InputError(f"none of {min(count, len(source))} samples can be read, so the method cannot be fitted")
    if batch:
        yield place(torch.stack(batch), model)


def _read(source: Source, index: int) -> torch.Tensor:
    return require_finite(source[index][0])

"""Runs with their model and data, for further measurements on the samples that were explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from whyset.engines import Engine, Progress
from whyset.errors import InputError, NotTestedError, RunMismatchError, WhysetError
from whyset.runner.activity import Activity
from whyset.runner.consent import Trust
from whyset.runner.devices import usable_device
from whyset.runner.evaluation_mode import evaluating
from whyset.runner.explain_config import ExplainConfig
from whyset.runner.explaining import bind_code, load, make_plan
from whyset.runner.job import Job
from whyset.runner.labels import Labels
from whyset.runner.models import LoadedModel, ModelSource
from whyset.runner.prefetch import Prefetcher
from whyset.runner.rerun import choose_device, permit, restore_request
from whyset.runner.same_inputs import require_same_inputs
from whyset.runner.same_outputs import require_same_outputs
from whyset.runner.structure_check import check_structure
from whyset.runner.structured_model import with_structure
from whyset.store import Run


@dataclass(frozen=True, eq=False)
class ReopenedRun:
    """A run with its model in evaluation mode on its device, a reader of its samples, and the job for workers."""

    model: torch.nn.Module
    reading: Prefetcher
    job: Job

    def open_other(self, given: Any) -> Prefetcher:
        """Open other data, a path or an object, with the preprocessing and the classes of the run.

        InputError: it cannot be opened, or its classes are others.
        """
        run, is_path = self.job.run, isinstance(given, str | Path)
        if is_path and not str(given):  # "" would be the data of the run
            raise InputError("the other data is '': expected a path or a data set")
        path, dataset = (given, None) if is_path else (None, given)
        names = run.config.class_names
        request = restore_request(run, run.path, path, self.model, dataset, labels=Labels.of(names) if names else None)
        source = replace(request, limit=None).source(None, self.model)
        found = source.class_names
        if found is not None and names and tuple(found) != names:
            raise InputError(
                f"the other data has the classes {', '.join(map(str, found))}: expected those of {run.path}: "
                f"{', '.join(names)}"
            )
        return replace(self.reading, source=source)


@contextmanager
def reopen(
    run: Run,
    engine: Engine,
    said: Progress,
    *,
    model: torch.nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    trust: Trust = False,
) -> Iterator[ReopenedRun]:
    """Load the model and open the data of a run, with the rules of `rerun` for what may be executed.

    A given `model` and `dataset` replace those that run.json names. The configuration, some inputs and some outputs are
    compared with those of the run. Afterwards the model has its former mode.

    Raises NotTestedError if the model or the data cannot be found or are not trusted, and RunMismatchError if they are
    not those of the run.
    """
    request, activity = _restore(run, said, model, dataset, data, device, trust), Activity()
    loaded = load(request.model, request.device)
    _require_layers(run, loaded.module)
    source = request.source(loaded.preprocessing, loaded.module)
    with evaluating(loaded.module):
        check_structure(loaded.module, source, request.output, pads=request.pads_texts)
        loaded = replace(loaded, module=with_structure(loaded.module, source))
        config = run.config if model is None else replace(run.config, model=_name_model(loaded))
        plan = make_plan(request, loaded, source, run.path, (config, run.path), said, activity)
        reading = Prefetcher(plan.source, plan.shape, False, 0, activity, plan.scores)
        require_same_inputs(run, reading, said)
        require_same_outputs(run, reading, loaded.module, plan.wanted, said)
        sent = loaded.module if engine.in_process else bind_code(request.model, loaded.code_hash)
        job = Job(run, sent, plan.source, plan.wanted, plan.shape, request.batch_size, request.device, request.seed)
        yield ReopenedRun(loaded.module, reading, job)


def _require_layers(run: Run, model: torch.nn.Module) -> None:
    """Raise RunMismatchError if the model lacks a layer whose channels the run has recorded."""
    modules = dict(model.named_modules())
    for layer in (*run.concepts, *run.activations, *run.mean_activations):
        if layer not in modules:
            raise RunMismatchError(
                f"{run.path} has recorded the layer {layer!r}, which the model does not have: it is another model"
            )


def _restore(
    run: Run,
    said: Progress,
    model: torch.nn.Module | None,
    dataset: Any,
    data: str | Path | None,
    device: str | None,
    trust: Trust,
) -> ExplainConfig:
    """Return the options that made the run, once its model file may be executed."""
    try:
        request = restore_request(run, run.path, data, model, dataset)
        request = replace(request, device=choose_device(run.config, device), out=run.path)
        permit(run, request, trust, said)
    except RunMismatchError:
        raise
    except InputError as error:
        raise NotTestedError(str(error)) from error
    except WhysetError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OSError, RuntimeError) as error:
        raise NotTestedError(f"{run.path}: the origin in its run.json is damaged ({error!r})") from error
    moves = request.device is not None or isinstance(request.model, ModelSource)
    return replace(request, device=usable_device(request.device)) if moves else request


def _name_model(loaded: LoadedModel) -> str:
    return loaded.name if loaded.code_hash is None else f"{loaded.name} (code {loaded.code_hash[:12]})"

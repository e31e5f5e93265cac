"""`again`: repeat a run from its run.json, or say why it cannot be repeated."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from whyset.engines import Engine, Progress, Silent
from whyset.errors import InputError
from whyset.runner.explaining import STALL_SECONDS, fulfil
from whyset.runner.kind import Kind
from whyset.runner.labels import Labels
from whyset.runner.models import ModelSource
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.request import Request, file_hash
from whyset.runner.restoring import restored_composite
from whyset.runner.sources import ArrayFileSource, source_at
from whyset.runner.values import Kept, restored
from whyset.runner.versions import versions
from whyset.store import AnyPath, Run, RunConfig, located, open_run


def again(
    run: str | AnyPath,
    out: str | AnyPath | None = None,
    *,
    data: str | Path | None = None,
    engine: str | Engine = "serial",
    device: str | None = None,
    stall_timeout: float = STALL_SECONDS,
    progress: Progress | None = None,
) -> Run:
    """Repeat the run `run` in the folder `out` with everything that its run.json states; without `out`, continue it.

    `data` says where the data lies if it has moved. InputError: something that determined the run is not there any
    more or has changed; nothing was written.

    >>> again("runs/cifar", "runs/cifar-again")  # doctest: +SKIP
    """
    kept = open_run(located(run))
    stored = kept.config
    if kept.config_hash != stored.hash:
        raise InputError(
            f"{run} cannot be repeated: a newer whyset made it with settings that this one does not know: update whyset"
        )
    request = replace(_request(stored, run, data), device=_device(stored, device))
    said = progress or Silent()
    _say_what_differs(stored, request, said)
    return fulfil(
        request,
        located(run if out is None else out),
        engine,
        said,
        expected=(stored, located(run)),
        stall_timeout=stall_timeout,
    )


def _request(config: RunConfig, run: str | AnyPath, data: str | Path | None) -> Request:
    origin: Mapping[str, Any] = config.origin
    reasons = list(_reasons(origin, data))
    if reasons:
        raise InputError(f"{run} cannot be repeated from its run.json: {'; '.join(reasons)}")
    preprocessing = restored(config.preprocessing, f"the preprocessing of {run}")
    labels = _labels(origin["labels"])
    return Request(
        model=_model(origin["model"], preprocessing, run),
        dataset=_source(origin["data"], data, preprocessing, labels),
        composite=restored_composite(config.composite, str(run)),
        target=config.target if isinstance(config.target, (str, int)) else list(config.target),
        layers=config.layers,
        concepts=config.concepts,
        dtype=config.dtype,
        reduction=config.reduction,
        pool=config.pool,
        labels=labels,
        batch_size=origin["batch_size"],
        inputs=origin["inputs"],
        seed=config.seed,
        limit=origin["limit"],
        kind=Kind(config.modality, config.features or None, config.rate),
    )


def _reasons(origin: Mapping[str, Any], data: str | Path | None) -> list[str]:
    """Why a run cannot be repeated, as far as its run.json tells."""
    if "model" not in origin:
        return ["it does not say where the model and the data came from (an imported run, or an early version's)"]
    reasons = []
    if origin["model"] is None:
        reasons.append("the model was an object given from Python (give a ModelSource to make runs repeatable)")
    if origin["data"] is None and data is None:
        reasons.append("the data was an object given from Python (save it as .npz or a folder, and explain that)")
    return reasons


def _model(origin: Mapping[str, Any], preprocessing: Kept, run: str | AnyPath) -> ModelSource:
    weights = None if origin["weights"] is None else Path(origin["weights"])
    if weights is not None and not weights.is_file():
        raise InputError(f"{run} cannot be repeated: its weights {weights} are not there any more")
    if weights is not None and file_hash(weights) != origin["weights_sha256"]:
        raise InputError(f"{run} cannot be repeated: its weights {weights} have changed since")
    return ModelSource(origin["spec"], weights, preprocessing if isinstance(preprocessing, Preprocessing) else None)


def _source(
    origin: Mapping[str, Any] | None, data: str | Path | None, preprocessing: Kept, labels: Labels | None
) -> Any:
    path = Path(data or (origin or {})["path"])
    if not path.exists():
        raise InputError(f"data {path} does not exist (any more): say where it lies now by --data (data=)")
    if origin is not None and "images" in origin:
        names = None if labels is None else labels.names
        return ArrayFileSource(path, preprocessing, names, origin["images"], origin["labels"])
    return source_at(path, preprocessing, labels)


def _labels(stored: Mapping[str, Any] | None) -> Labels | None:
    return None if stored is None else Labels(tuple(stored["names"]), dict(stored["indices"]))


def _device(config: RunConfig, given: str | None) -> str | None:
    """The device asked for, else the kind that the run was made on, if it is there."""
    if given is not None:
        return given
    kind = str(config.origin["device"]).partition(":")[0]
    return kind if kind == "cpu" or (kind == "cuda" and torch.cuda.is_available()) else None


def _say_what_differs(config: RunConfig, request: Request, said: Progress) -> None:
    """Other versions and devices may change the last bits."""
    now = versions()
    differing = [f"{name} {config.versions.get(name)} then, {now[name]} now" for name in now]
    differing = [line for line, name in zip(differing, now, strict=True) if config.versions.get(name) != now[name]]
    if differing:
        said.say(f"maps may differ in their last bits: {', '.join(differing)}")
    made_on = str(config.origin["device"]).partition(":")[0]
    if request.device is None or request.device.partition(":")[0] != made_on:
        said.say(f"maps may differ in their last bits: the run was made on {made_on}")

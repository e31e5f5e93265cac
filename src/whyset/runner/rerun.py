"""`rerun`: repeat a run from its run.json, or report why it cannot be repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from whyset.display import resolve_progress
from whyset.engines import Engine, Progress
from whyset.errors import InputError, WhysetError
from whyset.options.explain import STALL_SECONDS
from whyset.runner.composites import AUTO, composite_from_dict
from whyset.runner.consent import ModelCode, Trust, model_code, require_own_weights, require_trust
from whyset.runner.explain_config import OF_ORIGIN, ExplainConfig, list_kept
from whyset.runner.explaining import run_explanation
from whyset.runner.input_codecs import InputCodec, codec_from_dict
from whyset.runner.labels import Labels
from whyset.runner.methods import explain_unrepeatable, method_from_dict
from whyset.runner.models import ModelSource
from whyset.runner.output_kinds import FunctionKind, kind_from_dict
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources import ArrayFileSource, WavFolderSource, is_source, source_at
from whyset.runner.targets import Listed
from whyset.runner.versions import versions
from whyset.store import Run, RunConfig, open_run
from whyset.store.maps.description import ARRAYS, ORIGIN
from whyset.store.remote import AnyPath, as_path


def rerun(
    run: str | AnyPath,
    out: str | AnyPath | None = None,
    *,
    data: str | Path | None = None,
    engine: str | Engine = "serial",
    device: str | None = None,
    stall_timeout: float = STALL_SECONDS,
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> Run:
    """Repeat the run `run` in the folder `out` with everything that its run.json states; without `out`, continue it.

    `data` is the path of the data if it has moved. A model file that the run names is executed only if it has the
    hash that the run states, and, if this user did not make the run on this machine, only with `trust`: True, or a
    function of the `ModelCode` (path and SHA-256) that returns True. See docs/what-executes-code.md.

    `progress`: by default a bar on a terminal or in a notebook, and otherwise the logger `whyset.progress`; True always
    shows progress, False never does, and messages are logged then.

    Raises InputError if something that determined the run is missing, has changed or is not trusted; then nothing was
    executed or written.

    >>> rerun("runs/cifar", "runs/cifar-again")  # doctest: +SKIP
    """
    kept = open_run(as_path(run))
    stored = kept.config
    if kept.config_hash != stored.hash:
        raise InputError(
            f"{run} cannot be repeated: it was made by a newer whyset with settings unknown to this one: update whyset"
        )
    try:
        request = replace(
            restore_request(kept, run, data),
            out=as_path(run if out is None else out),
            engine=engine,
            device=choose_device(stored, device),
            stall_timeout=stall_timeout,
            progress=progress,
        )
    except WhysetError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OSError, RuntimeError) as error:  # of paths, too
        raise InputError(f"{run} cannot be repeated: the origin in its run.json is damaged ({error!r})") from error
    said = resolve_progress(progress)
    permit(kept, request, trust, said)
    _say_what_differs(stored, request, said)
    return run_explanation(request, expected=(stored, as_path(run)))


def permit(run: Run, request: ExplainConfig, trust: Trust, said: Progress) -> None:
    """Require trust in the file that is going to be executed, and report it."""
    source = request.model
    if isinstance(source, ModelSource) and source.file is not None and source.code_sha256 is not None:
        require_trust(run, ModelCode(source.file, source.code_sha256), trust)
        said.info(f"executing {source.file} (SHA-256 {source.code_sha256})")


def restore_request(
    kept: Run,
    run: str | AnyPath,
    data: str | Path | None,
    model: torch.nn.Module | None = None,
    dataset: Any = None,
    labels: Labels | None = None,
) -> ExplainConfig:
    """Return the options of `explain` that made a run; a given model or data set replaces that of the run.

    `labels` name the outputs if run.json does not state where their names are from.

    InputError: run.json does not state them, or files are missing or have changed.
    """
    config = kept.config
    origin: Mapping[str, Any] = config.origin
    reasons = list(_reasons(config, data, has_model=model is not None, has_dataset=dataset is not None))
    if reasons:
        raise InputError(f"{run} cannot be repeated from its run.json: {'; '.join(reasons)}")
    preprocessing = codec_from_dict(config.preprocessing, f"the preprocessing of {run}")
    labels = _labels(origin["labels"]) or labels
    needs_preprocessing = _is_structured(origin) or (dataset is not None and not is_source(dataset))
    computed = {
        "model": _model(kept, preprocessing) if model is None else model,
        "dataset": _dataset(origin, data, preprocessing, labels) if dataset is None else dataset,
        "composite": AUTO if config.attributor is not None else composite_from_dict(config.composite, str(run)),
        "method": method_from_dict(config.attributor, str(run)),
        "target": _target(kept),
        "targets": config.target if isinstance(config.target, tuple) else None,
        "output": _choice(config),
        "output_kind": kind_from_dict(config.output_kind),
        "class_names": labels,
        "features": config.features or None,
        "tokens": _find_tokens(origin.get("tokens")),
        # data of samples with one input has its preprocessing
        "preprocessing": preprocessing if needs_preprocessing and isinstance(preprocessing, Preprocessing) else None,
    }
    return ExplainConfig(out=run, **(_get_kept(config) | computed))


def _get_kept(config: RunConfig) -> dict[str, Any]:
    """Return the options whose values run.json keeps."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    values |= {OF_ORIGIN + name: value for name, value in config.origin.items()}
    return {name: values[place] for name, place in list_kept().items() if place in values}


def _reasons(config: RunConfig, data: str | Path | None, *, has_model: bool, has_dataset: bool) -> list[str]:
    """List the reasons in run.json why a run cannot be repeated."""
    origin = config.origin
    if origin.get(ORIGIN) == ARRAYS:
        return ["its relevance maps were given, not computed (`from_arrays` with the same arrays makes it again)"]
    if "model" not in origin:
        return ["it does not state the origin of the model and the data (an imported run, or one of an early version)"]
    reasons = []
    if origin["model"] is None and not has_model:
        reasons.append("the model was an object given from Python (give a ModelSource to make runs repeatable)")
    if origin["data"] is None and data is None and not has_dataset:
        reasons.append("the data was an object given from Python (save it as .npz or a folder, and explain that)")
    if (reason := explain_unrepeatable(config.attributor)) is not None:
        reasons.append(reason)
    if isinstance(config.output_choice, Mapping) or config.output_kind_name == FunctionKind.name:
        reasons.append("the output was chosen by a function given from Python (call explain with it)")
    return reasons


def _target(run: Run) -> str | int | Sequence[int]:
    """Return the target; a list with an output for each sample is that of the stored targets, if it has their hash."""
    target = run.config.target
    if isinstance(target, tuple):
        return "label"  # as by default: these are `targets`
    if not str(target).startswith("list:"):
        return target
    listed: list[int] = run.array("target")[:].tolist() if bool(run.committed.all()) else []
    if Listed(tuple(listed)).to_text() == target:
        return listed
    raise InputError(
        f"{run.path} cannot be repeated from its run.json: the target was a list with one output for each sample, and "
        f"the run does not have the targets of all {len(run):,} samples, as some failed or are missing (call "
        "explain with the list)"
    )


def _choice(config: RunConfig) -> str | int | None:
    return None if isinstance(config.output_choice, Mapping) else config.output_choice


def _model(run: Run, preprocessing: InputCodec) -> ModelSource:
    """The model, bound to the file and the weights that made the run."""
    origin: Any = run.config.origin["model"]
    stated = preprocessing if isinstance(preprocessing, Preprocessing) else None
    if not isinstance(origin["spec"], str):
        raise TypeError(f"expected a text as spec of the model, got {origin['spec']!r}")
    source = ModelSource(origin["spec"], origin["weights"], stated)
    code = model_code(run, source)
    require_own_weights(run, source, origin["weights_sha256"])
    if code is None:
        return source
    function = source.spec.rpartition(":")[2]
    return replace(source, spec=f"{code.path}:{function}", code_sha256=code.sha256)


def _is_structured(origin: Mapping[str, Any]) -> bool:
    """True if the samples had several inputs, which the model's forward names."""
    return origin.get("input") is not None


def _find_tokens(path: str | None) -> Path | None:
    """Return the path of the run's tokenizer; InputError if it is not there any more."""
    if path is not None and not Path(path).exists():
        raise InputError(f"the tokenizer {path} of the run does not exist any more: restore it")
    return None if path is None else Path(path)


def _dataset(
    origin: Mapping[str, Any], data: str | Path | None, preprocessing: InputCodec, labels: Labels | None
) -> Any:
    if _is_structured(origin):
        return _existing(origin["data"], data)
    return _source(origin["data"], data, preprocessing, labels)


def _existing(origin: Mapping[str, Any] | None, data: str | Path | None) -> Path:
    path = Path(data or (origin or {})["path"])
    if not path.exists():
        raise InputError(f"data {path} does not exist (any more): give its new path by --data (data=)")
    return path


def _source(
    origin: Mapping[str, Any] | None, data: str | Path | None, preprocessing: InputCodec, labels: Labels | None
) -> Any:
    path = _existing(origin, data)
    if origin is not None and "images" in origin and not path.is_dir():  # other data of an array may be a folder
        names = None if labels is None else labels.names
        return ArrayFileSource(path, preprocessing, names, origin["images"], origin["labels"])
    if origin is not None and "seconds" in origin:
        return WavFolderSource(path, labels, origin["seconds"])
    return source_at(path, preprocessing, labels)


def _labels(stored: Mapping[str, Any] | None) -> Labels | None:
    return None if stored is None else Labels(tuple(stored["names"]), dict(stored["indices"]))


def choose_device(config: RunConfig, given: str | None) -> str | None:
    """Return the given device, or else the type that the run was made on, if it is available."""
    if given is not None:
        return given
    kind = str(config.origin["device"]).partition(":")[0]
    return kind if kind == "cpu" or (kind == "cuda" and torch.cuda.is_available()) else None


def _say_what_differs(config: RunConfig, request: ExplainConfig, said: Progress) -> None:
    """Report other versions and devices, which may change the last bits."""
    now = versions()
    differing = [f"{name} {config.versions.get(name)} then, {now[name]} now" for name in now]
    differing = [line for line, name in zip(differing, now, strict=True) if config.versions.get(name) != now[name]]
    if differing:
        said.info(f"relevance maps may differ in their last bits: {', '.join(differing)}")
    made_on = str(config.origin["device"]).partition(":")[0]
    if request.device is None or request.device.partition(":")[0] != made_on:
        said.info(f"relevance maps may differ in their last bits: the run was made on {made_on}")

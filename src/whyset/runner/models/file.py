"""Models from the user's Python file: `file.py:function`."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from whyset.errors import InputError
from whyset.runner.models.checkpoint import Checkpoint, class_count
from whyset.runner.models.loaded import LoadedModel
from whyset.runner.preprocessing import Preprocessing


def from_file(spec: str, weights: Path | None, expected: str | None = None) -> LoadedModel:
    """Call the function, with `num_classes` from the checkpoint where it takes that, and read `PREPROCESSING`.

    `expected` is the SHA-256 that the file must have to be executed.
    """
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise InputError(
            f"model file {path} does not exist; --model must be file.py:function, torchvision:NAME or timm:NAME"
        )
    source = path.read_bytes()
    code = hashlib.sha256(source).hexdigest()
    if expected is not None and code != expected:
        raise InputError(f"model file {path} has changed and is not executed: expected SHA-256 {expected}, got {code}")
    module = _execute(path, source)
    function = _function(module, name, path)
    checkpoint = None if weights is None else Checkpoint.read(weights)
    model = _call(function, checkpoint, spec)
    if checkpoint is not None:
        checkpoint.load_into(model, spec)
    notes = (
        checkpoint.notes if checkpoint else (f"no weights were given: the model is explained as {name}() returns it",)
    )
    return LoadedModel(model, f"{path.resolve().name}:{name}", _preprocessing(module, path), notes, code)


def _call(function: Callable[..., Any], checkpoint: Checkpoint | None, spec: str) -> torch.nn.Module:
    try:
        takes_count = "num_classes" in inspect.signature(function).parameters
        if checkpoint is not None and takes_count:
            count = class_count(lambda count: _model(function(num_classes=count), spec), checkpoint, spec)
            return _model(function(num_classes=count), spec)
        return _model(function(), spec)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{spec} could not be called: {_format_error(error)}") from error


def _model(made: Any, spec: str) -> torch.nn.Module:
    if not isinstance(made, torch.nn.Module):
        raise InputError(f"{spec} must return a torch.nn.Module, not {type(made).__name__}")
    return made


def _execute(path: Path, source: bytes) -> ModuleType:
    """Execute the file as Python runs a script: modules in its folder can be imported.

    The source whose hash is stored is executed, never a compiled file in `__pycache__`.
    """
    if path.suffix != ".py":
        raise InputError(f"model file {path} is not a Python file (its name must end in .py)")
    module = ModuleType(f"whyset_model_{path.stem}")
    module.__file__ = str(path.resolve())
    sys.modules[module.__name__] = module
    try:
        with _importable(path.resolve().parent):
            exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise InputError(f"model file {path} does not run: {_format_error(error)}") from error
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _function(module: ModuleType, name: str, path: Path) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if callable(function):
        return function  # type: ignore[no-any-return]  # a module's attributes have no types
    there = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
    raise InputError(f"model file {path} has no function {name!r}; it has {', '.join(sorted(there)) or 'none'}")


def _preprocessing(module: ModuleType, path: Path) -> Preprocessing | None:
    given = getattr(module, "PREPROCESSING", None)
    if given is None or isinstance(given, Preprocessing):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"PREPROCESSING in {path} must be a dict such as dict(size=(32, 32)), not {type(given).__name__}"
        )
    return Preprocessing.from_mapping(given, f"PREPROCESSING in {path}")


def _format_error(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        advice = "move the code of the script below if __name__ == '__main__'"
        return f"it calls sys.exit({error.code!r}), as argparse does; {advice}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"

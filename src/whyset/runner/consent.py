"""What repeating a run would execute, and whether that may happen: decided before anything of it runs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from whyset.errors import InputError
from whyset.runner.explain_config import file_hash
from whyset.runner.made_here import is_made_here
from whyset.runner.models import ModelSource
from whyset.store import Run

_SHORT_HASH = re.compile(r" \(code ([0-9a-f]{12})\)$")


@dataclass(frozen=True)
class ModelCode:
    """The Python file that repeating a run executes: its path with all links resolved, and the SHA-256 of its bytes."""

    path: Path
    sha256: str


Trust: TypeAlias = bool | Callable[[ModelCode], bool]
"""Whether a file named by somebody else's run may be executed, or who is asked."""


def model_code(run: Run, model: ModelSource) -> ModelCode | None:
    """The file that would be executed, as the run has it; `None` for a model of an installed library.

    InputError: it lies in the run folder, is not there, or is not the one that made the run. Nothing is executed.
    """
    if model.file is None:
        return None
    _refuse_inside(run, model.file, "model file")
    if not model.file.is_file():
        raise InputError(f"{run.path} cannot be repeated: its model file {model.file} does not exist (any more)")
    code = ModelCode(model.file.resolve(), file_hash(model.file))
    stored = _get_stored_hash(run)
    if stored is None or not code.sha256.startswith(stored):
        raise InputError(
            f"{run.path} cannot be repeated: its model file {code.path} has changed, so nothing of it was executed: "
            f"SHA-256 {code.sha256} here, {stored or 'unknown'} in the run"
        )
    return code


def require_own_weights(run: Run, model: ModelSource, stored: str | None) -> None:
    """InputError: the weights lie in the run folder, are not there, or are not those that made the run."""
    if model.weights is None:
        return
    _refuse_inside(run, model.weights, "weights file")
    if not model.weights.is_file():
        raise InputError(f"{run.path} cannot be repeated: its weights {model.weights} are not there any more")
    now = file_hash(model.weights)
    if now != stored:
        raise InputError(
            f"{run.path} cannot be repeated: its weights {model.weights} have changed since: SHA-256 {now} here, "
            f"{stored} in the run"
        )


def require_trust(run: Run, code: ModelCode, trust: Trust) -> None:
    """InputError: the run was not made by this user on this machine, and nobody says that its file may be executed."""
    if is_made_here(run.config) or (trust(code) if callable(trust) else trust):
        return
    raise InputError(
        f"{run.path} was not made by you on this machine, and repeating it executes {code.path} (SHA-256 "
        f"{code.sha256}): read that file, and if you trust it, add --trust (trust=True)"
    )


def _refuse_inside(run: Run, file: Path, what: str) -> None:
    """A file in the run folder came with the run; nor do links into it, or out of it, help."""
    if not isinstance(run.path, Path):
        return
    folder = run.path.resolve()
    if any(
        place.is_relative_to(folder) for place in (file.absolute(), file.parent.resolve() / file.name, file.resolve())
    ):
        raise InputError(
            f"{run.path} cannot be repeated: it names a {what} inside its own folder, {file}, and such a file is never "
            "used; read it, and explain with a copy that lies elsewhere"
        )


def _get_stored_hash(run: Run) -> str | None:
    """The whole hash of the model file; early runs have its first twelve digits."""
    origin: Any = run.config.origin["model"]
    stored = origin.get("code_sha256")
    if isinstance(stored, str) and re.fullmatch(r"[0-9a-f]{64}", stored):
        return stored
    short = _SHORT_HASH.search(run.config.model)
    return short[1] if short else None

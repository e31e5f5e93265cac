"""Consent to the code that repeating a run executes; it is decided before any of it runs."""

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
"""Permission to execute a file named by another user's run, or a function that decides."""


def model_code(run: Run, model: ModelSource) -> ModelCode | None:
    """Return the file that would be executed; `None` for a model of an installed library. Nothing is executed.

    Raises InputError if the file is in the run folder, does not exist, or is not the one that made the run.
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
            f"{run.path} cannot be repeated: its model file {code.path} has changed and was not executed: "
            f"SHA-256 {code.sha256} here, {stored or 'unknown'} in the run"
        )
    return code


def require_own_weights(run: Run, model: ModelSource, stored: str | None) -> None:
    """Raise InputError if the weights are in the run folder, do not exist, or are not those that made the run."""
    if model.weights is None:
        return
    _refuse_inside(run, model.weights, "weights file")
    if not model.weights.is_file():
        raise InputError(f"{run.path} cannot be repeated: its weights file {model.weights} does not exist (any more)")
    now = file_hash(model.weights)
    if now != stored:
        raise InputError(
            f"{run.path} cannot be repeated: its weights file {model.weights} has changed: SHA-256 {now} here, "
            f"{stored} in the run"
        )


def require_trust(run: Run, code: ModelCode, trust: Trust) -> None:
    """Raise InputError unless this user made the run on this machine, or `trust` permits its file."""
    if is_made_here(run.config) or (trust(code) if callable(trust) else trust):
        return
    raise InputError(
        f"{run.path} was not made by you on this machine, and repeating it executes {code.path} (SHA-256 "
        f"{code.sha256}): read that file, and if you trust it, add --trust (trust=True)"
    )


def _refuse_inside(run: Run, file: Path, what: str) -> None:
    """Refuse a file in the run folder, also through links: it could come from the maker of the run."""
    if not isinstance(run.path, Path):
        return
    folder = run.path.resolve()
    if any(
        place.is_relative_to(folder) for place in (file.absolute(), file.parent.resolve() / file.name, file.resolve())
    ):
        raise InputError(
            f"{run.path} cannot be repeated: it names a {what} in the run folder, {file}, which is never used; read "
            "that file, and explain with a copy in another folder"
        )


def _get_stored_hash(run: Run) -> str | None:
    """Return the stored hash of the model file; early runs have only its first twelve digits."""
    origin: Any = run.config.origin["model"]
    stored = origin.get("code_sha256")
    if isinstance(stored, str) and re.fullmatch(r"[0-9a-f]{64}", stored):
        return stored
    short = _SHORT_HASH.search(run.config.model)
    return short[1] if short else None

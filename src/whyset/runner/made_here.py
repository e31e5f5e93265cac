"""Marks of runs made by this user: only the holder of a private key file can make the mark in run.json."""

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from whyset.store import RunConfig
from whyset.store.jsonfile import canonical

KEY_BYTES = 32
_KEY, _MARK = "run-mark.key", "mark"


def key_path() -> Path:
    """Return the path of this user's key: below `$XDG_STATE_HOME`, by default `~/.local/state`."""
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "whyset" / _KEY


def explain_missing_mark() -> str:
    """Explain why a run that names a model file could not be marked, and what follows from it."""
    try:
        reason = f"{key_path()} cannot be written"
    except RuntimeError:
        reason = "no home folder was found for a key (set HOME or XDG_STATE_HOME)"
    return f"{reason}, so repeating this run will need --trust (trust=True)"


def with_mark(config: RunConfig) -> RunConfig:
    """Mark the run as made here if it names a model file and a key can be stored."""
    if not names_model_file(config):
        return config
    try:
        key = _make_key()
    except (OSError, RuntimeError):  # a home that cannot be written to, or none
        return config
    return replace(config, origin={**config.origin, _MARK: _mark(config, key)})


def has_mark(config: RunConfig) -> bool:
    """True if the run has a mark, of any user."""
    return _MARK in config.origin


def is_made_here(config: RunConfig) -> bool:
    """True if the run has this user's mark, and its origin has not changed since it was marked."""
    given = config.origin.get(_MARK)
    try:
        key = key_path().read_bytes()
    except (OSError, RuntimeError):
        return False
    usable = isinstance(given, str) and given.isascii() and len(key) == KEY_BYTES
    return usable and hmac.compare_digest(str(given), _mark(config, key))


def names_model_file(config: RunConfig) -> bool:
    """True if the run states the hash of a model file that repeating it would execute."""
    model = config.origin.get("model")
    return isinstance(model, dict) and model.get("code_sha256") is not None


def _mark(config: RunConfig, key: bytes) -> str:
    """Return the HMAC over all fields that determine which files make the run."""
    origin = {name: value for name, value in config.origin.items() if name != _MARK}
    marked = {"model": config.model, "weights_hash": config.weights_hash, "origin": origin}
    return hmac.new(key, canonical(marked), hashlib.sha256).hexdigest()


def _make_key() -> bytes:
    """Read the key; the first process that needs one makes it, readable by its owner only.

    It is linked into place, so that two processes that make a key at once read the same one.
    """
    path = key_path()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, new = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
            with suppress(FileExistsError):  # another process was first
                os.link(new, path)
        finally:
            Path(new).unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise OSError(f"{path} is not a key: expected {KEY_BYTES} bytes, got {len(key)}")
    return key

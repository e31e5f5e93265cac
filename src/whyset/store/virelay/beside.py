"""Output folders that appear whole or not at all."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whyset.errors import InputError
from whyset.store.files import explain_disk_errors


@contextmanager
def beside(out: Path) -> Iterator[Path]:
    """Yield the path of a temporary folder that is renamed to `out` on success, and deleted otherwise.

    Raises InputError if `out` exists and is not an empty folder.
    """
    refuse_existing(out)
    with explain_disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = out.absolute().with_name(f".{out.name}.{uuid.uuid4().hex}.partial")
        try:
            yield folder
            folder.replace(out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def refuse_existing(out: Path) -> None:
    """Raise InputError if `out` exists and is not an empty folder."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} exists and is not empty: choose another folder")

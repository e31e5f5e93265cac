"""Hashes of the source of a processor: processors with the same name are equal only if their code is."""

import ast
import hashlib
import inspect
import linecache
from pathlib import Path

from whyset.errors import InputError


def source_hash(kind: type) -> str:
    """Return the SHA-256 of the source of a class, also from a notebook cell; InputError if it cannot be read."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError) as error:
        source = _find_in_cell(kind)
        if not source:
            raise InputError(
                f"The source of {kind.__module__}.{kind.__qualname__} cannot be read ({error}), so its results could "
                "not be distinguished from those of an edited version: define it in a file or in a notebook cell."
            ) from error
    return _digest(source.encode())


def _find_in_cell(kind: type) -> str:
    """Return the source of a class that was defined in IPython, "" for other classes.

    A class of a cell has no file, so `inspect` finds it only from Python 3.13 on. Its methods name the cell, whose
    lines IPython keeps in `linecache`.
    """
    codes = [member.__code__ for member in vars(kind).values() if inspect.isfunction(member)]
    for code in codes:
        lines = linecache.getlines(code.co_filename)
        classes = (node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.ClassDef))
        for node in classes:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            last = node.end_lineno or first
            if node.name == kind.__name__ and first <= code.co_firstlineno <= last:
                return "".join(lines[first - 1 : last])
    return ""


def code_hash(kind: type) -> str:
    """Return the SHA-256 of the file of a class, or of its source if it has no file.

    A helper function in the same file counts; one that is imported does not.
    """
    file = inspect.getsourcefile(kind) if kind.__module__ != "__main__" else None
    return _digest(Path(file).read_bytes()) if file is not None and Path(file).is_file() else source_hash(kind)


def package_hash() -> str:
    """Return the SHA-256 of all source files of the analysis, which processors of this package use."""
    folder = Path(__file__).parents[1]
    files = sorted(folder.rglob("*.py"))
    return _digest(
        b"\0".join(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() for file in files)
    )


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

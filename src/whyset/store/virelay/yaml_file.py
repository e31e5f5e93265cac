"""Reading an untrusted YAML file: its size, depth and the expansion of its aliases are bounded."""

from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.store.boundary import read_regular
from whyset.store.virelay.packages import yaml

MOST_BYTES = 2**23
MOST_NODES = 10**6
"""More than any project needs; nested aliases reach any number within a few lines."""


LONGEST_NUMBER = 64
"""Limit of the length of a number: those to the base 60 take quadratic time to parse."""


def read_yaml(file: Path) -> Any:
    """Read the only document of the file, as plain values.

    Raises InputError if it is not YAML, too large, nested too deeply, or expands to too many values, and OSError if it
    cannot be read.
    """
    module = yaml()
    try:
        text = read_regular(file, MOST_BYTES)
    except ValueError:
        raise InputError(f"is too large: expected at most {MOST_BYTES // 2**20} MiB") from None
    loader = None
    try:
        loader = module.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _count_expanded(node, {}) > MOST_NODES:
            raise InputError(f"expands to more than {MOST_NODES:,} values by its aliases")
        return loader.construct_document(node)
    except InputError:
        raise
    except RecursionError:
        raise InputError("is nested too deeply, or contains itself") from None
    except (module.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"is not YAML: {' '.join(str(error).split())}") from error
    finally:
        if loader is not None:
            loader.dispose()


def _count_expanded(node: Any, counted: dict[int, int | None]) -> int:
    """Return the number of values that a node expands to; each is counted once and added for every alias to it."""
    known = counted.get(id(node), 0)
    if known is None:
        raise RecursionError
    if known:
        return known
    if node.tag.endswith((":int", ":float")) and len(node.value) > LONGEST_NUMBER:
        raise InputError(f"holds a number of {len(node.value):,} characters: expected at most {LONGEST_NUMBER}")
    counted[id(node)] = None
    children = node.value if isinstance(node.value, list) else []
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    counted[id(node)] = count = 1 + sum(_count_expanded(part, counted) for part in parts)
    return count

"""Reading a YAML file that may come from anywhere: bounded in size, depth and in what its aliases expand to."""

from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.store.boundary import read_regular
from whyset.store.virelay.packages import yaml

MOST_BYTES = 2**23
MOST_NODES = 10**6
"""More than a file of `MOST_BYTES` needs for a project; nested aliases reach any number within a few lines."""


LONGEST_NUMBER = 64
"""YAML has numbers to the base 60, whose value takes quadratic time to compute."""


def read_yaml(file: Path) -> Any:
    """The content of the only document of the file, made of plain values.

    InputError: it is no YAML, too large, nested too deeply, or its aliases stand for more than it may hold.
    OSError: it cannot be read.
    """
    module = yaml()
    try:
        text = read_regular(file, MOST_BYTES)
    except ValueError:
        raise InputError(f"is larger than {MOST_BYTES // 2**20} MiB, which no project file is") from None
    loader = None
    try:
        loader = module.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _count_expanded(node, {}) > MOST_NODES:
            raise InputError(f"stands for more than {MOST_NODES:,} values once its aliases are expanded")
        return loader.construct_document(node)
    except InputError:
        raise
    except RecursionError:
        raise InputError("is nested too deeply, or contains itself") from None
    except (module.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"is no YAML: {' '.join(str(error).split())}") from error
    finally:
        if loader is not None:
            loader.dispose()


def _count_expanded(node: Any, counted: dict[int, int | None]) -> int:
    """How many values a node stands for; each is counted once and added for every alias to it."""
    known = counted.get(id(node), 0)
    if known is None:
        raise RecursionError
    if known:
        return known
    if node.tag.endswith((":int", ":float")) and len(node.value) > LONGEST_NUMBER:
        raise InputError(f"holds a number of {len(node.value):,} characters, expected at most {LONGEST_NUMBER}")
    counted[id(node)] = None
    children = node.value if isinstance(node.value, list) else []
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    counted[id(node)] = count = 1 + sum(_count_expanded(part, counted) for part in parts)
    return count

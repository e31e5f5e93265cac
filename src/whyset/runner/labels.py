"""The names of a model's outputs, read from a labels file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.store.boundary import MOST_RECORD, parse_json, read_regular

FORMS = '["cat", "dog"], {"0": "cat", "1": "dog"}, {"cat": 0, "dog": 1} or {"0": ["n02123045", "cat"], ...}'


@dataclass(frozen=True)
class Labels:
    """Output i of the model is called `names[i]`; `indices` finds it by any of its names (a folder's, a WordNet id).

    Equal names of several outputs, such as the two cranes of ImageNet, get the numbers of the outputs.

    >>> Labels.of(["cat", "crane", "crane"]).names
    ('cat', 'crane (1)', 'crane (2)')
    """

    names: tuple[str, ...]
    indices: Mapping[str, int]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Labels":
        """Name the outputs in order; equal names get their numbers. InputError: these are not texts."""
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise InputError(
                f"class_names are {names!r}: expected a sequence with the name of each output in order, such as "
                "['cat', 'dog'], or Labels"
            )
        names = list(names)
        stranger = next((name for name in names if not isinstance(name, str)), None)
        if stranger is not None:
            raise InputError(f"class_names hold {stranger!r}: expected texts, such as str({stranger!r})")
        return cls._from_pairs([(name, index) for index, name in enumerate(names)])

    @classmethod
    def read(cls, path: Path) -> "Labels":
        """Read a JSON file in one of the forms in use: a list, index to name, name to index, index to several names."""
        try:
            content = parse_json(read_regular(path, MOST_RECORD))
        except FileNotFoundError as error:
            raise InputError(f"labels file {path} does not exist") from error
        except OSError as error:
            raise InputError(f"labels file {path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise InputError(f"labels file {path} is not JSON: {error}") from error
        pairs = _pairs(content, path)
        named = {index for _, index in pairs}
        missing = next((index for index in range(1 + max(named, default=-1)) if index not in named), None)
        if missing is not None or not pairs:
            raise InputError(f"labels file {path} has no name for index {missing or 0}")
        return cls._from_pairs(pairs)

    @classmethod
    def _from_pairs(cls, pairs: list[tuple[str, int]]) -> "Labels":
        """Name each output by the last of its names, with its number if another output has the same name."""
        names = {index: name for name, index in pairs}
        outputs = defaultdict[str, set[int]](set)
        for name, index in pairs:
            outputs[name].add(index)
        shown = [name if len(outputs[name]) == 1 else f"{name} ({index})" for index, name in sorted(names.items())]
        single = {name: next(iter(found)) for name, found in outputs.items() if len(found) == 1}
        return cls(tuple(shown), single | {name: index for index, name in enumerate(shown)})


def _pairs(content: Any, path: Path) -> list[tuple[str, int]]:
    """Return every (name, index) of the file; of several names of an index, the last one is shown."""
    try:
        if isinstance(content, list):
            return [(_text(name), index) for index, name in enumerate(content)]
        if all(isinstance(value, int) for value in content.values()):
            return [(name, _index(index)) for name, index in content.items()]
        return [(_text(name), _index(index)) for index, names in content.items() for name in _several(names)]
    except (AttributeError, TypeError, ValueError):
        raise InputError(f"labels file {path} has none of the forms {FORMS}") from None


def _several(names: Any) -> list[Any]:
    return names if isinstance(names, list) else [names]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _index(value: Any) -> int:
    index = int(value)
    if index < 0:
        raise ValueError
    return index

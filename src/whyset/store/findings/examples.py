"""The array of examples of findings: one NPY file, whose name, type, shape and checksum findings.json states."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError
from whyset.store.arrays import ArraySpec
from whyset.store.boundary import load_array
from whyset.store.commits import checksum
from whyset.store.files import new_file, sync_file
from whyset.store.jsonfile import JSON
from whyset.store.remote import AnyPath
from whyset.store.remote_errors import RemoteError

EXAMPLES_FILE = re.compile(r"examples-[0-9a-f]{32}\.npy")


@dataclass(frozen=True)
class StoredExamples:
    """The description of the array of examples, as findings.json states it."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    crc32: str

    def to_json(self) -> dict[str, JSON]:
        return {"file": self.file, "dtype": self.dtype, "shape": list(self.shape), "crc32": self.crc32}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the description; ValueError for another name of the file, or sides that are not whole numbers."""
        file, shape = str(stored["file"]), tuple(stored["shape"])
        if not EXAMPLES_FILE.fullmatch(file):
            raise ValueError(f"expected the name of an array of examples, got {file[:80]!r}")
        if not shape or any(type(side) is not int or side < 1 for side in shape):
            raise ValueError(f"expected the shape of examples, got {shape!r:.80}")
        return cls(file, str(stored["dtype"]), shape, str(stored["crc32"]))


def write_examples(folder: AnyPath, values: npt.NDArray[Any]) -> StoredExamples:
    """Write examples to a new file, so that readers of the earlier findings.json still find theirs."""
    array = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    name = f"examples-{uuid.uuid4().hex}.npy"
    with new_file(folder / name) as file:
        np.save(file, array, allow_pickle=False)
    sync_file(folder / name)
    return StoredExamples(name, array.dtype.str, array.shape, checksum(array))


def read_examples(folder: AnyPath, described: StoredExamples, advice: str) -> npt.NDArray[Any]:
    """Read examples; a local file is memory-mapped. BrokenRunError if it is damaged."""
    file = folder / described.file
    try:
        values = load_array(file)
    except RemoteError:
        raise
    except (OSError, ValueError, EOFError, OverflowError, MemoryError, SyntaxError) as error:  # what NumPy raises
        raise BrokenRunError(f"{file} is damaged or missing: {error}; {advice}") from error
    if (values.dtype.str, values.shape) != (described.dtype, described.shape):
        raise BrokenRunError(
            f"{file} is damaged: expected {described.dtype} {described.shape}, got {values.dtype.str} {values.shape}; "
            f"{advice}"
        )
    found = checksum(values)
    if found != described.crc32:
        raise BrokenRunError(f"{file} is damaged: its CRC32 is {found}, expected {described.crc32}; {advice}")
    return values


def require_like_inputs(values: npt.NDArray[Any], inputs: ArraySpec | None) -> None:
    """Raise InputError unless examples have the type and the shape in which the run stores its inputs."""
    if inputs is None:
        raise InputError("examples: expected None, because the run does not store its inputs")
    if values.ndim < 1 or values.shape[1:] != inputs.shape or values.dtype != np.dtype(inputs.dtype):
        raise InputError(
            f"examples: expected {inputs.dtype} {('n', *inputs.shape)}, as the run stores its inputs, "
            f"got {values.dtype} {values.shape}"
        )

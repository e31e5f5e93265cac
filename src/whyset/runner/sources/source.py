"""The protocol of data sources."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.errors import InputError, MissingPreprocessingError
from whyset.runner.input_codecs import InputCodec
from whyset.runner.sources.structure import Structure

UNKNOWN = -1
LABEL_LIMIT = 2**63
"""Labels are stored as int64."""

V = TypeVar("V")


class Source(Protocol):
    """Samples with random access: `source[i]` is (the model's input, the label or None).

    An input is float (C, H, W), a series (C, T), a row of a table (F,), or the ids of a text's tokens, int64 (T,). A
    sample that cannot be read raises; the runner records it as failed and goes on. Optional members:
    `read(i)` returns uint8 pixels (C, H, W) as the model sees them in place of the float input, so that a whole
    batch is normalized on the model's device; `read_rows(start, stop)` returns what `read` returns of consecutive
    samples at once, inputs (n, ...) and a list of labels, and may raise if one of them cannot be read (`reads_rows =
    False` where it does not work); `concurrent =
    True` lets several threads read at once; `measured` is the `MeasuredRange` that `preprocessing` was made from if
    nothing stated it; `opened_files` are the `FileState` of each file that samples are read from when the source was
    opened, so that a changed file stops the job; `features`, `rate` and `tokens` are fields of
    `whyset.runner.data_spec.DataSpec`; `given_labels` are the `GivenLabels` of all samples where these may be other
    than class indices; `structure` is the `Structure` of samples that are rows of int64 with several inputs.
    """

    @property
    def ids(self) -> Sequence[str]:
        """A stable name for each sample: a relative posix path where there is one."""

    @property
    def uris(self) -> Sequence[str | None]:
        """The URI of each sample, None for samples without one."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The label of each sample, `UNKNOWN` (-1) for samples without one."""

    @property
    def class_names(self) -> Sequence[str] | None:
        """Names of the model's outputs in order, if the data has them."""

    @property
    def preprocessing(self) -> InputCodec:
        """The codec of inputs; its `undo` returns their stored form, such as the image that the model saw."""

    @property
    def notes(self) -> Sequence[str]:
        """Notes for the user on how the data was read."""

    def fingerprint(self) -> str:
        """Return a hash that changes when the data does."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]: ...


def read(source: Source, index: int) -> tuple[torch.Tensor, int | None]:
    """Read a sample with the least work: uint8 pixels as the model sees them, or the float input."""
    reader = getattr(source, "read", None)
    return source[index] if reader is None else reader(index)


def reads_rows(source: Source) -> bool:
    """True if consecutive samples are read at once, unless a subclass reads single samples in its own way."""
    stated: bool | None = getattr(source, "reads_rows", None)
    if stated is not None:
        return stated
    for kind in type(source).__mro__:
        if "read_rows" in vars(kind):
            return True
        if vars(kind).keys() & {"read", "__getitem__"}:
            return False
    return False


def get_structure(source: object) -> Structure | None:
    """Return the structure of samples that are rows with several inputs, None for other samples."""
    found: Structure | None = getattr(source, "structure", None)
    return found


def get_explained(source: object, x: torch.Tensor) -> torch.Tensor:
    """Return the explained inputs (n, ...) of a batch as the source has it, floats of the type of the data."""
    structure = get_structure(source)
    return x if structure is None else structure.get_explained(x)


def attempt(do: Callable[[], V]) -> tuple[V | None, str]:
    """Return the result of `do`, or None and the error as text.

    Any exception of a data set's code is the failure of one sample, `SystemExit` included; only Ctrl-C ends the run.

    >>> attempt(lambda: [1, 2].index(3))
    (None, 'ValueError: 3 is not in list')
    """
    try:
        return do(), ""
    except (KeyboardInterrupt, MissingPreprocessingError):  # the latter is missing for every sample
        raise
    except BaseException as error:
        return None, f"{type(error).__name__}: {' '.join(str(error).split())}"


def parse_label(label: Any) -> int | None:
    """Return a label as an int, None if it is unknown; InputError if it is not a whole number of at most 64 bits.

    Labels as they are given to a loss, such as [1.0] for one output, are read as well.
    """
    values = label.tolist() if hasattr(label, "tolist") else label
    while isinstance(values, list | tuple) and len(values) == 1:
        (values,) = values
    if isinstance(values, list | tuple):
        raise InputError(f"the label is {values!r}: expected one class index")
    label = values
    if label is None:
        return None
    try:
        number = int(label)
        whole = number == label
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(
            f"the label is {label!r}: expected a class index, a whole number, or None; the values of a regression need "
            'output_kind="regression" (--output-kind regression)'
        )
    if abs(number) >= LABEL_LIMIT:
        raise InputError(f"the label is {label!r}: expected a class index, which has at most 64 bits")
    return None if number == UNKNOWN else number


def parse_label_or_unknown(label: Any) -> int:
    """Return a label as an int, `UNKNOWN` if there is none or if it is not a class index, whatever it is.

    A sample with an invalid label fails when it is read; the labels of the others are still needed.
    """
    found, _ = attempt(partial(parse_label, label))
    return UNKNOWN if found is None else found


def spread(count: int, limit: int) -> NDArray[np.int64]:
    """Return up to `limit` indices spread evenly over `count` samples, so that sorted classes all take part."""
    taken = min(limit, count)
    return np.arange(taken, dtype=np.int64) * count // max(taken, 1)

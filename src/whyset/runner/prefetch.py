"""Prefetching: threads read, decode and hash samples while the model computes."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.activity import Activity
from whyset.runner.input_check import require_finite
from whyset.runner.input_codecs import InputCodec
from whyset.runner.sources import Source, read
from whyset.runner.sources.source import attempt, get_explained, get_structure, reads_rows
from whyset.store.input_hashes import DIGITS

PART = 8
"""Samples that a thread reads at a time; a batch is assembled from parts of several threads."""

ROWS = 256
"""Rows of an array that are read at once, if batches are smaller."""

BATCHES_AHEAD = 2

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class ReadSample:
    """A sample as read, uint8 pixels or the model's input; `x` is None if reading failed with `error`."""

    index: int
    x: torch.Tensor | None = None
    label: int | None = None
    shown: NDArray[Any] | None = None
    error: str = ""
    digest: str | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples in order; the readable ones are stacked in `x`, and `shown` is their stored form."""

    indices: tuple[int, ...]
    labels: tuple[int | None, ...]
    x: torch.Tensor
    shown: NDArray[Any] | None
    failures: dict[int, str]
    size: int
    digests: tuple[str | None, ...] = ()
    """Hashes of all samples, failed ones included (None), in order."""

    def take(self, part: slice) -> "Batch":
        """Return some of the samples of a batch without failures."""
        shown = None if self.shown is None else self.shown[part]
        indices, labels, digests = self.indices[part], self.labels[part], self.digests[part]
        return Batch(indices, labels, self.x[part], shown, {}, len(indices), digests)

    def place(self, preprocessing: InputCodec, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """Move the input to the model's device; to a CUDA device it is copied from pinned memory, without waiting."""
        x = self.x.pin_memory() if device.type == "cuda" else self.x
        x = x.to(device, non_blocking=True)
        if x.dtype == torch.uint8:
            x = preprocessing.normalize(x)
        return x.to(dtype) if x.is_floating_point() else x


def gather_batches(batches: Sequence[Batch]) -> Batch:
    """Return the samples of several batches as one."""
    if len(batches) == 1:
        return batches[0]
    shown = [batch.shown for batch in batches if batch.shown is not None]
    return Batch(
        indices=tuple(chain.from_iterable(batch.indices for batch in batches)),
        labels=tuple(chain.from_iterable(batch.labels for batch in batches)),
        x=torch.cat([batch.x for batch in batches]),
        shown=np.concatenate(shown) if shown else None,
        failures={index: error for batch in batches for index, error in batch.failures.items()},
        size=sum(batch.size for batch in batches),
        digests=tuple(chain.from_iterable(batch.digests for batch in batches)),
    )


@dataclass(frozen=True)
class Prefetcher:
    """Reads a source ahead with `threads`: inputs of `shape`, and their stored form if `show`.

    With 0 threads, samples are read when they are needed; the result and its order are the same. A sample fails if its
    label is not one of the model's `outputs`, or if a value is not finite.
    """

    source: Source
    shape: tuple[int, ...]
    show: bool
    threads: int
    activity: Activity = field(default_factory=Activity, compare=False)
    outputs: int | None = None

    def batches(self, start: int, stop: int, size: int) -> Iterator[Batch]:
        """Yield the samples from `start` up to `stop` in batches of `size`; little more than two are in memory."""
        if reads_rows(self.source):
            several = size * -(-ROWS // size)
            blocks = [range(first, min(first + several, stop)) for first in range(start, stop, several)]
            yield from chain.from_iterable(in_order(partial(self._block, size), blocks, self.threads, BATCHES_AHEAD))
            return
        parts = [range(first, min(first + PART, stop)) for first in range(start, stop, PART)]
        ahead = max(BATCHES_AHEAD * size // PART, self.threads)
        samples = chain.from_iterable(in_order(self._part, parts, self.threads, ahead))
        for first in range(start, stop, size):
            yield self._batch([next(samples) for _ in range(min(size, stop - first))])

    def _block(self, size: int, indices: range) -> list[Batch]:
        """Read consecutive samples at once; if something is wrong with one of them, read each by itself."""
        with self.activity.reading(indices.start):
            found, _ = attempt(lambda: self._read_rows(indices))
        parts = [slice(first, first + size) for first in range(0, len(indices), size)]
        return [self.gather(indices[part]) if found is None else found.take(part) for part in parts]

    def _read_rows(self, indices: range) -> Batch:
        x, labels = self.source.read_rows(indices.start, indices.stop)  # type: ignore[attr-defined]  # optional member
        for label in set(labels):
            self._require_class(label)
        if tuple(x.shape[1:]) != self.shape:
            raise InputError(f"the inputs have the shape {tuple(x.shape[1:])}")
        require_finite(x)
        shown = self.source.preprocessing.undo(x) if x.dtype != torch.uint8 else x.numpy()
        return Batch(
            indices=tuple(indices),
            labels=tuple(labels),
            x=x,
            shown=shown if self.show else None,
            failures={},
            size=len(indices),
            digests=tuple(digest_inputs(x, labels)),
        )

    def gather(self, indices: Sequence[int]) -> Batch:
        """One batch of any samples, read when they are asked for."""
        return self._batch(self._part(indices))

    def _part(self, indices: Sequence[int]) -> list[ReadSample]:
        return [self.sample(index) for index in indices]

    def sample(self, index: int) -> ReadSample:
        """Read one sample; an exception becomes its `error`."""
        with self.activity.reading(index):
            found, error = attempt(lambda: self._read(index))
        return ReadSample(index, error=error) if found is None else found

    def _read(self, index: int) -> ReadSample:
        x, label = read(self.source, index)
        structure = get_structure(self.source)
        if tuple(x.shape) != (self.shape if structure is None else structure.row_shape):
            raise InputError(f"the input has the shape {tuple(x.shape)}, expected {self.shape}: give a size")
        self._require_class(label)
        require_finite(x)
        explained = get_explained(self.source, x[None])[0]
        shown = self.source.preprocessing.undo(explained) if self.show and x.dtype != torch.uint8 else None
        return ReadSample(index, x, label, shown, digest=digest_input(x, label))

    def _require_class(self, label: int | None) -> None:
        if label is not None and self.outputs is not None and not 0 <= label < self.outputs:
            raise InputError(f"the label is {label}: expected a class from 0 to {self.outputs - 1}")

    def _batch(self, samples: Sequence[ReadSample]) -> Batch:
        good = self._unify([sample for sample in samples if sample.x is not None])
        x = self._stack([sample.x for sample in good if sample.x is not None])
        shown = [sample.shown for sample in good if sample.shown is not None]
        return Batch(
            indices=tuple(sample.index for sample in good),
            labels=tuple(sample.label for sample in good),
            x=x,
            shown=(np.stack(shown) if shown else x.numpy()) if self.show else None,
            failures={sample.index: sample.error for sample in samples if sample.x is None},
            size=len(samples),
            digests=tuple(sample.digest for sample in samples),
        )

    def _unify(self, good: list[ReadSample]) -> list[ReadSample]:
        """Normalize the pixels of samples that are in a batch with others of more than eight bits."""
        if len({sample.x.dtype == torch.uint8 for sample in good if sample.x is not None}) < 2:
            return good
        return [
            replace(sample, x=self.source.preprocessing.normalize(x), shown=x.numpy() if self.show else None)
            if (x := sample.x) is not None and x.dtype == torch.uint8
            else sample
            for sample in good
        ]

    def _stack(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        if not inputs:
            return torch.empty(0, *self.shape, dtype=torch.uint8)
        return torch.stack(list(inputs))


def in_order(do: Callable[[T], V], tasks: Iterable[T], threads: int, ahead: int) -> Iterator[V]:
    """Apply `do` to the tasks by threads, at most `ahead` tasks in advance; tasks not begun at the end are dropped.

    >>> list(in_order(abs, [3, -1, -2], threads=2, ahead=2))
    [3, 1, 2]
    """
    if threads == 0:
        yield from map(do, tasks)
        return
    waiting: deque[Future[V]] = deque()
    pool = ThreadPoolExecutor(threads, "whyset-reader")
    try:
        for task in tasks:
            waiting.append(pool.submit(do, task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def threads_for(source: Any, device: torch.device, cores: int) -> int:
    """Return the number of reading threads: several if a GPU waits for them and the source is concurrent, else one."""
    return max(1, min(8, cores)) if device.type == "cuda" and getattr(source, "concurrent", False) else 1


def digest_input(x: torch.Tensor, label: int | None) -> str:
    """Return the 8-byte BLAKE2b over dtype, shape and label as text, and the bytes of the input as the data set has it.

    >>> digest_input(torch.zeros(3), None) == digest_input(torch.zeros(3), 0)
    False
    """
    return next(digest_inputs(x[None], [label]))


def digest_inputs(x: torch.Tensor, labels: Sequence[int | None]) -> Iterator[str]:
    """Yield `digest_input` of every sample (n, ...)."""
    kind = f"{str(x.dtype).removeprefix('torch.')} {'x'.join(map(str, x.shape[1:]))}"
    contents = x.detach().cpu().contiguous().flatten(1).view(torch.uint8).numpy()
    begun = {label: hashlib.blake2b(f"{kind} {label}\n".encode(), digest_size=DIGITS // 2) for label in set(labels)}
    for label, content in zip(labels, contents, strict=True):
        digest = begun[label].copy()
        digest.update(content)
        yield digest.hexdigest()

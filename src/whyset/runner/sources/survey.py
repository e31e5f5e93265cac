"""The inputs of all samples: which ones there are, their shapes, the lengths of texts, and the range of their ids."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.runner.sources.input_choice import ALIGNED, MASK
from whyset.runner.sources.source import attempt
from whyset.runner.sources.structure import Part, Structure

Read = Callable[[], tuple[dict[str, Tensor], frozenset[str]]]
"""Reads the inputs of a sample, and the names of all that the sample has."""


@dataclass(frozen=True)
class Extremes:
    """The samples with the shortest and the longest text and with the highest id, and this id."""

    shortest: int
    longest: int
    highest: int
    highest_id: int


@dataclass(frozen=True)
class Survey:
    """The structure of all samples, of which `first` is a readable one; `extremes` are those of texts.

    `has_lengths` is True for texts of different lengths. If `makes_mask` is True, the samples have no attention mask,
    but the model takes one.
    """

    structure: Structure
    first: int
    extremes: Extremes | None = None
    has_lengths: bool = False
    makes_mask: bool = False

    def check(self, values: Mapping[str, Tensor], where: str) -> None:
        """Raise InputError, which begins with `where`, if inputs of a sample do not fit the structure."""
        ids = values.get(self.structure.explained) if self.structure.is_text else None
        if ids is not None and (ids.dim() != 1 or not 0 < len(ids) <= self.structure.part.shape[0]):
            most = self.structure.part.shape[0]
            raise InputError(f"{where}: the ids of tokens have the shape {tuple(ids.shape)}: expected 1 to {most} ids")
        for part in self.structure.parts:
            if part.name not in values:
                if self.makes_mask and part.name == MASK:
                    continue
                raise InputError(f"{where}: the input {part.name} is missing: give all samples the same inputs")
            shape = tuple(values[part.name].shape)
            expected = part.shape if ids is None or not part.follows else (len(ids), *part.shape[1:])
            if shape != expected:
                raise InputError(
                    f"{where}: the input {part.name} has the shape {shape}, expected {expected}: give all samples "
                    "inputs of one shape, and each token of a text one value"
                )


def survey_inputs(
    reads: Iterable[tuple[int, Read]],
    explained: str,
    ids: Sequence[str],
    *,
    text: bool,
    pad_id: int,
    takes_mask: bool,
    needs_mask: bool,
) -> Survey:
    """Read the inputs of samples and find their structure; unreadable samples are left out, and fail later.

    A model that takes an attention mask gets one if the samples have none: for texts of different lengths, or if it
    needs one.

    InputError: the inputs of two samples differ, a text is empty or has a negative id, or an input with a value for
    each token has another length.
    """
    found = _Collected(explained, text)
    error = ""
    for index, read in reads:
        result, error = attempt(read)
        if result is not None:
            found.add(index, f"sample {index} ({ids[index]})", *result)
    if found.first is None:
        raise InputError(f"no sample of the data set can be read; the last error is {error}")
    parts = tuple(found.make_part(name, pad_id if name == explained else 0) for name in found.first)
    survey = Survey(Structure(explained, parts), found.index, found.extremes, found.has_lengths)
    if not (text and MASK not in found.first and (needs_mask or (takes_mask and survey.has_lengths))):
        return survey
    parts = (*parts, Part(MASK, survey.structure.part.shape, torch.int64, follows=True))
    return replace(survey, structure=Structure(explained, parts), makes_mask=True)


class _Collected:
    """The inputs of samples that were read so far."""

    def __init__(self, explained: str, text: bool) -> None:
        self.explained, self.text = explained, text
        self.first: dict[str, Tensor] | None = None
        self.index = 0
        self.names: frozenset[str] = frozenset()
        self.follows: dict[str, bool] = {}
        self.constant: dict[str, bool] = {}
        self.odd: dict[str, str] = {}
        self.extremes: Extremes | None = None
        self.shortest = self.longest = 0

    @property
    def has_lengths(self) -> bool:
        return self.shortest < self.longest

    def add(self, index: int, where: str, values: dict[str, Tensor], names: frozenset[str]) -> None:
        self._require_same_names(where, names)
        length = self._add_text(index, where, values[self.explained]) if self.text else None
        if self.first is None:
            self.first, self.index, self.names = values, index, names
            self.follows = {name: self.text and value.dim() > 0 for name, value in values.items()}
            self.constant = dict.fromkeys(values, True)
        for name, value in values.items():
            one = self.first[name]
            self.constant[name] &= value.shape == one.shape
            if value.dim() != one.dim() or (value.dim() and value.shape[1:] != one.shape[1:]):
                raise self._differ(where, name, value)
            if value.is_floating_point() != one.is_floating_point():
                raise InputError(f"{where}: the input {name} has the type {value.dtype}, but others have {one.dtype}")
            if self.follows[name] and len(value) != length:
                self.follows[name] = False
                self.odd[name] = f"{where}: the input {name} has {len(value)} values, but the text has {length} tokens"
            if not self.follows[name] and (not self.constant[name] or name in ALIGNED):
                raise InputError(
                    f"{self.odd[name]}: expected one for each token"
                    if name in self.odd
                    else f"{where}: the input {name} has the shape {tuple(value.shape)}, but others have "
                    f"{tuple(one.shape)}: give all samples inputs of one shape"
                )

    def _require_same_names(self, where: str, names: frozenset[str]) -> None:
        if self.first is None or names == self.names:
            return
        one, other = (", ".join(sorted(found)) for found in (names, self.names))
        raise InputError(
            f"{where}: has the inputs {one}, but sample {self.index} has {other}: give all samples the same inputs"
        )

    def _add_text(self, index: int, where: str, ids: Tensor) -> int:
        if ids.dim() != 1 or len(ids) == 0:
            raise InputError(
                f"{where}: the text is empty ({self.explained} has the shape {tuple(ids.shape)}, or its attention mask "
                "is 0 everywhere): leave such samples out"
            )
        low, high = int(ids.min()), int(ids.max())
        if low < 0:
            raise InputError(
                f"{where}: {self.explained} has the id {low}: expected ids of tokens from 0; -100 is for labels of "
                "tokens, not for ids"
            )
        if self.extremes is None:
            self.shortest = self.longest = len(ids)
            self.extremes = Extremes(index, index, index, high)
        if len(ids) < self.shortest:
            self.shortest, self.extremes = len(ids), replace(self.extremes, shortest=index)
        if len(ids) > self.longest:
            self.longest, self.extremes = len(ids), replace(self.extremes, longest=index)
        if high > self.extremes.highest_id:
            self.extremes = replace(self.extremes, highest=index, highest_id=high)
        return len(ids)

    def _differ(self, where: str, name: str, value: Tensor) -> InputError:
        assert self.first is not None
        return InputError(
            f"{where}: the input {name} has the shape {tuple(value.shape)}, but that of sample {self.index} "
            f"{tuple(self.first[name].shape)}: give all samples inputs of one shape"
        )

    def make_part(self, name: str, fill: int) -> Part:
        assert self.first is not None
        value, follows = self.first[name], self.follows[name]
        shape = (self.longest, *value.shape[1:]) if follows else tuple(value.shape)
        kinds = value.dtype if value.is_floating_point() or value.dtype == torch.bool else torch.int64
        return Part(name, shape, kinds, follows, fill)

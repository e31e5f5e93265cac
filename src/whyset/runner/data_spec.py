"""Description of the data: its modality, names of channels or columns, a rate, and the words of texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyset.errors import InputError
from whyset.modality import MODALITIES, TEXT
from whyset.runner.sources import Source, read
from whyset.runner.sources.source import attempt, get_structure
from whyset.runner.tokens import load_tokenizer, make_speller
from whyset.store.modality import get_modality

Words = Sequence[Sequence[str]] | Sequence[str] | Mapping[Any, Any] | Callable[[int], str] | str | Path
"""The words of every text, a vocabulary, a function from the id of a token to its text, or the path of a tokenizer."""


@dataclass(frozen=True, eq=False)
class DataSpec:
    """Description of the data given by the user; None where nothing is given.

    `tokens` is a list of words for each text, or a tokenizer, a vocabulary or a function, as in `make_speller`; a path
    is replaced by what it holds, and kept in `tokens_path`.
    """

    modality: str | None = None
    features: Sequence[str] | None = None
    rate: float | None = None
    tokens: Any = None
    tokens_path: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tokens, str | Path):
            object.__setattr__(self, "tokens_path", str(Path(self.tokens).resolve()))
            object.__setattr__(self, "tokens", load_tokenizer(self.tokens))
        if self.modality is not None and self.modality not in MODALITIES:
            raise InputError(f"modality must be one of {', '.join(MODALITIES)}, not {self.modality!r}")
        if isinstance(self.features, str) or not isinstance(self.features, Iterable | None):
            raise InputError(f"features are {self.features!r}: expected a sequence of names, one for each column")
        if isinstance(self.rate, bool) or not isinstance(self.rate, Real | None):
            raise InputError(f"rate is {self.rate!r}: expected a number of positions per second")

    def complete(self, source: Source) -> "DataSpec":
        """Fill the fields that were not given with those of the source."""
        features = getattr(source, "features", None) if self.features is None else self.features
        return DataSpec(
            self.modality,
            None if features is None else tuple(map(str, features)),
            getattr(source, "rate", None) if self.rate is None else self.rate,
            getattr(source, "tokens", None) if self.tokens is None else self.tokens,
            self.tokens_path,
        )

    def of(self, shape: tuple[int, ...], *, integers: bool) -> str:
        """Get the modality of inputs of this shape; InputError if the description does not fit."""
        found = TEXT if integers else get_modality(self.modality, shape)
        if (self.modality or found) != found or len(shape) != len(MODALITIES[found].axes):
            values = "ids of tokens" if integers else "floats"
            raise InputError(
                f"the modality {self.modality or found!r} does not fit inputs {tuple(shape)} of {values}: images are "
                "(C, H, W), volumes (C, D, H, W), series (C, T), rows of tables (F,), and texts ids of tokens as "
                "integers (T,)"
            )
        if self.features is not None and (MODALITIES[found].inputs == "ids" or len(self.features) != shape[0]):
            wanted = "no names of features for texts" if found == TEXT else f"{shape[0]} names of features"
            raise InputError(f"expected {wanted}, got {len(self.features)}")
        if self.tokens is not None and found != TEXT:
            raise InputError(f"tokens are for texts, but the modality of the inputs is {found}: omit them")
        if self.rate is not None and not MODALITIES[found].timed:
            raise InputError(f"rate is for series, but the modality of the inputs is {found}: omit it")
        return found

    def get_fields(self, modality: str, shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the fields of the run's configuration; a modality that follows from the shape is not stored."""
        stated = None if get_modality(None, shape) == modality else modality
        return {"modality": stated, "features": tuple(self.features or ()), "rate": self.rate}

    def words(self, source: Source, length: int) -> list[list[str]] | None:
        """Return the words of every text of the source, at most `length` each; None where they are not known."""
        if self.tokens is None and not _has_lengths(source):
            return None
        tokens = {} if self.tokens is None else self.tokens
        words = _list_tokens(tokens, source)
        if len(words) != len(source):
            raise InputError(f"tokens: expected the words of {len(source)} texts, got {len(words)}")
        if make_speller(tokens) is None:
            _require_lengths(words, source)
        longest = max(range(len(words)), key=lambda index: len(words[index]))
        if len(words[longest]) > length:
            raise InputError(
                f"text {longest} ({source.ids[longest]}) has {len(words[longest])} tokens, but inputs are {length} long"
            )
        return words


def _has_lengths(source: Source) -> bool:
    """True for texts of different lengths, whose words state them in the run."""
    structure = get_structure(source)
    return structure is not None and structure.is_text


def _require_lengths(words: Sequence[Sequence[str]], source: Source) -> None:
    """Require one word for each token of texts of different lengths; unreadable texts have none."""
    structure = get_structure(source)
    if structure is None or not structure.is_text:
        return
    for index, listed in enumerate(words):
        row, _ = attempt(partial(read, source, index))
        if row is not None and len(listed) != int(row[0][0]):
            raise InputError(
                f"tokens: text {index} ({source.ids[index]}) has {int(row[0][0])} tokens, but {len(listed)} words are "
                "given: give one word for each token"
            )


def _list_tokens(tokens: Any, source: Source) -> list[list[str]]:
    to_text = make_speller(tokens)
    if to_text is None:
        if not isinstance(tokens, Iterable):
            raise InputError(
                f"tokens are {tokens!r}: expected the words of each text, a tokenizer, a vocabulary, or a function"
            )
        return [[str(word) for word in words] for words in tokens]
    text_of = cache(to_text)
    return [_spell(text_of, source, index) for index in range(len(source))]


def _spell(to_text: Callable[[int], object], source: Source, index: int) -> list[str]:
    """Return the texts of one sample's ids; an id without text becomes #id, an unreadable sample has none."""
    try:
        x: torch.Tensor = read(source, index)[0]
        structure = get_structure(source)
        x = x if structure is None else structure.get_own(x)
    except Exception:  # it will be recorded as a failed sample
        return []
    ids: list[int] = np.asarray(x).tolist()
    found = ((id, to_text(id)) for id in ids)
    return [f"#{id}" if text is None else str(text) for id, text in found]

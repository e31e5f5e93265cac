"""The texts of tokens: from a tokenizer, a vocabulary, or a function, given as an object or as a file."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyset.errors import InputError
from whyset.optional import import_optional
from whyset.store.boundary import read_regular

Speller = Callable[[int], object]
"""Converts the id of a token to its text, or to None if it has none."""

INSTALL = "pip install transformers"


def make_speller(tokens: Any) -> Speller | None:
    """Return a function from the id of a token to its text; None for lists of the words of every text.

    `tokens` is a tokenizer (`convert_ids_to_tokens`, `id_to_token` or `decode`), a vocabulary (a list of tokens, or a
    mapping between ids and tokens, in either direction), or such a function.

    >>> [make_speller(vocabulary)(1) for vocabulary in (["[PAD]", "cat"], {1: "cat"}, {"cat": 1}, "pcat".__getitem__)]
    ['cat', 'cat', 'cat', 'c']
    """
    for name in ("convert_ids_to_tokens", "id_to_token"):
        if callable(found := getattr(tokens, name, None)):
            return _without_errors(found)
    if isinstance(tokens, Mapping):
        texts = {_whole(key, value): text for key, value, text in _list_pairs(tokens)}
        return texts.get
    is_list = isinstance(tokens, Sequence) and not isinstance(tokens, str) and len(tokens) > 0
    if is_list and all(isinstance(one, str) for one in tokens):
        return lambda id: tokens[id] if 0 <= id < len(tokens) else None
    if callable(decode := getattr(tokens, "decode", None)):
        return lambda id: decode([id])
    return tokens if callable(tokens) else None


def _without_errors(to_text: Speller) -> Speller:
    """Return the function with None for ids that a tokenizer refuses."""

    def spell(id: int) -> object:
        try:
            return to_text(id)
        except (IndexError, KeyError, OverflowError, ValueError):
            return None

    return spell


def _list_pairs(vocabulary: Mapping[Any, Any]) -> list[tuple[Any, Any, str]]:
    """Return (key, value, text) of each token."""
    return [(key, value, key if isinstance(key, str) else str(value)) for key, value in vocabulary.items()]


def _whole(key: Any, value: Any) -> int:
    """Return the id of a token of a vocabulary with ids as keys or as values."""
    id = value if isinstance(key, str) else key
    if isinstance(id, str) or int(id) != id:
        raise InputError(f"tokens: the vocabulary has {key!r}: {value!r}: expected the id of a token and its text")
    return int(id)


def load_tokenizer(path: str | Path) -> Any:
    """Load what converts ids to texts: a saved tokenizer of Hugging Face, or a vocabulary.

    `path` is the folder of a tokenizer, which is loaded by transformers without code of the folder; a tokenizer.json,
    loaded by tokenizers; a JSON file with the id of each token; or a text file with one token in each line.

    InputError: the file is missing, empty, or none of this.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"tokenizer {path} does not exist: expected a folder, a tokenizer.json or a vocabulary")
    if path.is_dir():
        transformers = import_optional("transformers", f"the tokenizer {path}", INSTALL)
        load = transformers.AutoTokenizer.from_pretrained
        return _read(lambda: load(str(path), local_files_only=True, trust_remote_code=False), path)
    text = _read(lambda: read_regular(path).decode("utf-8"), path)
    if path.suffix.lower() == ".json":
        stored = _read(lambda: json.loads(text), path)
        if isinstance(stored, dict) and stored and all(isinstance(id, int) for id in stored.values()):
            return stored
        tokenizers = import_optional("tokenizers", f"the tokenizer {path}", INSTALL)
        return _read(lambda: tokenizers.Tokenizer.from_str(text), path)
    lines = text.splitlines()
    if not lines:
        raise InputError(f"tokenizer {path} is empty: expected a vocabulary with one token in each line")
    return lines


def _read(do: Callable[[], Any], path: Path) -> Any:
    """Return the result of `do`; InputError, which names the file, for any error of it."""
    try:
        return do()
    except Exception as error:  # those of transformers and tokenizers have many types
        reason = " ".join(str(error).split())
        raise InputError(
            f"tokenizer {path} cannot be read ({type(error).__name__}: {reason}): expected the folder of a tokenizer "
            "of Hugging Face, its tokenizer.json, or a vocabulary with one token in each line"
        ) from error


def get_pad_id(tokens: Any) -> int | None:
    """Return the id that a tokenizer pads texts with, None if it does not state one."""
    found = getattr(tokens, "pad_token_id", None)
    return found if isinstance(found, int) else None


def can_encode(tokens: Any) -> bool:
    """True for a tokenizer, which splits texts into tokens; False for what only names them."""
    if callable(getattr(tokens, "convert_ids_to_tokens", None)):
        return callable(tokens)
    return callable(getattr(tokens, "id_to_token", None)) and callable(getattr(tokens, "encode", None))


def encode(tokenizer: Any, text: str) -> dict[str, list[int]]:
    """Return the inputs of a model for a text, by a tokenizer of transformers or of tokenizers."""
    if callable(tokenizer):
        return {name: list(values) for name, values in tokenizer(text).items()}
    found = tokenizer.encode(text)
    return {"input_ids": found.ids, "token_type_ids": found.type_ids, "attention_mask": found.attention_mask}

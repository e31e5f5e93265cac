"""Tokenizers and vocabularies, as objects and as files."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from whyset.errors import InputError
from whyset.runner.tokens import can_encode, encode, get_pad_id, load_tokenizer, make_speller

WORDS = ["[PAD]", "[UNK]", "cat", "dog"]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of the package tokenizers, which splits at spaces."""
    tokenizers = pytest.importorskip("tokenizers")
    found = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: id for id, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    found.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return found


@pytest.mark.parametrize(
    "tokens",
    [
        WORDS,
        dict(enumerate(WORDS)),
        {word: id for id, word in enumerate(WORDS)},
        dict(enumerate(WORDS)).get,
        SimpleNamespace(convert_ids_to_tokens=WORDS.__getitem__),
        SimpleNamespace(decode=lambda ids: WORDS[ids[0]]),
    ],
    ids=["list", "ids to words", "words to ids", "function", "transformers", "decode"],
)
def test_ids_are_spelled_by_every_kind_of_vocabulary(tokens: Any) -> None:
    spell = make_speller(tokens)
    assert spell is not None
    assert [spell(id) for id in range(4)] == WORDS


def test_an_unknown_id_has_no_text_and_words_of_texts_are_no_vocabulary() -> None:
    for tokens in (WORDS, dict(enumerate(WORDS)), SimpleNamespace(convert_ids_to_tokens=WORDS.__getitem__)):
        spell = make_speller(tokens)
        assert spell is not None
        assert spell(9) is None
    assert make_speller([["a", "cat"], ["dog"]]) is None
    with pytest.raises(InputError, match=r"vocabulary has 'cat': 'dog': expected the id of a token and its text"):
        make_speller({"cat": "dog"})


def test_a_saved_tokenizer_is_loaded_from_its_folder_its_file_or_a_vocabulary(tokenizer: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(tmp_path / "folder")
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    (tmp_path / "vocab.json").write_text(json.dumps({word: id for id, word in enumerate(WORDS)}))
    for name in ("folder", "folder/tokenizer.json", "vocab.txt", "vocab.json"):
        spell = make_speller(load_tokenizer(tmp_path / name))
        assert spell is not None
        assert [spell(id) for id in range(4)] == WORDS
        assert spell(9) is None
    assert get_pad_id(load_tokenizer(tmp_path / "folder")) == 0
    assert get_pad_id(WORDS) is None


def test_a_tokenizer_splits_texts_and_a_vocabulary_does_not(tokenizer: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")
    for each in (tokenizer, fast):
        assert can_encode(each)
        found = encode(each, "dog bird cat")
        assert (found["input_ids"], found["attention_mask"]) == ([3, 1, 2], [1, 1, 1])
    assert not any(can_encode(tokens) for tokens in (WORDS, dict(enumerate(WORDS)), WORDS.__getitem__))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "tokenizer .*missing does not exist: expected a folder"),
        ("empty.txt", b"", r"empty.txt is empty: expected a vocabulary with one token in each line"),
        ("bytes.txt", b"\xff\xfe\xfa", r"bytes.txt cannot be read \(UnicodeDecodeError"),
        ("broken.json", b"{", r"broken.json cannot be read \(JSONDecodeError"),
        ("other.json", b'{"a": []}', r"other.json cannot be read .*expected the folder of a tokenizer"),
    ],
)
def test_what_is_not_a_tokenizer_is_refused(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_tokenizer(tmp_path / name)

"""Damages of files: each changes the file at a path, seeded, or returns False if it cannot."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

Damage = Callable[[Path, Random, list[Path]], bool]
"""Function that changes a file; its last argument lists the other files of the same type."""


def flip_bit(file: Path, random: Random, _: list[Path]) -> bool:
    """Flip one bit."""
    return _flip(file, random, 1)


def flip_bits(file: Path, random: Random, _: list[Path]) -> bool:
    """Flip 150 bits, spread over the file."""
    return _flip(file, random, 150)


def truncate(file: Path, random: Random, _: list[Path]) -> bool:
    """Truncate the file at a random place, like an interrupted copy."""
    size = file.stat().st_size
    os.truncate(file, random.randrange(1, size) if size > 1 else 0)
    return size > 0


def empty(file: Path, _: Random, __: list[Path]) -> bool:
    """Truncate the file to 0 bytes, as a full disk does."""
    size = file.stat().st_size
    os.truncate(file, 0)
    return size > 0


def delete(file: Path, _: Random, __: list[Path]) -> bool:
    """Delete the file."""
    file.unlink()
    return True


def delete_folder(file: Path, _: Random, __: list[Path]) -> bool:
    """Delete the folder that holds the file."""
    shutil.rmtree(file.parent)
    return True


def extend(file: Path, random: Random, _: list[Path]) -> bool:
    """Append bytes."""
    with file.open("ab") as stream:
        stream.write(random.randbytes(random.randrange(1, 64)))
    return True


def fill_with_zeros(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace a part by zeros, like a lost page."""
    data = bytearray(file.read_bytes())
    start = random.randrange(len(data)) if data else 0
    stop = min(len(data), start + random.randrange(16, 4096))
    return _write(file, bytes(data[:start]) + bytes(stop - start) + bytes(data[stop:]))


def swap(file: Path, random: Random, others: list[Path]) -> bool:
    """Exchange two files of the same type."""
    if not others:
        return False
    other = random.choice(others)
    one, two = file.read_bytes(), other.read_bytes()
    other.write_bytes(one)
    return _write(file, two)


def replace_by_copy(file: Path, random: Random, others: list[Path]) -> bool:
    """Replace the file by a copy of another file of the same type."""
    return bool(others) and _write(file, random.choice(others).read_bytes())


def swap_folders(file: Path, random: Random, others: list[Path]) -> bool:
    """Exchange the folders of two files of the same type, such as two categories."""
    folders = sorted({other.parent for other in others} - {file.parent})
    if not folders:
        return False
    other, aside = random.choice(folders), file.parent.with_name("aside")
    file.parent.rename(aside)
    other.rename(file.parent)
    aside.rename(other)
    return True


def add_stray(file: Path, random: Random, _: list[Path]) -> bool:
    """Put a file with a strange name next to it."""
    name = random.choice(["²", "٣.json", "000007.json", "a\nb", "-x", ".hidden", "con", "é" * 100, "[bold].json"])
    stray = file.with_name(name)
    if not stray.exists():
        stray.write_bytes(random.choice([b"", b"{}", random.randbytes(100)]))
        return True
    return False


def edit_digit(file: Path, random: Random, _: list[Path]) -> bool:
    """Change one digit of a text."""
    text = file.read_text("utf-8")
    places = [place for place, character in enumerate(text) if character in "0123456789"]
    if not places:
        return False
    place = random.choice(places)
    digit = random.choice([digit for digit in "123456789" if digit != text[place]])
    return _write(file, f"{text[:place]}{digit}{text[place + 1 :]}".encode())


def edit_number(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace a number by a negative, huge or fractional one."""
    return _edit(file, random, (int, float), lambda _: random.choice([-5, 10**11, 10**400, 0.5, -(2**63), 1e308]))


def edit_text(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace a text by another: a path, a very long one, an empty one."""
    texts = ["../../../etc", "", "x" * 100_000, "\ud800", "\0", "[red]", "NaN", "<f2", "|O"]
    return _edit(file, random, (str,), lambda _: random.choice(texts))


def edit_type(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace a value by one of another type."""
    values: list[Any] = [None, True, [], {}, "text", 7, [[]], {"a": [1]}]
    return _edit(file, random, (object,), lambda old: random.choice([v for v in values if type(v) is not type(old)]))


def edit_to_nan(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace a number by NaN or infinity, as Python's json writes them."""
    return _edit(file, random, (int, float), lambda _: random.choice([float("nan"), float("inf"), float("-inf")]))


def remove_key(file: Path, random: Random, _: list[Path]) -> bool:
    """Remove a key of an object."""
    value = json.loads(file.read_bytes())
    objects = [part for part in _walk(value) if isinstance(part, dict) and part]
    if not objects:
        return False
    chosen = random.choice(objects)
    del chosen[random.choice(sorted(chosen))]
    return _write(file, json.dumps(value).encode())


def add_key(file: Path, random: Random, _: list[Path]) -> bool:
    """Add a key to an object."""
    value = json.loads(file.read_bytes())
    random.choice([part for part in _walk(value) if isinstance(part, dict)])["added"] = 1
    return _write(file, json.dumps(value).encode())


def swap_values(file: Path, random: Random, _: list[Path]) -> bool:
    """Exchange two values of one object."""
    value = json.loads(file.read_bytes())
    objects = [part for part in _walk(value) if isinstance(part, dict) and len(part) > 1]
    if not objects:
        return False
    chosen = random.choice(objects)
    one, two = random.sample(sorted(chosen), 2)
    chosen[one], chosen[two] = chosen[two], chosen[one]
    return _write(file, json.dumps(value).encode())


def nest_deeply(file: Path, random: Random, _: list[Path]) -> bool:
    """Write JSON that is nested 100,000 deep."""
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return _write(file, b'{"config": ' + opening * 100_000 + b"1" + closing * 100_000 + b"}")


def make_fifo(file: Path, _: Random, __: list[Path]) -> bool:
    """Replace the file by a pipe without a writer."""
    file.unlink()
    os.mkfifo(file)
    return True


def make_folder(file: Path, _: Random, __: list[Path]) -> bool:
    """Replace the file by a folder."""
    file.unlink()
    file.mkdir()
    return True


def make_link(file: Path, random: Random, _: list[Path]) -> bool:
    """Replace the file by a symbolic link to nothing, to itself, or to an endless file."""
    target = random.choice(["nowhere", file.name, "/dev/zero"])
    file.unlink()
    file.symlink_to(target)
    return True


def make_sparse(file: Path, _: Random, __: list[Path]) -> bool:
    """Make the file 1 TB long without using disk space."""
    os.truncate(file, 2**40)
    return True


DAMAGES: Mapping[str, Damage] = {
    "flip a bit": flip_bit,
    "flip 150 bits": flip_bits,
    "truncate": truncate,
    "empty": empty,
    "delete": delete,
    "delete the folder": delete_folder,
    "extend": extend,
    "zeros": fill_with_zeros,
    "swap": swap,
    "copy of another": replace_by_copy,
    "swap folders": swap_folders,
    "stray file": add_stray,
    "pipe": make_fifo,
    "folder": make_folder,
    "link": make_link,
    "1 TB": make_sparse,
}
"""Damages of any file."""

JSON_DAMAGES: Mapping[str, Damage] = {
    "edit a digit": edit_digit,
    "edit a number": edit_number,
    "edit a text": edit_text,
    "edit a type": edit_type,
    "NaN": edit_to_nan,
    "remove a key": remove_key,
    "add a key": add_key,
    "swap values": swap_values,
    "nest deeply": nest_deeply,
}
"""Damages of JSON files."""


def _flip(file: Path, random: Random, count: int) -> bool:
    data = bytearray(file.read_bytes())
    for bit in random.sample(range(8 * len(data)), min(count, 8 * len(data))):
        data[bit // 8] ^= 1 << bit % 8
    return _write(file, bytes(data))


def _write(file: Path, data: bytes) -> bool:
    """Write the file; return whether that changes it."""
    changed = file.read_bytes() != data
    file.write_bytes(data)
    return changed


def _edit(file: Path, random: Random, kinds: tuple[type, ...], make: Callable[[Any], Any]) -> bool:
    """Replace one value of these types anywhere in the JSON."""
    value = json.loads(file.read_bytes())
    places = [
        (part, key)
        for part in _walk(value)
        for key in (part if isinstance(part, dict) else range(len(part)))
        if isinstance(part[key], kinds) and not (isinstance(part[key], bool) and object not in kinds)
    ]
    if not places:
        return False
    part, key = random.choice(places)
    part[key] = make(part[key])
    return _write(file, json.dumps(value).encode())


def _walk(value: Any) -> Iterator[Any]:
    """All objects and lists in a JSON value, outer ones first."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _walk(part)

"""Sealed files of records: what was changed, and what another version wrote, is refused."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from whyset.errors import BrokenRunError, InputError
from whyset.store.jsonfile import replace_json, seal_json
from whyset.store.sealed_json import digest_json, read_sealed, require_mapping, validate_record


@dataclass(frozen=True)
class Point:
    x: int
    y: float | None = None


def test_a_sealed_file_is_read_with_its_minor_version(tmp_path: Path) -> None:
    replace_json(tmp_path / "a.json", seal_json({"schema": "1.7", "x": 1}))
    assert read_sealed(tmp_path / "a.json", "1.0")["x"] == 1
    with pytest.raises(InputError, match=r"format version 1\.7; this whyset reads 2\.0: update whyset"):
        read_sealed(tmp_path / "a.json", "2.0")


def test_a_changed_file_is_refused_with_advice(tmp_path: Path) -> None:
    replace_json(tmp_path / "a.json", seal_json({"schema": "1.0", "x": 1}) | {"x": 2})
    with pytest.raises(BrokenRunError, match="its checksum does not match; make it again"):
        read_sealed(tmp_path / "a.json", "1.0", "make it again")


def test_a_record_is_validated_strictly() -> None:
    assert validate_record(Point, {"x": 1, "y": 0.5}, "points") == Point(1, 0.5)
    assert validate_record(tuple[Point, ...], [{"x": 1}], "points") == (Point(1),)
    with pytest.raises(BrokenRunError, match=r"points are damaged: x: .*integer, got '1'"):
        validate_record(Point, {"x": "1"}, "points")
    with pytest.raises(BrokenRunError, match="expected a JSON object, got list"):
        require_mapping([], "points")


def test_equal_values_have_equal_digests() -> None:
    assert digest_json({"a": [1, 2], "b": 1.0}) == digest_json({"b": 1.0, "a": (1, 2)}) != digest_json({"a": [2, 1]})

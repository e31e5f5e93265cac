"""Imports of optional packages fail with one line, whatever the package raises."""

from pathlib import Path

import pytest

from whyset.errors import MissingExtraError
from whyset.optional import import_optional


def test_an_absent_package_is_named_with_what_installs_it() -> None:
    with pytest.raises(MissingExtraError, match="this needs nowhere_at_all: pip install it"):
        import_optional("nowhere_at_all", "this", "pip install it")


@pytest.mark.parametrize("kind", ["RuntimeError", "OSError", "AttributeError"])
def test_a_package_whose_import_fails_is_told_from_one_that_is_absent(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text(f"raise {kind}('two\\nlines')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError) as caught:
        import_optional("broken_package", "this", "pip install it")
    assert str(caught.value) == (
        f"this needs broken_package, whose import fails ({kind}: two lines); install a version that works here: "
        "pip install it"
    )


def test_ctrl_c_during_an_import_is_not_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_package.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        import_optional("slow_package", "this", "pip install it")

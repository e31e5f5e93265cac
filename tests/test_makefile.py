"""`make` finds a Python that can make environments, or says what to do."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fake(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def find_python(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts" / "find_python"],
        env={"PATH": str(folder), **variables},
        capture_output=True,
        text=True,
    )


def test_the_newest_python_that_will_do_is_taken(tmp_path: Path) -> None:
    fake(tmp_path, "python3.14", "exit 1")  # a shim for a version that is not installed
    fake(tmp_path, "python3.12", f'exec "{sys.executable}" "$@"')
    fake(tmp_path, "python3", f'exec "{sys.executable}" "$@"')
    assert find_python(tmp_path).stdout.strip() == str(tmp_path / "python3.12")


def test_an_older_python_is_refused_by_what_is_needed(tmp_path: Path) -> None:
    fake(tmp_path, "python3", 'case "$2" in *version_info*) exit 1;; esac')
    answer = find_python(tmp_path)
    assert answer.returncode == 1
    assert "needs Python 3.11 or newer" in answer.stderr
    assert answer.stdout == ""


def test_a_missing_venv_module_is_explained(tmp_path: Path) -> None:
    without_venv = f'case "$2" in *venv*) exit 1;; esac\nexec "{sys.executable}" "$@"'
    fake(tmp_path, "python3", without_venv)
    answer = find_python(tmp_path)
    assert answer.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"sudo apt install python{version}-venv" in answer.stderr


def test_a_named_python_is_the_only_one_tried(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "exit 1")
    assert find_python(tmp_path, PYTHON=sys.executable).stdout.strip() == sys.executable
    assert find_python(tmp_path, PYTHON="/nowhere/python").returncode == 1


def test_make_installs_only_when_the_declared_dependencies_are_newer(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000, 1000))
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    stamps = [".venv/bin/python", ".venv/core.stamp", ".venv/test.stamp"]
    for peer in ("corelay", "virelay", "moto", "lxt", "quantus", "minilm", "saliency", "grad_cam", "craft", "trainers"):
        (tmp_path / "tests" / "oracles").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / "oracles" / f"{peer}.txt").touch()
        stamps.append(f".oracles/{peer}/stamp")
    for name in stamps:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def planned(goal: str) -> str:
        return subprocess.run(["make", "-n", goal], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "pip" not in planned("demo") + planned("test")
    os.utime(tmp_path / "constraints.txt")
    os.utime(tmp_path / ".venv/core.stamp", (2000, 2000))
    os.utime(tmp_path / ".venv/test.stamp", (2000, 2000))
    assert "install -c constraints.txt" in planned("demo")
    assert ".[test]" in planned("test")

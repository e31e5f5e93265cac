"""Write constraints.txt: the exact versions of a fresh installation of whyset with its test extra.

Run by `make constraints`. Versions named on the command line (`torch==2.13.0`) are installed as given; everything
else is the newest compatible version.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_TOOL = "hatchling"
HEADER = "# Exact versions of everything that `make` installs; written by `make constraints`.\n"


def fresh_installation(folder: Path, pins: list[str]) -> Path:
    """Make a virtual environment in `folder` with whyset, its test extra and the build tool; return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", f"{ROOT}[test]", BUILD_TOOL, *pins], check=True)
    return python


def pinned(frozen: str) -> list[str]:
    """Return the lines `name==version` without local versions such as `+cpu`, and without whyset, pip and CUDA."""
    lines = [re.sub(r"\+[\w.]+$", "", line) for line in frozen.splitlines() if re.match(r"[\w.-]+==", line)]
    return sorted((line for line in lines if not re.match(r"(whyset|pip|nvidia|cuda|triton)\b", line)), key=str.lower)


def main(pins: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        python = fresh_installation(Path(folder), pins)
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True
        ).stdout
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pinned(frozen)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The example behind the page on choosing a composite."""

import runpy
from pathlib import Path

from PIL import Image

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "compare_composites.py"


def test_it_draws_a_picture_and_measures_every_composite(tmp_path, capsys):
    example = runpy.run_path(str(EXAMPLE))
    example["main"](["--out", str(tmp_path / "composites.png"), "--epochs", "2", "--samples", "40"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(example["composites"]())
    with Image.open(tmp_path / "composites.png") as picture:
        width, height = picture.size
    cell = example["SIDE"] * 3 + 6  # with the gap to the next one
    assert ((width + 6) // cell, (height + 6) // cell) == (1 + len(rows), len(example["SHOWN"]))

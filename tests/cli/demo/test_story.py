"""The demo's steps cannot know what was planted, and where nothing was planted nothing is suspicious."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from whyset.cli.demo import story as steps
from whyset.cli.demo.folder import DemoFolder
from whyset.cli.demo.program import run_demo
from whyset.cli.demo.recipe import Recipe
from whyset.cli.demo.text import write_truth
from whyset.cli.demo.truth import PlantedMatch, Reliance, Truth
from whyset.errors import InputError
from whyset.progress import Silent
from whyset.store.effects import Estimate


def test_the_steps_import_nothing_that_knows_what_was_planted() -> None:
    tree = ast.parse(Path(steps.__file__).read_text("utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert "whyset.fixing" in imported
    assert not {name for name in imported if name.startswith("whyset.cli")}
    assert "planted" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_without_a_mark_nothing_is_suspicious_and_nothing_is_fixed(tmp_path: Path) -> None:
    recipe = replace(Recipe(), planted_share=0.0, test_share=0.6, epochs=8)  # fewer images take less time
    story, text = run_demo(DemoFolder(tmp_path), recipe, Silent())
    written = "\n".join(text)
    assert story.suspicion is None
    assert (story.fixes, story.fixed_run) == (None, None)
    assert "0 suspicious findings in 10 classes" in written
    assert "  The search found nothing suspicious in any of the 10 searched classes." in written
    assert "There is nothing to fix" in written
    assert "nothing was planted" in written
    assert not (tmp_path / "fixed").exists()
    assert not (tmp_path / "run" / "fixes").exists()


def test_without_a_recommended_fix_there_is_no_number_after_it() -> None:
    before = Reliance(*(Estimate(0.25 * number, None, 4) for number in range(4)))
    truth = Truth(37, 124, 449, (PlantedMatch("the suspicion", 40, 0.9, 0.97),), before, None)
    head, match, columns, *rows = write_truth(truth, Recipe(mark=5))
    assert "5 x 5 pixels at the upper left of 37 of the 124 training images of class 8" in head
    assert "40 images, precision 0.90, recall 0.97" in match
    assert "after" not in columns
    assert [row.split("  ")[-1].strip() for row in rows] == ["0 %", "25 %", "50 %", "75 %"]


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_folder_of_the_other_recipe_is_refused(tmp_path: Path, share: float) -> None:
    DemoFolder(tmp_path).claim(Recipe(planted_share=share))
    with pytest.raises(InputError, match="other settings"):
        DemoFolder(tmp_path).claim(Recipe(planted_share=0.3 - share))

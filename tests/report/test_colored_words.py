"""Words on the color of their relevance."""

from pathlib import Path
from types import ModuleType

import numpy as np

from whyset.image import colorize
from whyset.report.colored_words import MOST_WORDS, color_words


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_black_text_has_contrast_on_every_color() -> None:
    for red, green, blue in np.rint(255 - 0.6 * (255 - colorize(np.linspace(-1, 1, 201)[None])[0].astype(float))):
        assert (luminance(f"rgb({int(red)}, {int(green)}, {int(blue)})") + 0.05) / 0.05 >= 4.5


def test_words_have_their_relevance_and_the_most_relevant_one_the_strongest_color(
    modality_runs: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.text_run(tmp_path / "text")
    words = color_words(run, 3)
    length = len(run.tokens([3])[0])
    assert [one.word for one in words] == run.tokens([3])[0]
    np.testing.assert_allclose([one.relevance for one in words], run.relevance[3][:length])
    best = max(words, key=lambda one: abs(one.relevance))
    assert best.color in ("rgb(255, 102, 102)", "rgb(102, 102, 255)")


def test_a_long_text_is_cut_around_its_most_relevant_word(modality_runs: ModuleType, tmp_path: Path) -> None:
    count, length = modality_runs.SAMPLES, 200
    relevance = np.zeros((count, length), np.float32)
    relevance[:, 150] = 1.0
    relevance[1, 150], relevance[1, 2] = 0.0, -1.0
    run = modality_runs.make(
        tmp_path / "long",
        {"attribution/input": relevance, "input": np.tile(np.arange(length, dtype=np.int32), (count, 1))},
        modality="text",
    )
    words = [one.word for one in color_words(run, 0)]
    assert (words[0], words[-1], len(words)) == ("...", "...", MOST_WORDS + 2)
    assert "#150" in words
    assert [one.word for one in color_words(run, 1)][:3] == ["#0", "#1", "#2"]

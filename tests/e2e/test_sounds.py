"""Series with the rate of a sound are played in Detail; others, and those of a static page, have no player."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from whyset.viewer import Server

pytestmark = pytest.mark.browser

RATE, POSITIONS = 8000, 4000
DURATION = POSITIONS / RATE


@pytest.mark.parametrize(("rate", "players"), [(float(RATE), 1), (50.0, 0)])
def test_a_sound_is_played_from_any_time(
    modality_runs: ModuleType, tmp_path: Path, open_viewer: Callable, rate: float, players: int
) -> None:
    run = modality_runs.analyzed(modality_runs.series_run(tmp_path / "sounds", POSITIONS, rate))
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("odd")
        for index in (1, 3):
            viewer.tile(index).click()
            viewer.page.locator("figure[aria-label^='series of']").wait_for()
            sound = viewer.page.get_by_label("Sound of the sample")
            assert sound.count() == players
            if players:
                sound.evaluate("audio => audio.readyState || new Promise(done => (audio.onloadedmetadata = done))")
                assert sound.evaluate("audio => audio.duration") == pytest.approx(DURATION, abs=1 / RATE)
                assert f"sound?index={index}" in sound.get_attribute("src")
                play = "audio.currentTime = 0.4; audio.play().catch(failed);"
                sound.evaluate(f"audio => new Promise((done, failed) => {{ audio.onended = done; {play} }})")
                assert sound.evaluate("audio => audio.error") is None

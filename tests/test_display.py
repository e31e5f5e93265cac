"""Progress on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from whyset.display import Bar, Lines, display
from whyset.engines import Progress


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    shown = display()
    assert isinstance(shown, Lines)
    assert isinstance(shown, Progress)
    shown.start(20, "samples")
    shown.advance(5)
    shown.info("accuracy: 50.0%")
    shown.advance(15)
    shown.finish()
    printed = capsys.readouterr().out
    assert printed.startswith("accuracy: 50.0%\n20 of 20 samples (")
    assert "\x1b" not in printed
    assert "\r" not in printed


def test_plain_lines_tell_rate_and_remaining_time_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Lines()
    shown.start(100, "samples")
    shown.started -= 20
    shown.last_line -= 20
    shown.advance(25)
    shown.advance(1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("25 of 100 samples (1.2/s, 60 s left)")


def test_a_terminal_gets_a_bar_with_count_and_rate() -> None:
    screen = io.StringIO()
    shown = Bar(Console(file=screen, force_terminal=True, color_system=None, width=100))
    assert isinstance(shown, Progress)
    shown.start(20, "samples")
    shown.advance(5)
    shown.advance(15)
    shown.info("[not markup] 3 samples")
    shown.finish()
    assert "20/20 samples" in screen.getvalue()
    assert "samples/s" in screen.getvalue()
    assert "[not markup] 3 samples" in screen.getvalue()


def test_nothing_to_do_draws_no_bar() -> None:
    screen = io.StringIO()
    shown = Bar(Console(file=screen, force_terminal=True))
    shown.start(0, "samples")
    shown.advance(1)
    shown.finish()
    assert screen.getvalue() == ""


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", ":smile:", "runs/[bold]/:cat:"])
def test_units_and_lines_are_no_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    shown = Bar(Console(file=screen, force_terminal=True, color_system=None, width=120))
    shown.start(3, text)
    shown.advance(3)
    shown.info(text)
    shown.finish()
    assert f"3/3 {text}" in screen.getvalue()
    assert f"\n{text}\n" in screen.getvalue().replace("\x1b[2K", "").replace("\r", "\n")
    Lines().info(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().info("a\x1b[31m\rb\x9b")
    assert capsys.readouterr().out == "a\\x1b[31m\\rb\\x9b\n"

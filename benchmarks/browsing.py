"""Pages in a headless Chromium that draws in software, and what they cost: bytes, frames, memory, time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--enable-precise-memory-info",
)
WIDTH, HEIGHT = 1600, 1000

FRAMES = Path(__file__).with_name("frames.js")
"""Noted in every page: when frames of points were asked for and when the graphics process had drawn them."""


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Loaded:
    """What a page fetched: bytes as they traveled, by address, and seconds that each answer took."""

    bytes: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.bytes.values())


class MeasuredPage:
    """A new page in a profile of its own, with empty caches."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        self.page: Page = self.context.new_page()
        self.page.add_init_script(path=FRAMES)
        self.loaded = Loaded()
        self._asked: dict[str, tuple[str, float]] = {}
        self.devtools: CDPSession = self.context.new_cdp_session(self.page)
        self.devtools.on("Network.requestWillBeSent", self._on_request)
        self.devtools.on("Network.loadingFinished", self._on_finished)
        self.devtools.send("Network.enable")

    def close(self) -> None:
        self.context.close()

    def _on_request(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self._asked[event["requestId"]] = (event["request"]["url"], event["timestamp"])

    def _on_finished(self, event: dict[str, Any]) -> None:
        url, start = self._asked.get(event["requestId"], ("", 0.0))
        if url:
            self.loaded.bytes[url] = self.loaded.bytes.get(url, 0) + int(event["encodedDataLength"])
            self.loaded.seconds[url] = event["timestamp"] - start

    def until(self, expression: str, patience: float) -> Any:
        """Wait until JavaScript is true; TimeoutError after so many seconds."""
        end = time.monotonic() + patience
        while not (value := self.page.evaluate(expression)):
            if time.monotonic() > end:
                raise TimeoutError(f"after {patience:.0f} s it was not yet true: {expression}")
            self.page.wait_for_timeout(20)
        return value

    def first_frame(self, points: int, patience: float) -> dict[str, float]:
        """When the first frame with at least so many points was asked for and drawn, ms after the navigation."""
        drawn = f"window.__frames.find((frame) => frame.points >= {points} && frame.drawn !== null) ?? null"
        return dict(self.until(drawn, patience))

    def acted(self, action: str, patience: float = 60) -> dict[str, float]:
        """Do something in JavaScript, and give ms of work until its next frame was asked for, and of drawing that."""
        self.settle()
        self.page.evaluate(f"() => {{ window.__frames.length = 0; window.__begun = performance.now(); {action}; }}")
        return self._frame(patience)

    def acted_by_pointer(self, act: Any, event: str, patience: float = 60) -> dict[str, float]:
        """The same for what happens after the pointer's last event of this type."""
        self.settle()
        note = "() => { window.__frames.length = 0; window.__begun = performance.now(); }"
        self.page.evaluate(f"() => addEventListener('{event}', {note}, {{capture: true, once: true}})")
        act()
        return self._frame(patience)

    def _frame(self, patience: float) -> dict[str, float]:
        self.until("window.__frames.length > 0 && window.__frames.every((frame) => frame.drawn !== null)", patience)
        self.settle()
        found = self.page.evaluate(
            "() => ({begun: window.__begun, asked: window.__frames[0].asked, drawn: window.__frames[0].drawn,"
            " frames: window.__frames.length})"
        )
        return {
            "work": found["asked"] - found["begun"],
            "drawing": found["drawn"] - found["asked"],
            "frames": found["frames"],
        }

    def settle(self) -> None:
        """Wait until all frames are drawn and nothing is fetched."""
        self.page.wait_for_load_state("networkidle")
        self.until("window.__frames.every((frame) => frame.drawn !== null)", 60)
        self.page.wait_for_timeout(250)
        self.until("window.__frames.every((frame) => frame.drawn !== null)", 60)

    def elements(self) -> int:
        """DOM nodes that are alive after garbage collection, those outside the document too."""
        self.devtools.send("HeapProfiler.collectGarbage")
        return int(self.devtools.send("Memory.getDOMCounters")["nodes"])

    def heap(self) -> dict[str, float]:
        """MB that JavaScript holds after garbage collection: objects, and the bytes of typed arrays."""
        self.devtools.send("HeapProfiler.enable")
        self.devtools.send("HeapProfiler.collectGarbage")
        usage = self.devtools.send("Runtime.getHeapUsage")
        return {
            "objects": usage["usedSize"] / 1e6,
            "arrays": usage.get("backingStorageSize", 0) / 1e6,
        }

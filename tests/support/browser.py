"""The viewer in a real Chromium, as tests use it: what a person sees, and whatever went wrong meanwhile."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
PATIENCE = 20.0
"""Seconds after which something that does not come is taken for missing."""

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
)


@contextmanager
def chromium_browser(executable: Path) -> Iterator[Browser]:
    """A headless Chromium with WebGL2 in software."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class ViewerPage:
    """A page on which the viewer is open; `page` is Playwright's.

    `problems` gathers console errors, uncaught exceptions and requests to anywhere but the server.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        width: int,
        height: int,
        theme: str,
        script: str | None,
        view: str = "overview",
    ) -> None:
        self.origin = url.partition("/?")[0]
        self.problems: list[str] = []
        self.requests: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        self.page: Page = context.new_page()
        if script:
            self.page.add_init_script(script)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", self._on_request)
        self.page.goto(url)
        self.wait_for_view(view)

    def _on_console(self, message: ConsoleMessage) -> None:
        if "willReadFrequently" in message.text:
            return  # advice to those who read canvases, as `pixels` does
        if message.type in {"error", "warning"}:
            self.problems.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.problems.append(f"request outside: {request.url}")

    def requests_for_data(self) -> list[str]:
        """Requests to the API, but for those that ask from time to time whether the run has grown."""
        return [url for url in self.requests if "/api/" in url and not url.endswith("/progress")]

    def hook(self, call: str) -> Any:
        """What the page's test hook answers, for example `hook("pointCount()")`."""
        return self.page.evaluate(f"window.__viewer?.{call}")

    def until(self, expression: str) -> None:
        """Wait until JavaScript is true; Playwright's own waiting needs the `eval` that the page forbids."""
        end = time.monotonic() + PATIENCE
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}\nproblems: {self.problems}"
            self.page.wait_for_timeout(20)

    def until_equal(self, read: Callable[[], Any], expected: object) -> None:
        """Wait until what is read is as expected: what follows from an action may come later, not only its sign."""
        end = time.monotonic() + PATIENCE
        while (found := read()) != expected:
            assert time.monotonic() < end, f"expected {expected!r}, got {found!r}\nproblems: {self.problems}"
            self.page.wait_for_timeout(20)

    def next_frame(self) -> None:
        """Wait until the browser has drawn what was asked for before."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def until_written(self) -> str:
        """The address, once all that was asked for is loaded and the address names it."""
        self.until("window.__viewer?.addressIsWritten()")
        return str(self.page.evaluate("location.hash"))

    def wait_for_view(self, view: str) -> None:
        self.until(f"window.__viewer?.view() === {json.dumps(view)}")

    def open_class(self, name: str) -> None:
        """Click a class in the overview and wait until its points are drawn."""
        self.page.get_by_role("link", name=name, exact=True).click()
        self.wait_for_view("class")
        self.until("window.__viewer.drawnFrames() > 0")

    def classes(self) -> list[str]:
        """Names in the overview, from above."""
        return self.page.locator("tbody th[scope=row] a").all_inner_texts()

    def selected(self) -> list[int]:
        """Sample indices of the selection, rising."""
        return sorted(self.hook("selectedIndices()"))

    def told(self) -> str:
        """What the live region says."""
        return self.page.locator("[data-told]").inner_text()

    def positions(self, indices: Sequence[int]) -> np.ndarray:
        """Where the points of these samples are drawn, in pixels of the window: (n, 2)."""
        places = [self.hook(f"positionOf({index})") for index in indices]
        return np.array([[place["x"], place["y"]] for place in places])

    def lasso(self, corners: np.ndarray) -> None:
        """Draw a lasso through corners (n, 2) in pixels of the window."""
        self.page.get_by_role("button", name="Lasso", exact=True).click()
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*corner, steps=4)
        self.page.mouse.up()

    def tile(self, index: int) -> Locator:
        """The sample in the list of samples."""
        return self.page.locator(f"[role=option][data-index='{index}']")

    def pixels(self, canvas: Locator) -> np.ndarray:
        """What a picture shows, uint8 (H, W, 3)."""
        self.until_drawn(canvas)
        read = (
            "canvas => ({width: canvas.width, height: canvas.height, data: Array.from("
            "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)})"
        )
        shown = canvas.evaluate(read)
        return np.array(shown["data"], dtype=np.uint8).reshape(shown["height"], shown["width"], 4)[..., :3]

    def until_drawn(self, canvas: Locator) -> None:
        end = time.monotonic() + PATIENCE
        while canvas.evaluate("canvas => canvas.classList.contains('waiting')"):
            assert time.monotonic() < end, "the picture never came"
            self.page.wait_for_timeout(20)

    def screenshot(self, name: str) -> None:
        """A picture for people to look at, in the git-ignored folder `screenshots`."""
        self.until("!document.querySelector('canvas.waiting')")
        self.next_frame()
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


def inside(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points (n, 2) lie in the polygon, by the angle that its corners wind around each."""
    toward = corners[None] - points[:, None]
    angles = np.arctan2(toward[..., 1], toward[..., 0])
    turns = np.diff(np.concatenate([angles, angles[:, :1]], axis=1), axis=1)
    wound = ((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)
    return np.asarray(np.abs(wound) > np.pi)

"""The viewer in a headless Chromium that draws in software, beside ViRelAy's at the sizes that it survives.

    python benchmarks/viewer.py
    python benchmarks/viewer.py --sizes 100000 --peer .oracles/virelay/bin/virelay --peer-sizes 10000 100000

Every figure is measured on a synthetic run (benchmarks/synthetic.py), which ViRelAy gets through `whyset
export-virelay`. Each server runs in a process of its own and each page in a new profile with empty caches. The first
frame is timed five times, from the navigation on, each time with a server that has printed its address a moment ago.
For actions two times are told: the work in the page until it asks for the next frame, and the time in which the
graphics process, which has no graphics card here, carries that frame out. It prints the tables and with `--out` writes
them to a file, which is how benchmarks/results/viewer-<date>.md is made.
"""

import argparse
import gzip
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import median

from browsing import MeasuredPage, chromium
from playwright.sync_api import Browser
from synthetic import make_run

import whyset
from whyset.store.virelay import export_project

STATIC = Path(whyset.__file__).parent / "viewer" / "static"
PATIENCE = 120.0
SWITCHES = 50
QUERIES = 2000
LOADS = 5


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    seconds: float
    """From the command until it serves."""

    @property
    def memory(self) -> float:
        """MB that are resident now."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextmanager
def whyset_server(run: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "whyset", "view", str(run), "--no-browser"]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield Served(process, url, time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@contextmanager
def virelay_server(program: Path, project: Path, patience: float) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), str(project)]
    begun, url = time.monotonic(), f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until_answered(f"{url}/api/projects", patience)
        yield Served(process, url, time.monotonic() - begun)
    finally:
        process.terminate()
        process.wait()


def wait_until_answered(url: str, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            urllib.request.urlopen(url, timeout=patience).close()
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"{url} did not answer in {patience:.0f} s") from None
            time.sleep(0.1)
        else:
            return


def first_frames(
    browser: Browser,
    server: Callable[[], AbstractContextManager[Served]],
    place: str,
    points: int,
    loads: int,
) -> dict[str, str]:
    """The time to the first frame, each with a server that has just begun to serve and a page with empty caches."""
    started, asked, drawn = [], [], []
    for _ in range(loads):
        with server() as served:
            page = MeasuredPage(browser)
            try:
                page.page.goto(f"{served.url}{place}")
                frame = page.first_frame(points, PATIENCE)
            finally:
                page.close()
        for times, seconds in (
            (started, served.seconds),
            (asked, frame["asked"] / 1000),
            (drawn, frame["drawn"] / 1000),
        ):
            times.append(seconds)
    return {
        "from the command until it serves, median and worst": seconds_told(started),
        "first frame asked for, median and worst": seconds_told(asked),
        "first frame drawn, median and worst": seconds_told(drawn),
    }


def seconds_told(times: Sequence[float]) -> str:
    return f"{median(times):.2f} s, {max(times):.2f} s"


def measure_whyset(browser: Browser, run: Path, points: int, loads: int = LOADS) -> dict[str, str]:
    """All figures of the viewer for the class that holds every sample."""
    place = f"#/{run.name}/spray/00000"
    drawn = first_frames(browser, lambda: whyset_server(run), place, points, loads)
    with whyset_server(run) as served:
        before = served.memory
        page = MeasuredPage(browser)
        try:
            page.page.goto(f"{served.url}{place}")
            page.first_frame(points, PATIENCE)
            payload = dict(page.loaded.bytes)
            page.settle()
            figures = {
                "payload until the first frame": f"{sum(payload.values()) / 1e6:.2f} MB",
                "of which data of the class": f"{class_bytes(payload) / 1e6:.2f} MB",
                "payload with the pictures beside": f"{page.loaded.total / 1e6:.2f} MB",
                **drawn,
                "JavaScript heap: objects, arrays": heap_told(page),
                **answers(page),
                "server's memory: started, then": f"{before:.0f} MB, {served.memory:.0f} MB",
                **interactions(page),
            }
            figures["JavaScript heap after all of it"] = heap_told(page)
            figures["server's memory after all of it"] = f"{served.memory:.0f} MB"
        finally:
            page.close()
        return figures


def class_bytes(payload: Mapping[str, int]) -> int:
    """What belongs to the class and grows with it; not the page, its scripts and the run's description."""
    return sum(size for url, size in payload.items() if "/columns/" in url or "/points/" in url)


def heap_told(page: MeasuredPage) -> str:
    heap = page.heap()
    return f"{heap['objects']:.1f} + {heap['arrays']:.1f} MB"


def answers(page: MeasuredPage) -> dict[str, str]:
    """The slowest answers of the server."""
    slowest = sorted(page.loaded.seconds.items(), key=lambda item: -item[1])[:3]
    told = (
        f"{url.partition('/api/')[2].partition('?')[0].rpartition('/')[2] or 'page'} {s * 1000:.0f} ms"
        for url, s in slowest
    )
    return {"slowest answers": ", ".join(told)}


def interactions(page: MeasuredPage) -> dict[str, str]:
    """What a person does with the points, each as work and drawing."""
    inner = page.page
    canvas = inner.locator("canvas[role=application]")
    box = canvas.bounding_box()
    assert box is not None
    figures = {"hover: one query, mean and worst of 10": hover_queries(page, box)}
    figures["hover: handling the event, mean"] = (
        f"{hover_events(page, 'canvas[role=application]', 'pointermove'):.2f} ms"
    )
    figures["points in a lasso of 60 corners"] = lasso_query(page, box)
    inner.get_by_role("button", name="Lasso", exact=True).click()
    figures["lasso, to the frame"] = told(page.acted_by_pointer(lambda: draw_lasso(page, box), "pointerup"))
    inner.keyboard.press("Escape")
    inner.keyboard.press("v")
    card = inner.get_by_role("button", name="Cluster 0")
    figures["select a cluster"] = told(page.acted_by_pointer(lambda: card.first.click(), "click"))
    figures["clear the selection"] = told(page.acted_by_pointer(lambda: inner.keyboard.press("Escape"), "keydown"))
    color = inner.get_by_label("Color", exact=True)
    for name, said in (("prediction", "recolor, its column fetched"), ("cluster", ""), ("prediction", "recolor")):
        asked = len(page.loaded.bytes)
        took = page.acted_by_pointer(lambda name=name: color.select_option(name), "change")
        if said:
            requests = len(page.loaded.bytes) - asked
            figures[said] = f"{told(took)}; {requests} request{'' if requests == 1 else 's'}"
    color.select_option("cluster")
    figures["pan: from frame to frame, median and worst"] = moving(page, pan, box)
    figures["zoom: from frame to frame, median and worst"] = moving(page, zoom, box)
    return figures


def told(took: Mapping[str, float]) -> str:
    return f"{took['work']:.0f} + {took['drawing']:.0f} ms"


def hover_queries(page: MeasuredPage, box: Mapping[str, float]) -> str:
    """Milliseconds of queries at places spread over the scatter, with the index already there."""
    script = """([width, height, count]) => {
        const times = [];
        for (let i = 0; i < count; i++) {
            const [x, y] = [(i * 0.618034 % 1) * width, (i * 0.754878 % 1) * height];
            const start = performance.now();
            for (let repeat = 0; repeat < 10; repeat++) window.__viewer.pointAt(x, y);
            times.push((performance.now() - start) / 10);
        }
        return [times.reduce((sum, time) => sum + time, 0) / count, Math.max(...times)];
    }"""
    page.page.evaluate("window.__viewer.pointAt(1, 1)")
    times = page.page.evaluate(script, [box["width"], box["height"], QUERIES])
    return f"{times[0]:.4f} ms, {times[1]:.2f} ms"


def hover_events(page: MeasuredPage, canvas: str, event: str, places: int = 400) -> float:
    """Milliseconds that handling a move of the pointer takes, on average."""
    script = """([selector, event, count]) => {
        const canvas = document.querySelector(selector);
        const box = canvas.getBoundingClientRect();
        let sum = 0;
        for (let i = 0; i < count; i++) {
            const [right, down] = [(i * 0.618034 % 1) * box.width, (i * 0.754878 % 1) * box.height];
            const place = { clientX: box.left + right, clientY: box.top + down };
            const Kind = event.startsWith("pointer") ? PointerEvent : MouseEvent;
            const start = performance.now();
            canvas.dispatchEvent(new Kind(event, { ...place, bubbles: true }));
            sum += performance.now() - start;
        }
        return sum / count;
    }"""
    return float(page.page.evaluate(script, [canvas, event, places]))


def lasso_corners(box: Mapping[str, float]) -> list[tuple[float, float]]:
    """A star around the middle of the scatter, in its pixels."""
    from math import cos, pi, sin

    radius = min(box["width"], box["height"]) / 2
    places = ((radius * (0.9 if corner % 2 else 0.5), corner / 60 * 2 * pi) for corner in range(60))
    return [(box["width"] / 2 + r * cos(angle), box["height"] / 2 + r * sin(angle)) for r, angle in places]


def lasso_query(page: MeasuredPage, box: Mapping[str, float]) -> str:
    script = """(corners) => Array.from({ length: 9 }, () => {
        const start = performance.now();
        window.__viewer.countInside(corners);
        return performance.now() - start;
    })"""
    times = page.page.evaluate(script, [value for corner in lasso_corners(box) for value in corner])
    return f"{median(times):.0f} ms"


def draw_lasso(page: MeasuredPage, box: Mapping[str, float]) -> None:
    corners = [(box["x"] + x, box["y"] + y) for x, y in lasso_corners(box)]
    mouse = page.page.mouse
    mouse.move(*corners[0])
    mouse.down()
    for corner in corners[1:]:
        mouse.move(*corner)
    mouse.up()


def pan(page: MeasuredPage, box: Mapping[str, float]) -> None:
    mouse = page.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    for step in range(1, 31):
        mouse.move(x + 3 * step, y + 2 * step)
        page.page.wait_for_timeout(15)
    mouse.up()


def zoom(page: MeasuredPage, box: Mapping[str, float]) -> None:
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(30):
        page.page.mouse.wheel(0, -40)
        page.page.wait_for_timeout(15)


def moving(
    page: MeasuredPage, move: Callable[[MeasuredPage, Mapping[str, float]], None], box: Mapping[str, float]
) -> str:
    """Milliseconds between frames that were drawn while the view moved."""
    page.settle()
    page.page.evaluate("window.__frames.length = 0")
    move(page, box)
    page.settle()
    drawn = page.page.evaluate("window.__frames.map((frame) => frame.drawn)")
    page.page.keyboard.press("f")
    page.settle()
    apart = [later - earlier for earlier, later in pairwise(drawn)]
    return f"{median(apart):.0f} ms, {max(apart):.0f} ms ({len(drawn)} frames)"


def measure_leak(browser: Browser, run: Path, switches: int) -> str:
    """What JavaScript holds, and how many elements live, before and after going to and fro between two classes."""
    with whyset_server(run) as served:
        page = MeasuredPage(browser)
        try:
            page.page.goto(f"{served.url}#/{run.name}/spray/00000")
            page.first_frame(1, PATIENCE)
            for number in range(4):
                switch(page, run, number)
            before, elements = page.heap(), page.elements()
            for number in range(switches):
                switch(page, run, number)
            after, left = page.heap(), page.elements()
        finally:
            page.close()
    parts = (f"{kind} {before[kind]:.1f} MB, then {after[kind]:.1f} MB" for kind in before)
    return f"{switches} changes of the class, {', '.join(parts)}, elements {elements:,}, then {left:,}"


def switch(page: MeasuredPage, run: Path, number: int) -> None:
    page.page.evaluate(f"window.__frames.length = 0; location.hash = '#/{run.name}/spray/{(number + 1) % 2:05d}'")
    page.until("window.__frames.length > 0 && window.__frames.every((frame) => frame.drawn !== null)", PATIENCE)


def measure_virelay(browser: Browser, program: Path, project: Path, points: int) -> dict[str, str]:
    """The same figures of ViRelAy, as far as it has what they measure."""
    drawn = first_frames(browser, lambda: virelay_server(program, project, PATIENCE), "/projects/0", points, LOADS)
    with virelay_server(program, project, PATIENCE) as served:
        before = served.memory
        page = MeasuredPage(browser)
        try:
            page.page.goto(f"{served.url}/projects/0")
            page.first_frame(points, PATIENCE)
            payload = page.loaded.total
            page.page.wait_for_timeout(2000)  # it draws without end, so there is no rest to wait for
            return {
                "payload until the first frame": f"{payload / 1e6:.2f} MB",
                **drawn,
                "JavaScript heap: objects, arrays": heap_told(page),
                **answers(page),
                "server's memory: started, then": f"{before:.0f} MB, {served.memory:.0f} MB",
                "hover: handling the event, mean": f"{hover_events(page, 'canvas', 'mousemove', 6):.2f} ms",
            }
        finally:
            page.close()


def bundle_size() -> int:
    """Bytes of the scripts, styles and page that a reader loads, gzipped."""
    files = [STATIC / "index.html", *(path for path in (STATIC / "assets").iterdir() if path.suffix in {".js", ".css"})]
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)


def told_table(title: str, columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    lines = [title, "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        lines.append(f"| {name} | " + " | ".join(figures.get(name, "–") for figures in columns.values()) + " |")
    return [*lines, ""]


def report(options: argparse.Namespace, folder: Path) -> list[str]:
    load = os.getloadavg()[0]
    columns: dict[str, dict[str, str]] = {}
    with chromium(options.chromium) as browser:
        version = browser.version
        for size in options.sizes:
            run = made(folder, size)
            columns[f"whyset, {size:,}"] = measure_whyset(browser, run, size)
        leak = measure_leak(browser, made(folder, options.leak_size), options.switches)
        for size in options.peer_sizes if options.peer else ():
            columns[f"ViRelAy, {size:,}"] = peer_figures(browser, options.peer, made(folder, size), size)
    return [
        f"# The viewer in a browser, {date.today()}",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; Chromium {version}, headless, drawing "
        f"in software (SwiftShader), window of 1600x1000; load average {load:.1f} when it began, "
        f"{os.getloadavg()[0]:.1f} when it ended. a + b ms: a of work in the page until it asks for the frame, b until "
        "that is drawn.",
        "",
        *told_table("## Points in one class", columns),
        f"Bundle: {bundle_size() / 1000:.1f} kB gzipped.",
        "",
        f"Leaks, at {options.leak_size:,} points: {leak}.",
    ]


def made(folder: Path, size: int) -> Path:
    run = folder / f"run-{size}"
    return run if run.exists() else make_run(run, size).path


def peer_figures(browser: Browser, program: Path, run: Path, size: int) -> dict[str, str]:
    """ViRelAy's figures, or why there are none."""
    project = run.with_name(f"{run.name}-virelay")
    if not project.exists():
        export_project(whyset.open_run(run), project)
    try:
        return measure_virelay(browser, program, project / "project.yaml", size)
    except TimeoutError as error:
        return {"first frame drawn, median and worst": f"none: {error}"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--peer", type=Path, help="ViRelAy's program; without it, whyset alone is measured")
    parser.add_argument("--peer-sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--leak-size", type=int, default=100_000)
    parser.add_argument("--switches", type=int, default=SWITCHES)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--folder", type=Path, help="where runs are made and kept; by default a temporary folder")
    parser.add_argument("--out", type=Path, help="also write the report into this file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        text = "\n".join(report(options, options.folder or Path(temporary))) + "\n"
    if options.out is not None:
        options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()

"""A notebook page without Jupyter: real widgets in Python, their messages carried to a real Chromium and back."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import comm
from comm.base_comm import BaseComm
from playwright.sync_api import Browser, Page

ORIGIN = "http://notebook.test"
STATIC = Path(__file__).parents[2] / "src" / "whyset" / "viewer" / "static"
HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>notebook</title>
<style>
  html { color: magenta; font: italic 31px/3 serif; --text: magenta; --panel: magenta; }
  body { background: BACKGROUND; margin: 20px; text-align: center; letter-spacing: 4px; }
  button, main, header, canvas { display: none; }
</style>
<p id="prose">Cells above.</p><input id="cell" aria-label="cell"><div id="output"></div>
<script type="module" src="/page.js"></script></html>"""
SCRIPT = """
import widget from "/widget.js";
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const text = (view) => btoa(String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)));
class Model {
  constructor(id) { this.id = id; this.state = {}; this.changed = {}; this.heard = {}; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = this.changed[name] = value; this.emit(`change:${name}`); }
  on(event, heard) { (this.heard[event] ??= []).push(heard); }
  off(event, heard) { this.heard[event] = (this.heard[event] ?? []).filter((other) => other !== heard); }
  emit(event, ...details) { for (const heard of [...(this.heard[event] ?? [])]) heard(...details); }
  send(content) { carry({ id: this.id, method: "custom", content, buffers: {} }); }
  save_changes() {
    const entries = Object.entries(this.changed);
    this.changed = {};
    const binary = entries.filter(([, value]) => value instanceof DataView);
    const buffers = Object.fromEntries(binary.map(([name, value]) => [name, text(value)]));
    const content = Object.fromEntries(entries.filter(([name]) => !(name in buffers)));
    carry({ id: this.id, method: "update", content, buffers });
  }
  receive({ method, content, buffers }) {
    const views = Object.entries(buffers).map(([name, data]) => [name, new DataView(bytes(data).buffer)]);
    if (method === "custom") return this.emit("msg:custom", content, views.map(([, view]) => view));
    const values = { ...content, ...Object.fromEntries(views) };
    Object.assign(this.state, values);
    for (const name of Object.keys(values)) this.emit(`change:${name}`);
  }
}
const models = new Map();
const carry = async (message) => window.deliver(await window.toKernel(message));
window.deliver = (messages) => { for (const message of messages) models.get(message.id)?.receive(message); };
window.show = (message) => {
  const model = new Model(message.id);
  models.set(message.id, model);
  model.receive(message);
  model.el = document.getElementById("output").appendChild(document.createElement("div"));
  model.el.id = message.id;
  model.end = widget.render({ model, el: model.el });
};
window.close_ = (id) => models.get(id).end();
window.keys = [];
addEventListener("keydown", (event) => window.keys.push(event.key));
window.ready = true;
"""


class Comm(BaseComm):
    """A widget's line to its page: what it says is gathered until somebody carries it."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys) -> None:  # type: ignore[no-untyped-def]
        if not hasattr(self, "said"):
            self.said: list[dict[str, Any]] = []
        if data and data.get("method", "update") in {"update", "custom"}:
            names = [path[0] for path in data.get("buffer_paths", [])]
            carried = dict(zip(names or range(len(buffers or [])), map(_text, buffers or []), strict=True))
            content = data.get("content") if data.get("method") == "custom" else data["state"]
            message = {"method": data.get("method", "update"), "content": content, "buffers": carried}
            self.said.append({"id": f"w{self.comm_id}", **message})


def _text(data: bytes) -> str:
    return b64encode(data).decode()


class Notebook:
    """A page with widgets in it. Python's changes arrive with `carry`, the page's whenever it makes them."""

    def __init__(self, browser: Browser, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        self.widgets: dict[str, Any] = {}
        self.problems: list[str] = []
        self.page: Page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda said: said.type in {"error", "warning"} and self.problems.append(said.text))
        self.page.on("request", self._on_request)
        html = HTML.replace("BACKGROUND", "#111" if dark else "#fff")
        files = {"/": (html, "text/html"), "/page.js": (SCRIPT, "text/javascript")}
        files["/widget.js"] = ((STATIC / "embed" / "widget.js").read_text("utf-8"), "text/javascript")
        files["/favicon.ico"] = ("", "image/x-icon")
        for path, (body, kind) in files.items():
            answer = {"body": body, "content_type": f"{kind}; charset=utf-8"}
            self.page.route(ORIGIN + path, lambda route, _request, answer=answer: route.fulfill(**answer))
        self.page.expose_function("toKernel", self._to_kernel)
        self.page.goto(f"{ORIGIN}/")
        self.until("window.ready")

    def show(self, widget: Any) -> str:
        """Display a widget; gives the id of its cell."""
        cell = f"w{widget.comm.comm_id}"
        self.widgets[cell] = widget
        said = widget.comm.said.copy()
        widget.comm.said.clear()
        self.page.evaluate("message => window.show(message)", said[0])
        return cell

    def carry(self, widget: Any) -> None:
        """Bring what Python has said to the page."""
        said = widget.comm.said.copy()
        widget.comm.said.clear()
        self.page.evaluate("messages => window.deliver(messages)", said)

    def hook(self, cell: str, call: str) -> Any:
        """What the test hook of a widget answers."""
        return self.page.evaluate(f"document.querySelector('#{cell} > div')?.__viewer?.{call}")

    def until(self, expression: str) -> None:
        self.page.wait_for_function(expression, timeout=20_000)

    def until_view(self, cell: str, view: str) -> None:
        hook = f"document.querySelector('#{cell} > div')?.__viewer"
        self.until(
            f"{hook}?.view() === {json.dumps(view)}" + (f" && {hook}.drawnFrames() > 0" if view == "class" else "")
        )

    def _to_kernel(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """What a kernel does with a message, and what is said in return."""
        widget = self.widgets[message["id"]]
        paths = [[name] for name in message["buffers"]]
        data = {"method": message["method"]}
        data |= {"content": message["content"]} if data["method"] == "custom" else {"state": message["content"]}
        content = {"data": data | {"buffer_paths": paths}}
        buffers = [memoryview(b64decode(text)) for text in message["buffers"].values()]
        widget.comm.handle_msg({"content": content, "buffers": buffers})
        said = widget.comm.said.copy()
        widget.comm.said.clear()
        return said

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith((ORIGIN, "data:", "blob:")):
            self.problems.append(f"request outside: {request.url}")


def install(monkeypatch: Any) -> None:
    """Let widgets made from now on speak through `Comm`."""
    monkeypatch.setattr(comm, "create_comm", Comm)

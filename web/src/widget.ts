import { mount, unmount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { widgetSource } from "./api/widget";
import type { Model } from "./api/widget";
import { beginning, link } from "./state/page/link.svelte";
import type { Outside, Told } from "./state/page/link.svelte";
import type { ViewerHook } from "./state/page/hook";
import type { Viewer } from "./state/page/viewer.svelte";
import { widgetHost } from "./state/page/widgetHost";

const STYLES = "__WHYSET_STYLES__";
const NAMES = { analysis: "analysis", category: "_category", sample: "sample", selection: "selection" } as const;

/** Shows the viewer in a cell; the returned function removes it. */
function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const container = el.appendChild(document.createElement("div"));
  const resize = () => (container.style.height = `${String(model.get("height"))}px`);
  resize();
  model.on("change:height", resize);

  const root = shadowIn(container);
  const outside = outsideOf(model);
  const host = widgetHost({ container, root, start: beginning(outside) });
  const started = (viewer: Viewer, hook: ViewerHook) => {
    Object.assign(container, { __viewer: hook }); // for tests
    link(viewer, outside);
  };
  const { source, dispose } = widgetSource(model);
  const app = mount(App, { target: root, props: { source, host, started } });
  return () => {
    model.off("change:height", resize);
    dispose();
    void unmount(app);
    container.remove();
  };
}

/** An element isolated from the styles of the page in both directions. */
function shadowIn(container: HTMLElement): HTMLElement {
  const shadow = container.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);
  shadow.adoptedStyleSheets = [sheet];
  const root = shadow.appendChild(document.createElement("div"));
  root.className = "whyset";
  root.tabIndex = -1; // a click anywhere focuses the viewer
  return root;
}

function outsideOf(model: Model): Outside {
  const read = (): Told => ({
    analysis: model.get(NAMES.analysis) as string | null,
    category: model.get(NAMES.category) as string | null,
    sample: model.get(NAMES.sample) as number | null,
    selection: rowsIn(model.get(NAMES.selection) as DataView | ArrayBuffer),
  });
  return {
    run: model.get("_run") as string,
    read,
    tell(changes) {
      for (const [name, value] of Object.entries(changes)) {
        model.set(NAMES[name as keyof Told], value instanceof Int32Array ? new DataView(value.buffer) : value);
      }
      model.save_changes();
    },
    listen(heard) {
      const listeners = Object.entries(NAMES).map(([name, trait]) => {
        const listener = () => heard(name as keyof Told);
        model.on(`change:${trait}`, listener);
        return () => model.off(`change:${trait}`, listener);
      });
      return () => listeners.forEach((end) => end());
    },
  };
}

/** Little-endian int32 at any offset of a message. */
function rowsIn(data: DataView | ArrayBuffer): Int32Array {
  if (data instanceof ArrayBuffer) return new Int32Array(data.slice(0));
  return new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
}

export default { render };

import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { blocksOf } from "./api/embedded/blocks";
import { embeddedSource } from "./api/embedded/source";
import { showHook } from "./state/page/hook";
import { pageHost } from "./state/page/host";

const target = document.getElementById("app");
if (target) {
  embeddedSource(blocksOf(document)).then(
    (source) => mount(App, { target, props: { source, host: pageHost(), started: showHook } }),
    (error: unknown) => (target.textContent = `This file cannot be shown: ${error instanceof Error ? error.message : String(error)}`),
  );
}

import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { ahead } from "./api/ahead";
import { httpSource } from "./api/http";
import { showHook } from "./state/page/hook";
import { pageHost } from "./state/page/host";
import { parseRoute } from "./state/address/route";

const target = document.getElementById("app");
const host = pageHost();
const source = ahead(httpSource("api/"), parseRoute(host.address.get()));
if (target) mount(App, { target, props: { source, host, started: showHook } });

import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { ahead } from "./api/ahead";
import { httpSource } from "./api/http";
import { pageHost } from "./state/host";
import { parseRoute } from "./state/route";

const target = document.getElementById("app");
const host = pageHost();
const source = ahead(httpSource("api/"), parseRoute(host.address.get()));
if (target) mount(App, { target, props: { source, host } });

import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { httpSource } from "./api/http";
import { pageHost } from "./state/host";

const target = document.getElementById("app");
if (target) mount(App, { target, props: { source: httpSource("api/"), host: pageHost() } });

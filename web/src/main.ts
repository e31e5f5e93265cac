import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { httpSource } from "./api/http";

const target = document.getElementById("app");
if (target) mount(App, { target, props: { source: httpSource("api/") } });

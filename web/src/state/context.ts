import { createContext } from "svelte";

import type { Settings } from "./settings.svelte";
import type { Viewer } from "./viewer.svelte";

export const [useViewer, provideViewer] = createContext<Viewer>();
export const [useSettings, provideSettings] = createContext<Settings>();

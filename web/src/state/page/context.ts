import { createContext, getContext, setContext } from "svelte";

import type { Norms } from "../heatmaps/norms.svelte";
import type { Settings } from "../heatmaps/settings.svelte";
import type { Viewer } from "./viewer.svelte";

export const [useViewer, provideViewer] = createContext<Viewer>();
export const [useSettings, provideSettings] = createContext<Settings>();

const NORMS = Symbol("norms");

/** Shared scale of the heatmaps of a component tree; by default each has its own scale. */
export const provideNorms = (norms: Norms): Norms => setContext(NORMS, norms);
export const findNorms = (): Norms | undefined => getContext(NORMS);

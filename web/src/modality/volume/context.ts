import { getContext, setContext } from "svelte";

import type { SliceChoice } from "../../state/heatmaps/slice.svelte";

const SLICE = Symbol("slice");

/** The slice that all volumes of a component tree show; by default each shows that with the most relevance. */
export const provideSlice = (choice: () => SliceChoice): (() => SliceChoice) => setContext(SLICE, choice);
export const findSlice = (): (() => SliceChoice) | undefined => getContext(SLICE);

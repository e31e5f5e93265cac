import type { Command } from "../page/keys";
import type { ClassSession } from "../class/session.svelte";
import type { Stage } from "./stage.svelte";
import { selectView } from "./steering";

/** The action of a key in a class and its scatter plot; null for keys handled elsewhere. */
export function classActions(session: ClassSession, stage: Stage, command: Command): (() => void) | null {
  if (typeof command === "object") {
    const known = session.clusterList.some((cluster) => cluster.id === command.cluster);
    return known ? () => session.selectCluster(command.cluster, "replace") : null;
  }
  const actions: Partial<Record<typeof command, () => void>> = {
    pan: () => (stage.tool = "pan"),
    lasso: () => (stage.tool = "lasso"),
    rectangle: () => (stage.tool = "rectangle"),
    view: () => selectView(session, stage),
    fit: () => stage.fit(),
    density: () => (session.density = !session.density),
    "zoom-in": () => stage.zoom(1.5),
    "zoom-out": () => stage.zoom(1 / 1.5),
    clear: () => session.clearSelection(),
    undo: () => session.undo(),
    previous: () => session.step(-1),
    next: () => session.step(1),
  };
  return actions[command] ?? null;
}

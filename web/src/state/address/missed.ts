import { TOO_LONG, decodeClusters, decodeIndices } from "./codes";
import { plural } from "../page/format";
import type { Route } from "./route";
import type { ClassSession } from "../class/session.svelte";

/** Messages about items of an address that the class does not have. */
export function missedBy(route: Route, session: ClassSession): string[] {
  const { clustering, embedding, axes, colorBy, order, data } = session;
  const choices: [string, string | null, string][] = [
    ["clustering", route.clustering, clustering],
    ["embedding", route.embedding, embedding],
    ["color", route.color, colorBy],
    ["order", route.order, order],
    ["axes", route.axes && route.axes.map((axis) => axis + 1).join(" × "), axes.map((axis) => axis + 1).join(" × ")],
  ];
  const missed = choices
    .filter(([, wanted, shown]) => wanted !== null && wanted !== shown)
    .map(([what, wanted, shown]) => `${data.detail.name} has no ${what} “${wanted}”${shown ? `; ${shown} is shown` : ""}.`);
  if (route.sample !== null && session.pointsOf([route.sample]).length === 0) missed.push(`Sample ${route.sample} is not in ${data.detail.name}.`);
  return [...missed, ...missedSelection(route, session)];
}

function missedSelection({ selected }: Route, session: ClassSession): string[] {
  if (selected === null) return [];
  if (selected === TOO_LONG) {
    return ["The selection was too long for the link: ask the sender for a state file (Share, Save state file)."];
  }
  const whole = decodeClusters(selected);
  if (whole !== null) {
    const there = new Set([-1, ...session.clusterList.map((cluster) => cluster.id)]);
    return whole.filter((id) => !there.has(id)).map((id) => `${session.clustering} has no cluster ${id}, which the link selects.`);
  }
  const rows = decodeIndices(selected);
  if (rows === null) return ["The link's selection cannot be read; nothing is selected."];
  const absent = rows.length - session.pointsOf(rows).length;
  return absent > 0 ? [`${plural(absent, session.noun)} of the link's selection ${absent === 1 ? "is" : "are"} not in ${session.data.detail.name}.`] : [];
}

import { untrack } from "svelte";

import { formatRoute, HOME } from "../address/route";
import type { ClassSession } from "../class/session.svelte";
import type { Viewer } from "./viewer.svelte";

/** State shared by a viewer and the surrounding program; samples are rows of the run. */
export interface Told {
  analysis: string | null;
  category: string | null;
  sample: number | null;
  selection: Int32Array;
}

/** The surrounding program. */
export interface Outside {
  /** The run of the program. */
  readonly run: string;
  read(): Told;
  tell(changes: Partial<Told>): void;
  /** Calls back when the program changes something; returns a function that stops it. */
  listen(heard: (name: keyof Told) => void): () => void;
}

/** Initial address of a linked viewer. */
export function beginning({ run, read }: Outside): string {
  const { analysis, category } = read();
  return formatRoute({ ...HOME, run, analysis, category });
}

/**
 * Synchronizes a viewer with the surrounding program; must be called where effects can be created.
 * Each side receives only changes of the other. Rows that the program selects outside of the open class stay selected
 * there, and are applied to a class that is still loading.
 */
export function link(viewer: Viewer, outside: Outside): void {
  let wanted = $state.raw<Int32Array | null>(outside.read().selection);
  let pointed = $state.raw<{ sample: number | null } | null>(outside.read());
  let [seen, seenSample] = [outside.read().selection, outside.read().sample];
  const session = $derived(viewer.run?.id === outside.run ? viewer.session : null);

  $effect(() => outside.listen(heard));
  $effect(() => {
    if (viewer.loading || viewer.run?.id !== outside.run) return;
    const place = { analysis: viewer.analysis?.name ?? null, category: session?.data.detail.id ?? null };
    untrack(() => {
      const known = outside.read();
      if (place.analysis !== known.analysis || place.category !== known.category) outside.tell(place);
    });
  });
  $effect(() => {
    if (!session) return;
    const rows = selectedRows(session);
    const asked = wanted;
    untrack(() => {
      if (asked) {
        wanted = null;
        if (!equal(asked, rows)) session.select(session.pointsOf(Array.from(asked)), "replace");
        seen = selectedRows(session);
      } else if (!equal(rows, seen)) {
        seen = rows;
        outside.tell({ selection: rows });
      }
    });
  });
  $effect(() => {
    if (!session) return;
    const sample = session.current < 0 ? null : session.data.indices[session.current];
    const asked = pointed;
    untrack(() => {
      if (asked) {
        pointed = null;
        session.current = asked.sample === null ? -1 : session.data.indices.indexOf(asked.sample);
        seenSample = session.current < 0 ? null : asked.sample;
      } else if (sample !== seenSample) {
        seenSample = sample;
        outside.tell({ sample });
      }
    });
  });

  function heard(name: keyof Told): void {
    const { analysis, category, sample, selection } = outside.read();
    if (name === "selection" && !equal(selection, seen)) wanted = selection;
    if (name === "sample" && sample !== seenSample) pointed = { sample };
    if (name !== "analysis" && name !== "category") return;
    const shown = viewer.route;
    if (shown.run === outside.run && shown.analysis === analysis && shown.category === category) return;
    viewer.go({ run: outside.run, analysis, category });
  }
}

function selectedRows({ selected, data }: ClassSession): Int32Array {
  return Int32Array.from(selected, (point) => data.indices[point]).sort();
}

function equal(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, place) => value === b[place]);
}

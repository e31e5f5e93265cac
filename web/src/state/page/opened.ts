import type { Column } from "../../api/binary";
import type { DataSource } from "../../api/source";
import type { RunDetail } from "../../api/types";
import { RunPictures } from "../heatmaps/pictures";
import type { Route } from "../address/route";
import { ClassSession } from "../class/session.svelte";

/** The rows of a class that was not analyzed and does not list its rows. */
const NO_INDEX: Column = { data: new Int32Array(0), shape: [0] };

/** An open run: its images and classes. */
export class OpenedRun {
  readonly source: DataSource;
  readonly detail: RunDetail;
  readonly pictures: RunPictures;

  constructor(source: DataSource, detail: RunDetail) {
    this.source = source;
    this.detail = detail;
    this.pictures = new RunPictures(source, detail);
  }

  async openClass(analysis: string, category: string, route: Route): Promise<ClassSession> {
    const { source, detail: run } = this;
    const detail = await source.category(run.id, analysis, category);
    const listed = !detail.evidence.problem || detail.columns.some((column) => column.name === "index");
    const index = listed ? await source.categoryColumn(run.id, analysis, category, "index") : NO_INDEX;
    return ClassSession.open({ source, run, analysis, detail, indices: index.data as Int32Array }, route);
  }
}

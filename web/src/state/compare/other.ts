import type { DataSource } from "../../api/source";
import type { AnalysisDetail, CategoryDetail, RunDetail } from "../../api/types";

/** The class to compare with, as far as it is chosen. */
export interface Wanted {
  run: string;
  analysis?: string | undefined;
  /** Its id in the analysis. */
  category?: string;
  clustering?: string;
  embedding?: string;
}

/** The current class. */
export interface Here {
  run: string;
  analysis: string;
  className: string;
  clustering: string;
  embedding: string;
}

/** A possible choice of the other class, with its options; null for missing parts. */
export interface Offer {
  run: RunDetail;
  analysis: AnalysisDetail | null;
  detail: CategoryDetail | null;
  clustering: string;
  embedding: string;
}

/** Completes a choice: the analysis of the same name, the class of the same name, the defaults of the analysis. */
export async function offered(source: DataSource, wanted: Wanted, here: Here): Promise<Offer> {
  const run = await source.run(wanted.run);
  const name = pick(run.analyses.map((analysis) => analysis.name), wanted.analysis, here.analysis);
  const analysis = name === undefined ? null : await source.analysis(run.id, name);
  const classes = analysis?.categories.filter((row) => !row.problem) ?? [];
  const category = pick(classes.map((row) => row.id), wanted.category, analysis ? sameClass(analysis, here.className) : undefined);
  const detail = name === undefined || category === undefined ? null : await source.category(run.id, name, category);
  const evidence = detail?.evidence;
  return {
    run,
    analysis,
    detail,
    clustering: pick(Object.keys(evidence?.clusterings ?? {}), wanted.clustering, evidence?.default_clustering) ?? "",
    embedding: pick(Object.keys(evidence?.embeddings ?? {}), wanted.embedding, evidence?.default_embedding) ?? "",
  };
}

/**
 * The most useful comparison of a class: with the same class in another run, then in another analysis, then with another
 * clustering or embedding, then with another class.
 */
export async function suggested(source: DataSource, runs: readonly string[], here: Here): Promise<Offer> {
  const own = await offered(source, here, here);
  const elsewhere: Wanted[] = [
    ...runs.filter((run) => run !== here.run).map((run) => ({ run })),
    ...own.run.analyses.filter(({ name }) => name !== here.analysis).map(({ name }) => ({ run: here.run, analysis: name })),
  ];
  for (const wanted of elsewhere) {
    const offer = await offered(source, wanted, here).catch(() => null); // unreadable ones are not suggested
    if (offer?.detail?.name === here.className) return offer;
  }
  const evidence = own.detail?.evidence;
  const another = (names: object | undefined, than: string) => Object.keys(names ?? {}).find((name) => name !== than);
  const clustering = another(evidence?.clusterings, here.clustering);
  if (clustering) return { ...own, clustering, embedding: here.embedding };
  const embedding = another(evidence?.embeddings, here.embedding);
  if (embedding) return { ...own, clustering: here.clustering, embedding };
  const category = own.analysis?.categories.find((row) => !row.problem && row.name !== here.className)?.id;
  return category ? offered(source, { run: here.run, analysis: here.analysis, category }, here) : own;
}

/** The id of the class of this name in another analysis, if it was analyzed there. */
export function sameClass({ categories }: AnalysisDetail, name: string): string | undefined {
  return categories.find((row) => row.name === name && !row.problem)?.id;
}

function pick(names: readonly string[], ...wanted: (string | null | undefined)[]): string | undefined {
  return wanted.find((name) => name != null && names.includes(name)) ?? names[0];
}

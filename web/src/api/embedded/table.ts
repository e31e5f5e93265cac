import type { ExportForm, Sample } from "../types";

/** A line of an exported table, with the columns of the server's own export. */
export type Line = Record<string, string | number | null>;

export function lineOf(sample: Sample, classes: readonly string[], clusters: Record<string, number | null>): Line {
  const { index, id, label, label_name, prediction, prediction_name, target, confidence, status } = sample;
  const target_name = target === null ? null : (classes[target] ?? null);
  const line: Line = { index, id, label, label_name, prediction, prediction_name, target, target_name, confidence, status };
  for (const [name, cluster] of Object.entries(clusters)) line[`cluster.${name}`] = cluster;
  return line;
}

export const EMBEDDED_EXPORTS: readonly ExportForm[] = ["csv", "json", "python"];

/** The samples as a file; the Python code contains the name `run`, as the file does not include the path of the run. */
export function fileOf(lines: Line[], form: ExportForm, run: string, name: string): File {
  if (form === "csv") return new File([csv(lines)], `${name}.csv`, { type: "text/csv" });
  if (form === "json") return new File([JSON.stringify(lines, null, 1)], `${name}.json`, { type: "application/json" });
  return new File([python(lines, run)], `${name}.py`, { type: "text/x-python" });
}

function csv(lines: Line[]): string {
  const names = Object.keys(lines[0] ?? {});
  const rows = lines.map((line) => names.map((name) => field(line[name])).join());
  return [names.map(field).join(), ...rows, ""].join("\n");
}

/** As the server writes it: quoted texts, plain numbers, empty for unknown values. A text that a spreadsheet would
 * interpret as a formula gets an apostrophe in front (OWASP, "CSV Injection"). */
function field(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}

function python(lines: Line[], run: string): string {
  return `import whyset as ws

run = ws.open_run(${JSON.stringify(run)})  # where the run lies on your computer
rows = [${lines.map((line) => line.index).join(", ")}]
samples = run.samples.take(rows)  # a pyarrow table, one line a sample
relevance = run.relevance[rows]  # float32, one map a row
`;
}

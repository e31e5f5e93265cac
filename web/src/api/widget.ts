import { sourceOver } from "./http";
import { SourceError } from "./source";
import type { DataSource } from "./source";

/** The part of an anywidget model that the viewer uses. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, heard: (...details: never[]) => void): void;
  off(event: string, heard: (...details: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

interface Answer {
  id: string;
  status: number;
  headers: Record<string, string>;
}

interface Waiting {
  resolve: (answer: Response) => void;
  reject: (error: SourceError) => void;
}

/** The transport of a notebook: requests and answers are messages between the page and the kernel. */
export function widgetSource(model: Model): { source: DataSource; dispose: () => void } {
  const waiting = new Map<string, Waiting>();
  const own = Math.random().toString(36).slice(2); // all views of a model receive all answers
  let asked = 0;

  const onanswer = (answer: Answer, buffers: DataView[]) => {
    const wish = waiting.get(answer.id);
    if (!wish) return;
    waiting.delete(answer.id);
    wish.resolve(responseOf(answer, buffers[0]));
  };
  model.on("msg:custom", onanswer);

  const ask = (path: string, { method = "GET", body = null }: RequestInit = {}) =>
    new Promise<Response>((resolve, reject) => {
      const id = `${own}-${++asked}`;
      waiting.set(id, { resolve, reject });
      try {
        model.send({ id, path, method, body });
      } catch (error) {
        waiting.delete(id);
        reject(new SourceError(`The kernel of the notebook does not answer: ${String(error)}`, "Run the cell again."));
      }
    });

  return {
    source: sourceOver(ask),
    dispose() {
      model.off("msg:custom", onanswer);
      waiting.forEach(({ reject }) => reject(new SourceError("The widget was closed.")));
      waiting.clear();
    },
  };
}

function responseOf({ status, headers }: Answer, body: DataView | undefined): Response {
  const empty = status === 204 || status === 304 || !body;
  return new Response(empty ? null : (body as DataView<ArrayBuffer>), { status, headers });
}

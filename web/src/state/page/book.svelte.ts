import type { DataSource } from "../../api/source";
import type { SelectionDraft, StoredSelection } from "../../api/types";
import { changed } from "./race";

/** What people have kept of a run: selections with tags and notes, as they lie beside it. */
export class SelectionBook {
  readonly #source: DataSource;
  readonly run: string;
  list = $state.raw<StoredSelection[]>([]);
  /** Files that cannot be read, or why none could be asked for. */
  problems = $state.raw<string[]>([]);
  writable = $state(true);
  /** Where they are kept, if not beside the run. */
  folder = $state<string | null>(null);

  constructor(source: DataSource, run: string) {
    this.#source = source;
    this.run = run;
  }

  async load(): Promise<void> {
    try {
      const { selections, problems, writable, folder } = await this.#source.selections(this.run);
      this.list = selections;
      this.problems = problems;
      this.writable = writable;
      this.folder = folder;
    } catch (error) {
      this.problems = [error instanceof Error ? error.message : String(error)];
    }
  }

  /** Keeps a new selection, or a changed one where `based` says on which it rests. */
  async keep(draft: SelectionDraft, based: StoredSelection | null): Promise<void> {
    const send = () =>
      based === null
        ? this.#source.addSelection(this.run, draft)
        : this.#source.changeSelection(this.run, based.id, based.revision, draft);
    await changed(send, () => this.load());
  }

  async remove({ id, revision }: StoredSelection): Promise<void> {
    await changed(() => this.#source.deleteSelection(this.run, id, revision), () => this.load());
  }
}

/** Whether a selection has the text in its name, tags or note. */
export function mentions({ name, tags, note }: StoredSelection, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return [name, note ?? "", ...(tags ?? [])].some((part) => part.toLowerCase().includes(wanted));
}

/** Tags as they are typed, with commas between them. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""))];
}

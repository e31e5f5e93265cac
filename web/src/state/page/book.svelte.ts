import type { DataSource } from "../../api/source";
import type { SelectionDraft, StoredSelection } from "../../api/types";
import { changed } from "./race";

/** Saved selections of a run with tags and notes. */
export class SelectionBook {
  readonly #source: DataSource;
  readonly run: string;
  list = $state.raw<StoredSelection[]>([]);
  /** Problems of files that cannot be read, or of the request. */
  problems = $state.raw<string[]>([]);
  writable = $state(true);
  /** Folder of the selections, if not next to the run. */
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

  /** Saves a new selection, or a changed one that is based on `based`. */
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

/** True if a selection has the text in its name, tags or note. */
export function mentions({ name, tags, note }: StoredSelection, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  return [name, note ?? "", ...(tags ?? [])].some((part) => part.toLowerCase().includes(wanted));
}

/** Parses tags separated by commas. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""))];
}

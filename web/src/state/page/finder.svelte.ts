import type { DataSource } from "../../api/source";
import type { Match, Matches } from "../../api/types";
import { plural } from "./format";

const PAUSE = 150; // milliseconds without typing before the server is asked
const NOTHING: Matches = { matches: [], total: 0, truncated: false };

/** Search text, matches and chosen match of the search for samples. */
export class Finder {
  readonly #source: DataSource;
  readonly #run: string;
  readonly #noun: "sample" | "explanation";
  readonly #analysis: string | null;
  #turn = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  text = $state("");
  found = $state.raw<Matches>(NOTHING);
  /** Every matching row, including those that are not listed. */
  rows = $state.raw<readonly number[]>([]);
  /** The text of the current matches; it differs from the typed text until the answer arrives. */
  answered = $state("");
  problem = $state<string | null>(null);
  #at = $state(0);

  constructor(source: DataSource, run: string, analysis: string | null, noun: "sample" | "explanation" = "sample") {
    this.#source = source;
    this.#run = run;
    this.#noun = noun;
    this.#analysis = analysis;
  }

  get matches(): readonly Match[] {
    return this.found.matches;
  }

  /** Position of the chosen match, or -1 while there is none. */
  get at(): number {
    return this.matches.length === 0 ? -1 : this.#at;
  }

  set at(position: number) {
    this.#at = Math.min(this.matches.length - 1, Math.max(0, position));
  }

  get chosen(): Match | null {
    return this.matches[this.at] ?? null;
  }

  /** Message about the result. */
  get told(): string {
    const { total, truncated } = this.found;
    if (this.text.trim() === "") return "";
    if (this.answered !== this.text.trim()) return this.problem ? "" : "Searching …";
    if (total === 0) return `No ${this.#noun} has “${this.answered}” in its id, label or texts.`;
    const more = truncated ? `, of which ${this.matches.length} are listed: type more to narrow it down` : "";
    return `${plural(total, this.#noun)} found${more}.`;
  }

  /** Sends a request once typing pauses; a later text replaces an earlier one. */
  type(text: string): void {
    this.text = text;
    clearTimeout(this.#later);
    const turn = ++this.#turn;
    this.#later = setTimeout(() => void this.#ask(text.trim(), () => turn === this.#turn), PAUSE);
  }

  end(): void {
    clearTimeout(this.#later);
    this.#turn++;
  }

  async #ask(text: string, isLatest: () => boolean): Promise<void> {
    try {
      const analysis = this.#analysis === null ? {} : { analysis: this.#analysis };
      const found = text === "" ? NOTHING : await this.#source.find(this.#run, text, analysis);
      const rows = found.truncated ? await this.#source.findRows(this.#run, text) : found.matches.map(({ index }) => index);
      if (!isLatest()) return;
      Object.assign(this, { found, rows, answered: text, problem: null });
      this.at = 0;
    } catch (error) {
      if (isLatest()) this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}

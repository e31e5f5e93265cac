import { SourceError } from "./source";

interface Wish<T> {
  key: number;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

/**
 * Combines single requests into batches and caches the answers.
 *
 * Requests of the same turn are sent together, at most `limit` in one batch; the newest are sent first, because
 * they are on the screen now. The least recently used answers beyond `capacity` are dropped.
 * One sample that cannot be read (409) makes the server refuse the whole batch, which is then halved until it is alone.
 */
export class Batcher<T> {
  readonly #fetch: (keys: number[]) => Promise<T[]>;
  readonly #limit: number;
  readonly #capacity: number;
  readonly #answers = new Map<number, Promise<T>>();
  #waiting: Wish<T>[] = [];
  #running = 0;
  #scheduled = false;

  constructor(fetch: (keys: number[]) => Promise<T[]>, limit: number, capacity: number) {
    this.#fetch = fetch;
    this.#limit = limit;
    this.#capacity = capacity;
  }

  get(key: number): Promise<T> {
    const known = this.#answers.get(key);
    if (known) {
      this.#answers.delete(key); // moved to the end: the most recently used
      this.#answers.set(key, known);
      return known;
    }
    const answer = new Promise<T>((resolve, reject) => this.#waiting.push({ key, resolve, reject }));
    this.#answers.set(key, answer);
    answer.catch(() => this.#answers.delete(key)); // an error is not cached: the next call sends a new request
    this.#forgetOldest();
    this.#schedule();
    return answer;
  }

  #forgetOldest(): void {
    for (const key of this.#answers.keys()) {
      if (this.#answers.size <= this.#capacity) return;
      this.#answers.delete(key);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#running < 2) {
      void this.#send(this.#waiting.splice(-this.#limit));
    }
  }

  async #send(wishes: Wish<T>[]): Promise<void> {
    this.#running += 1;
    try {
      const values = await this.#fetch(wishes.map((wish) => wish.key));
      wishes.forEach((wish, position) => wish.resolve(values[position]));
    } catch (error) {
      if (wishes.length > 1 && isOfOne(error)) await this.#sendHalves(wishes);
      else wishes.forEach((wish) => wish.reject(error));
    } finally {
      this.#running -= 1;
      this.#flush();
    }
  }

  async #sendHalves(wishes: Wish<T>[]): Promise<void> {
    const middle = wishes.length >> 1;
    await this.#send(wishes.slice(0, middle));
    await this.#send(wishes.slice(middle));
  }
}

const CONFLICT = 409;

/** True if the error may concern only some of the batch: a sample failed, is not explained yet, or is damaged. */
function isOfOne(error: unknown): boolean {
  return error instanceof SourceError && error.status === CONFLICT;
}

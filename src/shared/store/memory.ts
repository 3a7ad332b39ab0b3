import { type Entry, type Store, StoreError, type Write } from "./store.ts";

/** A store in memory for unit tests. Set `broken` to make every call fail, `disk` to what `write` and `sync` wait for. */
export class MemoryStore implements Store {
  // bounded: by the test that fills it
  readonly #entries = new Map<string, string>();
  broken: StoreError | undefined;
  disk: () => Promise<void> = async () => {};
  #open = true;

  async read(
    prefix: string,
    options: { after?: string; limit?: number; last?: boolean } = {},
  ): Promise<Entry[]> {
    this.#check();
    const keys = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && (options.after === undefined || key > options.after))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const limit = options.limit ?? keys.length;
    const chosen = options.last ? keys.slice(Math.max(0, keys.length - limit)) : keys.slice(0, limit);
    return chosen.map((key) => [key, JSON.parse(this.#entries.get(key) ?? "null")]);
  }

  async write(batch: readonly Write[]): Promise<void> {
    await this.disk();
    await this.note(batch);
  }

  async sync(): Promise<void> {
    await this.disk();
    this.#check();
  }

  rehearse(batch: readonly Write[]): void {
    for (const { value } of batch) JSON.stringify(value);
  }

  async note(batch: readonly Write[]): Promise<void> {
    this.#check();
    if (batch.some(({ value }) => value === null))
      throw new StoreError("failed", "a value is null", "this is a fault of ours");
    for (const { key, value } of batch) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, JSON.stringify(value));
    }
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  #check(): void {
    if (!this.#open) throw new StoreError("failed", "the store is closed", "open it again");
    if (this.broken !== undefined) throw this.broken;
  }
}

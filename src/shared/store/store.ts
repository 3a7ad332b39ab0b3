/** One write of a batch; a missing value deletes the key. Values are JSON, never null. */
export interface Write {
  readonly key: string;
  readonly value?: unknown;
}

/** What `read` gives back, in the order of the keys' bytes. */
export type Entry = readonly [key: string, value: unknown];

/**
 * The port to the store: keys are text, values JSON. Two implementations pass one contract suite: LevelDB
 * (`adapters/level.ts`) and memory (`memory.ts`). Whoever has it open is the gate.
 */
export interface Store {
  /**
   * Reads the entries whose keys begin with a prefix: only those behind the key `after`, at most `limit`, from the end when
   * `last`. @throws StoreError
   */
  read(prefix: string, options?: { after?: string; limit?: number; last?: boolean }): Promise<Entry[]>;
  /**
   * Writes all or nothing into the system's memory: it outlives this process, however that ends, but not the machine.
   * `sync` is to follow before anything else is written. @throws StoreError
   */
  note(batch: readonly Write[]): Promise<void>;
  /** Is back when what was noted last is on the disk. @throws StoreError: then it may be there or not, until it is undone */
  sync(): Promise<void>;
  /** Makes a batch ready as `note` would, and lets it go: the next note is taken sooner. @throws what an encoder throws */
  rehearse(batch: readonly Write[]): void;
  /** Writes all or nothing, and is back only when it is on the disk. @throws StoreError */
  write(batch: readonly Write[]): Promise<void>;
  /** Gives the lock back. */
  close(): Promise<void>;
}

/** `locked`: another process is the gate. `newer`: written by a later version of knockline. */
export type StoreFailure = "locked" | "full" | "read-only" | "denied" | "damaged" | "newer" | "failed";

/** The store said no; `cure` says what to do. Whatever was to be written is not. */
export class StoreError extends Error {
  constructor(
    readonly why: StoreFailure,
    message: string,
    readonly cure: string,
  ) {
    super(message);
    this.name = "StoreError";
  }
}

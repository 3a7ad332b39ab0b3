import { accessSync, constants } from "node:fs";
import { ClassicLevel } from "classic-level";
import { type Entry, type Store, StoreError, type StoreFailure, type Write } from "../store.ts";

/**
 * Opens the LevelDB store in a folder, which must exist, and takes its lock.
 * @param settle called after opening and after closing, when LevelDB has made files: their owner may need mending
 * @throws StoreError `locked` when another process holds it
 */
export async function openLevelStore(
  folder: string,
  settle: () => Promise<void> = async () => {},
): Promise<Store> {
  const level = new ClassicLevel<string, unknown>(folder, { keyEncoding: "utf8", valueEncoding: "json" });
  try {
    await level.open();
  } catch (error) {
    throw storeError(error, folder);
  }
  await settle();
  return new LevelStore(level, folder, settle);
}

class LevelStore implements Store {
  readonly #level: ClassicLevel<string, unknown>;
  readonly #folder: string;
  readonly #settle: () => Promise<void>;

  constructor(level: ClassicLevel<string, unknown>, folder: string, settle: () => Promise<void>) {
    this.#level = level;
    this.#folder = folder;
    this.#settle = settle;
  }

  async read(
    prefix: string,
    options: { after?: string; limit?: number; last?: boolean } = {},
  ): Promise<Entry[]> {
    try {
      const entries = await this.#level
        .iterator({
          ...(options.after === undefined ? { gte: prefix } : { gt: options.after }),
          lt: `${prefix}\uffff`,
          limit: options.limit ?? -1,
          reverse: options.last ?? false,
        })
        .all();
      return options.last ? entries.reverse() : entries;
    } catch (error) {
      throw storeError(error, this.#folder);
    }
  }

  async write(batch: readonly Write[]): Promise<void> {
    const operations = batch.map(({ key, value }) =>
      value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value },
    );
    try {
      await this.#level.batch(operations, { sync: true });
    } catch (error) {
      throw storeError(error, this.#folder);
    }
  }

  async close(): Promise<void> {
    await this.#level.close();
    await this.#settle();
  }
}

const CURES: Record<StoreFailure, string> = {
  locked: "one gate at a time: stop the other knockd (or wait for the other knockctl), then try again",
  full: "make room on the disk; nothing was opened, and open doors still close on time",
  "read-only": "mount the file system for writing (mount -o remount,rw), then try again",
  denied: "run as root or as the owner of the state folder, and check its modes",
  damaged: "move the folder away and restore a backup, or start with `knockctl init` and new users",
  newer: "install the newer knockline again, or restore a backup made with this one",
  failed: "look at the disk and at the system log, then try again",
};

/** LevelDB tells its errors apart only by text: status words of its own and strerror(3) of the system's. */
function classify(text: string, folder: string): StoreFailure {
  if (/LEVEL_LOCKED|already held by process|lock .*temporarily unavailable/i.test(text)) return "locked";
  if (/No space left|Disk quota exceeded/i.test(text)) return "full";
  if (/Read-only file system/i.test(text)) return "read-only";
  if (/Permission denied|Operation not permitted/i.test(text))
    return isReadOnly(folder) ? "read-only" : "denied";
  if (
    /LEVEL_CORRUPTION|Corruption|DECODE|missing files|bad block|Unexpected token|not a directory/i.test(text)
  )
    return "damaged";
  return "failed";
}

function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

function storeError(error: unknown, folder: string): StoreError {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause)
    parts.push(`${(at as { code?: string }).code ?? ""} ${at.message}`);
  const text = parts.join(": ");
  const why = classify(text, folder);
  return new StoreError(
    why,
    `the store ${folder} is ${why === "failed" ? `failing: ${text}` : why}`,
    CURES[why],
  );
}

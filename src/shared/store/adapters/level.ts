import { accessSync, constants, readdirSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ClassicLevel } from "classic-level";
import { isLogDamaged } from "../log-file.ts";
import { type Entry, type Store, StoreError, type StoreFailure, type Write } from "../store.ts";
import { isTableDamaged } from "../table-file.ts";

/** How long before a file that looks damaged is looked at again. ms */
const AGAIN = 100;

/**
 * Opens the LevelDB store in a folder, which must exist, and takes its lock.
 * @param settle called after opening and after closing, when LevelDB has made files: their owner may need mending
 * @throws StoreError `locked` when another process holds it
 */
export async function openLevelStore(
  folder: string,
  settle: () => Promise<void> = async () => {},
): Promise<Store> {
  await checkFiles(folder, ".log", isLogDamaged); // opening reads them and throws them away
  // opens itself soon; not compressed, so that checksums can be looked at
  const options = { keyEncoding: "utf8", valueEncoding: "json", compression: false } as const;
  const level = new ClassicLevel<string, unknown>(folder, options);
  try {
    await level.open();
  } catch (error) {
    throw storeError(error, folder);
  }
  try {
    await checkFiles(folder, ".ldb", isTableDamaged); // opening throws away those that a crash left unfinished
  } catch (error) {
    await level.close();
    throw error;
  }
  await settle();
  return new LevelStore(level, folder, settle);
}

/**
 * LevelDB takes what it finds: it skips what is damaged in a log, and reads a table without its checksums. A used code
 * that is forgotten opens a second time: so we look first.
 * @throws StoreError `damaged`
 */
async function checkFiles(
  folder: string,
  kind: string,
  isDamaged: (bytes: Buffer) => boolean,
): Promise<void> {
  const files = await readdir(folder).catch((error) => {
    throw storeError(error, folder);
  });
  for (const name of files.filter((file) => file.endsWith(kind))) {
    const found = async (): Promise<boolean> => isDamaged(await readFile(join(folder, name)));
    // twice: another gate may be writing it, or throw it away
    const isBad = async (): Promise<boolean> => (await found()) && (await delay(AGAIN).then(found));
    if (await isBad().catch(() => false)) throw failureOf("damaged", folder, `damaged: ${name}`);
  }
}

/** A failed write: which keys it was about, and what they held before; absent: that could not be read yet. */
interface Unsettled {
  readonly keys: readonly string[];
  readonly before?: readonly Write[];
}

class LevelStore implements Store {
  readonly #level: ClassicLevel<string, unknown>;
  readonly #folder: string;
  readonly #settle: () => Promise<void>;
  /** What was noted last. */
  #noted: readonly Write[] = [];
  /** A write that failed; the next is not tried before it is settled. bounded: one batch */
  #unsettled: Unsettled | undefined;

  constructor(level: ClassicLevel<string, unknown>, folder: string, settle: () => Promise<void>) {
    this.#level = level;
    this.#folder = folder;
    this.#settle = settle;
  }

  read(prefix: string, options: { after?: string; limit?: number; last?: boolean } = {}): Promise<Entry[]> {
    return this.#attempt(async () => {
      await this.#level.open(); // at once when it is; it is not after a failed write whose mending failed
      const entries = await this.#level
        .iterator({
          ...(options.after === undefined ? { gte: prefix } : { gt: options.after }),
          lt: `${prefix}\uffff`,
          limit: options.limit ?? -1,
          reverse: options.last ?? false,
        })
        .all();
      return options.last ? entries.reverse() : entries;
    });
  }

  note(batch: readonly Write[]): Promise<void> {
    this.#noted = batch;
    return this.#write(batch, false);
  }

  /** LevelDB syncs only what it writes. Its newest log holds all that it has taken and not put into a table yet. */
  sync(): Promise<void> {
    return this.#attempt(async () => {
      try {
        const log = await open(join(this.#folder, newestLog(this.#folder)), "r");
        await log.datasync().finally(() => log.close());
      } catch (error) {
        await this.#remember(this.#noted);
        throw error;
      }
    });
  }

  write(batch: readonly Write[]): Promise<void> {
    return this.#write(batch, true);
  }

  rehearse(batch: readonly Write[]): void {
    if (this.#level.status === "open") void this.#chain(batch).close();
  }

  #write(batch: readonly Write[], sync: boolean): Promise<void> {
    return this.#attempt(async () => {
      // nothing is awaited before the batch is on its way: whoever writes has other things to do meanwhile
      if (this.#unsettled !== undefined) await this.#mend(this.#unsettled);
      try {
        await this.#batch(batch, sync);
      } catch (error) {
        await this.#remember(batch);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#level.close();
    await this.#settle();
  }

  /**
   * After a failed write nobody knows how much of it is in the log. LevelDB would go on behind that, and at the next
   * start skip whatever it has acknowledged since (a full disk that got room again lost every later write so, 200 of
   * 200). So before the next write the log is read and left behind by opening anew, and what the failed write
   * was about gets its former value.
   */
  async #mend(unsettled: Unsettled): Promise<void> {
    const before = unsettled.before ?? (await this.#valuesOf(unsettled.keys));
    await this.#level.close();
    await this.#level.open();
    await this.#batch(before, true);
    this.#unsettled = undefined;
    await this.#settle();
  }

  /**
   * A chained batch: for a few entries LevelDB's binding is reached in two thirds of the time.
   * @param sync LevelDB appends to its log by write(2) in any case; with it, fdatasync(2) follows
   */
  #batch(writes: readonly Write[], sync: boolean): Promise<void> {
    return this.#chain(writes).write({ sync });
  }

  #chain(writes: readonly Write[]) {
    const batch = this.#level.batch();
    for (const { key, value } of writes) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    return batch;
  }

  /** Nothing is written before this is settled: where not even the values can be read now, they are before that. */
  async #remember(batch: readonly Write[]): Promise<void> {
    const keys = batch.map(({ key }) => key);
    this.#unsettled = { keys };
    const before = await this.#valuesOf(keys).catch(() => undefined);
    if (before !== undefined) this.#unsettled = { keys, before };
  }

  async #valuesOf(keys: readonly string[]): Promise<Write[]> {
    const values = await this.#level.getMany([...keys]);
    return keys.map((key, at) => ({ key, value: values[at] }));
  }

  async #attempt<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw storeError(error, this.#folder);
    }
  }
}

/** LevelDB numbers its files: of a few that end in .log the last has the highest number (doc/impl.md). */
function newestLog(folder: string): string {
  const logs = readdirSync(folder).filter((name) => /^\d+\.log$/.test(name));
  const [newest] = logs.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  if (newest === undefined) throw new Error("LEVEL_CORRUPTION: the log is missing");
  return newest;
}

const CURES: Record<StoreFailure, string> = {
  locked: "one gate at a time: stop the other knockd (or wait for the other knockctl), then try again",
  full: "make room on the disk; nothing stays open for it, and open doors still close on time",
  "read-only": "mount the file system for writing (mount -o remount,rw), then try again",
  denied: "run as root or as the owner of the state folder, and check its modes",
  damaged: "move the folder away and restore a backup, or start with `knockctl init` and new users",
  newer: "install the newer knockline again, or restore a backup made with this one",
  failed: "look at the disk and at the system log, then try again",
};

/** LevelDB tells its errors apart only by text: status words of its own and strerror(3) of the system's; Node by errno(3). */
function classify(text: string, folder: string): StoreFailure {
  if (/LEVEL_LOCKED|already held by process|lock .*temporarily unavailable/i.test(text)) return "locked";
  if (/No space left|Disk quota exceeded|ENOSPC|EDQUOT/i.test(text)) return "full";
  if (/Read-only file system|EROFS/i.test(text)) return "read-only";
  if (/Permission denied|Operation not permitted|EACCES|EPERM/i.test(text))
    return isReadOnly(folder) ? "read-only" : "denied";
  if (
    /LEVEL_CORRUPTION|Corruption|DECODE|missing files|No such file|bad block|Unexpected token|not a directory/i.test(
      text,
    )
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
  return failureOf(why, folder, why === "failed" ? `failing: ${text}` : why);
}

const failureOf = (why: StoreFailure, folder: string, how: string): StoreError =>
  new StoreError(why, `the store ${folder} is ${how}`, CURES[why]);

import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What fills a pipe with nothing to say. */
const BLANK = Buffer.alloc(4_096, "\n");

/** The log of a daemon as a pipe that was full before it began: nobody reads until a test does (fifo(7)). */
export class LogPipe {
  readonly #folder = mkdtempSync(join(tmpdir(), "knockline-log-"));
  readonly #path = join(this.#folder, "log");
  /** Its only reader; a writer too, so that it can be opened while nobody else has it. */
  #end: number | undefined;
  #text = "";

  constructor() {
    execFileSync("mkfifo", [this.#path]);
    this.open();
    while (unlessFull(() => writeSync(this.#end ?? 0, BLANK)) !== undefined);
  }

  /** What must become the daemon. */
  get under(): string[] {
    return ["sh", "-c", 'exec "$@" >"$0" 2>&1', this.#path];
  }

  /** Is its reader, again. */
  open(): void {
    this.#end = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Reads what is there. @returns all the lines read so far; the last may not be whole */
  read(): string[] {
    const piece = Buffer.alloc(1 << 16);
    for (;;) {
      const length = unlessFull(() => readSync(this.#end ?? 0, piece));
      if (length === undefined) return this.#text.split("\n").filter((line) => line !== "");
      this.#text += piece.toString("utf8", 0, length);
    }
  }

  /** Is gone: who writes is told so (EPIPE). */
  close(): void {
    if (this.#end !== undefined) closeSync(this.#end);
    this.#end = undefined;
  }

  /** Safe to call twice. */
  remove(): void {
    this.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** @returns what a read or a write gives; undefined when there is nothing to read, no room to write */
function unlessFull(act: () => number): number | undefined {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

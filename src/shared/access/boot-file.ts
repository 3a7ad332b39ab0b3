import { type Clock, seconds } from "../duration.ts";
import type { Log } from "../log/log.ts";

/** How often the file is written at most when only the allowlist changed: names move all the time. */
const EVERY = seconds(5);

/** What the file is made from and where it goes. */
export interface BootFileParts {
  /** What belongs into it now; undefined: there should be none. */
  readonly text: () => string | undefined;
  readonly write: (text: string | undefined) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Told what is wrong; undefined: nothing is. */
  readonly problem: (what: string | undefined) => void;
}

/** Keeps boot.nft what the policy and the allowlist say: never written when nothing changed, nor too often. */
export class BootFile {
  /** When it is to be written; Infinity: it is as it should be. Uptime ms. */
  due = Number.POSITIVE_INFINITY;
  readonly #parts: BootFileParts;
  #written: { readonly text: string | undefined; readonly at: number } | undefined;
  /** One after the other: two at once would write into the same temporary file. */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: BootFileParts) {
    this.#parts = parts;
  }

  /** The allowlist changed: to be written at `due`. */
  follow(): void {
    const { uptime } = this.#parts.clock();
    const earliest = this.#written === undefined ? uptime : this.#written.at + EVERY;
    this.due = Math.min(this.due, Math.max(uptime, earliest));
  }

  /** Writes it, if it has changed. Never throws: what fails is a problem, and tried again. */
  write(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#write());
    return this.#turn;
  }

  /** Writes what is due, however long it was to wait, and waits for what is being written. */
  async close(): Promise<void> {
    if (this.due !== Number.POSITIVE_INFINITY) void this.write();
    await this.#turn;
  }

  async #write(): Promise<void> {
    const { text: textNow, write, clock, log, problem } = this.#parts;
    const text = textNow();
    const { uptime } = clock();
    this.due = Number.POSITIVE_INFINITY;
    if (this.#written !== undefined && text === this.#written.text) return;
    try {
      await write(text);
      this.#written = { text, at: uptime };
      problem(undefined);
    } catch (error) {
      this.due = uptime + EVERY;
      problem(`boot.nft could not be written: ${String(error)}`);
      log.error("boot.nft could not be written: a reboot would load an older policy", {
        message: String(error),
      });
    }
  }
}

import { allowance, take } from "../allowance.ts";
import { type Clock, seconds } from "../duration.ts";
import type { Fields, Log } from "./log.ts";

/** Lines in ten seconds; more are counted. */
const LINES = 20;
const LINES_EVERY = seconds(10);

/** A log for what outsiders bring about as often as they like: what is beyond its allowance is summed up in one line. */
export class LimitedLog implements Pick<Log, "info" | "warn"> {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #missed: string;
  readonly #lines = allowance(LINES, LINES_EVERY);

  /** @param missed says what the lines were about that are only counted */
  constructor(log: Log, clock: Clock, missed: string) {
    this.#log = log;
    this.#clock = clock;
    this.#missed = missed;
  }

  info(message: string, fields?: Fields): void {
    if (this.#mayTell()) this.#log.info(message, fields);
  }

  warn(message: string, fields?: Fields): void {
    if (this.#mayTell()) this.#log.warn(message, fields);
  }

  #mayTell(): boolean {
    const { granted, missed } = take(this.#lines, this.#clock().uptime);
    if (missed > 0) this.#log.warn(this.#missed, { count: missed });
    return granted;
  }
}

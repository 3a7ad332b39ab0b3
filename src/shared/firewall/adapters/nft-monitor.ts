import type { Child } from "../../host/adapters/run.ts";
import { readMonitorLine } from "../monitor-line.ts";
import { type OwnWrites, REPORT_WITHIN } from "../own-writes.ts";
import type { NftCommand } from "./nft-command.ts";

/** A foreign `nft flush ruleset` is one event to us, not forty. */
const COALESCE_MS = 10;

/** From the first wait before a dead monitor is started again to the longest; each is double the one before. */
const BACKOFF_MS = { first: 100, longest: 30_000 } as const;

/** A monitor that lived this long was healthy: the next wait is the first again. */
const HEALTHY_MS = 10_000;

/** `nft monitor` as a child, listening for transactions of others on our table. Costs nothing while none happens. */
export class NftMonitor {
  #child: Child | undefined;
  #touched = false;
  /** Nothing was said since the last transaction. */
  #silent = true;
  /** bounded: one line that is not yet whole. */
  #rest = "";
  #reporting: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #backoff: number = BACKOFF_MS.first;
  #stopped = false;

  constructor(
    private readonly nft: NftCommand,
    private readonly writes: OwnWrites,
    private readonly disturbed: () => void,
  ) {
    this.#start();
  }

  /** Somebody touched our table: says so in a moment, once for all that happens until then. */
  report(): void {
    this.#reporting ??= setTimeout(() => {
      this.#reporting = undefined;
      this.disturbed();
    }, COALESCE_MS);
  }

  /** Ends the child; no more calls come. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#reporting);
    clearTimeout(this.#again);
    clearTimeout(this.#settling);
    this.#child?.kill();
    await this.#child?.ended;
  }

  /**
   * A child takes some ms until it listens. A write of ours meanwhile is never reported, and would excuse one of
   * another's for as long as it is waited for: so after that time somebody looks, whatever was heard.
   */
  #start(): void {
    const started = performance.now();
    this.#rest = "";
    this.#touched = false;
    this.#silent = true;
    this.writes.forget();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.report(), REPORT_WITHIN);
    this.#child = this.nft.start(["monitor"], { stdout: (text) => this.#read(text) });
    void this.#child.ended.then(() => this.#restart(performance.now() - started));
  }

  /** What happened while there was no monitor is unknown, so a new one begins with a report. */
  #restart(lived: number): void {
    if (this.#stopped) return;
    this.#backoff = lived > HEALTHY_MS ? BACKOFF_MS.first : Math.min(this.#backoff * 2, BACKOFF_MS.longest);
    this.#again = setTimeout(() => {
      this.#start();
      this.report();
    }, this.#backoff);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#hear(line);
  }

  /**
   * nft 1.0.6 does not say what was added to a set of intervals (`trusted` is one): a transaction of which it
   * says nothing at all may have been that. None of our own is such a one.
   */
  #hear(text: string): void {
    const line = readMonitorLine(text);
    if (line === "ours") this.#touched = true;
    if (line === "lost") this.report();
    if (line !== "generation") {
      this.#silent = false;
      return;
    }
    if (this.#touched ? this.writes.reported(performance.now()) : this.#silent) this.report();
    this.#touched = false;
    this.#silent = true;
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "../../shared/backoff.ts";
import { seconds } from "../../shared/duration.ts";
import { KNOCK_GROUP } from "../../shared/firewall/table.ts";
import { type Child, isInstalled, start } from "../../shared/host/adapters/run.ts";
import type { Log } from "../../shared/log/log.ts";
import { Capture } from "../nflog/capture.ts";
import { type Counts, isDeaf, lostBetween } from "../nflog/losses.ts";
import type { Knock } from "../tracker.ts";

/** What a sniffer is joined with. */
export interface SnifferOptions {
  readonly log: Log;
  /** Called for every SYN. `now` in monotonic ms. */
  readonly onSyn: (knock: Knock, now: number) => void;
  /** Called after `problems` changed by itself. */
  readonly onProblems: () => void;
}

/** A tcpdump that lived this long was healthy: the next wait is the first again. */
const HEALTHY = seconds(10);
const LONGEST_WAIT = seconds(30);
/** How long `follow` waits for the first word of a tcpdump. */
const PATIENCE = seconds(2);
/** KiB that the kernel may hold while we are busy, cut to net.core.rmem_max. At its default some in a hundred are lost. */
const RECEIVE_BUFFER = "4096";

/**
 * setpriv becomes tcpdump, and lets it die with knockd even after kill -9: an orphan would keep the group to itself. As
 * root tcpdump must not change its user, for then the kernel forgets that; the service is not root, and stays what it is.
 */
function commandLine(): string[] {
  const asRoot = process.getuid?.() === 0 ? ["-Z", "root"] : [];
  const capture = [
    "tcpdump",
    "-i",
    `nflog:${KNOCK_GROUP}`,
    "-w",
    "-",
    "-U",
    "-n",
    "-B",
    RECEIVE_BUFFER,
    ...asRoot,
  ];
  return ["setpriv", "--pdeathsig", "KILL", ...capture];
}

/**
 * TCP knocks without an open socket: the kernel logs their SYNs to a group, and a tcpdump hands them over. It runs
 * while it is wanted, and is started again whenever it ends.
 */
export class Sniffer {
  readonly #options: SnifferOptions;
  /** While it is wanted: what ends it, and when it has ended. */
  #run: { readonly stopping: AbortController; readonly ended: Promise<void> } | undefined;
  #child: Child | undefined;
  /** Why no TCP knock is seen now. */
  #blind: string | undefined;
  /** What was lost between the last two looks at the counts. */
  #losses: string | undefined;
  #read = 0;
  #counts: Counts | undefined;
  /** Lets `follow` go on. */
  #settled: () => void = () => {};

  constructor(options: SnifferOptions) {
    this.#options = options;
  }

  /** What is wrong now, a sentence each. */
  get problems(): string[] {
    return [this.#blind, this.#losses].filter((problem) => problem !== undefined);
  }

  /** Starts watching, or stops. Resolves when SYNs are seen, or cannot be; never throws, `problems` tells. */
  async follow(wanted: boolean): Promise<void> {
    if (!wanted) return this.close();
    if (this.#run !== undefined) return;
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    const stopping = new AbortController();
    this.#run = { stopping, ended: this.#keepUp(stopping.signal) };
    await Promise.race([settled, delay(PATIENCE, undefined, { ref: false })]);
  }

  /**
   * Looks whether all that the kernel reported came through; what was lost is a problem until the next look.
   * @param reported SYNs since the table was made
   */
  count(reported: number): void {
    if (this.#run === undefined) return;
    const before = this.#counts;
    this.#counts = { reported, read: this.#read };
    const lost = lostBetween(before, this.#counts);
    if (lost > 0) {
      this.#options.log.warn("TCP knocks were lost: more came than could be read", { count: lost });
      if (isDeaf(before, this.#counts)) this.#child?.kill(); // another will hear
    }
    this.#losses = lost === 0 ? undefined : `TCP knocks were lost, more came than could be read: ${lost}`;
    this.#options.onProblems();
  }

  /** Ends tcpdump, and waits until it has ended. */
  async close(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.stopping.abort();
    this.#child?.kill();
    await run?.ended;
    this.#blind = undefined;
    this.#losses = undefined;
    this.#counts = undefined;
  }

  /** One tcpdump after another. */
  async #keepUp(stopping: AbortSignal): Promise<void> {
    let failures = 0;
    for (;;) {
      const started = performance.now();
      const why = await this.#live(stopping);
      if (stopping.aborted) return;
      failures = performance.now() - started > HEALTHY ? 1 : failures + 1;
      this.#become(`TCP knocks are not seen: ${why}`);
      const wait = backoff(failures, Math.random(), LONGEST_WAIT);
      await delay(wait, undefined, { signal: stopping }).catch(() => undefined);
    }
  }

  /** One life of a tcpdump. @returns why it ended, for people */
  async #live(stopping: AbortSignal): Promise<string> {
    if (!(await isInstalled("tcpdump"))) return "tcpdump is not installed; apt-get install tcpdump";
    if (stopping.aborted) return "";
    const capture = new Capture();
    const child = start(commandLine(), {
      bytes: (piece) => this.#take(capture, piece, child),
      stderr: (text) => capture.hear(text),
    });
    this.#child = child;
    const { missing } = await child.ended;
    return missing ? "setpriv is not installed; apt-get install util-linux" : capture.why;
  }

  #take(capture: Capture, piece: Buffer, child: Child): void {
    const now = performance.now();
    const knocks = capture.read(piece);
    if (knocks === undefined) {
      child.kill(); // in doubt, another
      return;
    }
    if (capture.begun) this.#become(undefined);
    this.#read += knocks.length;
    for (const knock of knocks) if (knock !== undefined) this.#options.onSyn(knock, now);
  }

  #become(blind: string | undefined): void {
    const before = this.#blind;
    this.#blind = blind;
    this.#settled();
    if (blind === before) return;
    if (blind !== undefined) this.#options.log.error(blind);
    else this.#options.log.info("TCP knocks are seen");
    this.#options.onProblems();
  }
}

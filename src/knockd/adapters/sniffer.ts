import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "../../shared/backoff.ts";
import { seconds } from "../../shared/duration.ts";
import { KNOCK_GROUP } from "../../shared/firewall/table.ts";
import { type Child, isInstalled, start } from "../../shared/host/adapters/run.ts";
import type { Log } from "../../shared/log/log.ts";
import { Capture } from "../nflog/capture.ts";
import type { Knock } from "../tracker.ts";

/** Called for every SYN. `now` in monotonic ms. */
export type OnSyn = (knock: Knock, now: number) => void;

/** A tcpdump that lived this long was healthy: the next wait is the first again. */
const HEALTHY = seconds(10);
const LONGEST_WAIT = seconds(30);
/** How long `follow` waits for the first word of a tcpdump. */
const PATIENCE = seconds(2);
/** How often tcpdump is asked for its losses, while packets come. */
const ASK_EVERY = seconds(30);

/**
 * setpriv becomes tcpdump, and lets it die with knockd even after kill -9: an orphan would keep the group to itself. As
 * root tcpdump must not change its user, for then the kernel forgets that; the service is not root, and stays what it is.
 */
function commandLine(): string[] {
  const asRoot = process.getuid?.() === 0 ? ["-Z", "root"] : [];
  const capture = ["tcpdump", "-i", `nflog:${KNOCK_GROUP}`, "-w", "-", "-U", "-n", ...asRoot];
  return ["setpriv", "--pdeathsig", "KILL", ...capture];
}

/**
 * TCP knocks without an open socket: the kernel logs their SYNs to a group, and a tcpdump hands them over. It runs
 * while it is wanted, and is started again whenever it ends.
 */
export class Sniffer {
  readonly #log: Log;
  readonly #onSyn: OnSyn;
  readonly #onProblems: () => void;
  /** While it is wanted: what ends it, and when it has ended. */
  #run: { readonly stopping: AbortController; readonly ended: Promise<void> } | undefined;
  #child: Child | undefined;
  /** Why no TCP knock is seen now. */
  #blind: string | undefined;
  /** What was lost since tcpdump was asked before. */
  #losses: string | undefined;
  /** Lets `follow` go on. */
  #settled: () => void = () => {};

  /** @param onProblems is called after `problems` changed by itself */
  constructor(log: Log, onSyn: OnSyn, onProblems: () => void) {
    this.#log = log;
    this.#onSyn = onSyn;
    this.#onProblems = onProblems;
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

  /** Ends tcpdump, and waits until it has ended. */
  async close(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.stopping.abort();
    this.#child?.kill();
    await run?.ended;
    this.#blind = undefined;
    this.#losses = undefined;
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
    let busy = false;
    const child = start(commandLine(), {
      bytes: (piece) => {
        busy = true;
        this.#take(capture, piece, child);
      },
      stderr: (text) => this.#count(capture.hear(text)),
    });
    this.#child = child;
    const asking = setInterval(() => {
      const asks = busy || this.#losses !== undefined;
      if (asks && capture.begun) child.signal("SIGUSR1"); // before, it might still be setpriv, which would end
      busy = false;
    }, ASK_EVERY).unref();
    const { missing } = await child.ended;
    clearInterval(asking);
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
    for (const knock of knocks) this.#onSyn(knock, now);
  }

  /** Once at each summary: none means that all came through. */
  #count(lost: number): void {
    const losses =
      lost === 0 ? undefined : `TCP knocks were lost, more came than tcpdump could take: ${lost}`;
    if (losses !== undefined) this.#log.warn("TCP knocks were lost", { count: lost });
    if (losses === this.#losses) return;
    this.#losses = losses;
    this.#onProblems();
  }

  #become(blind: string | undefined): void {
    const before = this.#blind;
    this.#blind = blind;
    this.#settled();
    if (blind === before) return;
    if (blind !== undefined) this.#log.error(blind);
    else this.#log.info("TCP knocks are seen");
    this.#onProblems();
  }
}

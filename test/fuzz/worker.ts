import { parentPort, workerData } from "node:worker_threads";
import { TARGETS } from "./all.ts";
import { tryMany } from "./trial.ts";

/**
 * A worker thread of the long run, scripts/fuzz.mjs: tries inputs on one target for a while. Its parent ends it when one
 * input takes for ever or all memory; so each input is laid down where the parent sees it before it is tried.
 */
export interface Slice {
  readonly target: string;
  /** Of the first batch; each further one has the next number. */
  readonly seed: number;
  readonly seconds: number;
  /** Faults that were found before: passed over. */
  readonly known: readonly string[];
  /** Two 32-bit numbers, of inputs begun and of bytes in the last one; then those bytes. */
  readonly shared: SharedArrayBuffer;
}

/** What a slice came to. */
export interface Report {
  readonly runs: number;
  /** How long they took, without the thread's start. */
  readonly seconds: number;
  /** The seed to go on with. */
  readonly next: number;
  readonly found: readonly { readonly bytes: Uint8Array; readonly fault: string; readonly seed: number }[];
}

/** Inputs that belong to one seed. */
const BATCH = 1_000;

/** The same fault is told apart by where it was thrown, not by the input that is in its message. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [where = ""] = /\b(src|test)\/.*:\d+/.exec(error.stack ?? "") ?? [];
  return `${error.name} at ${where}: ${error.message.split("\n")[0]?.slice(0, 200)}`;
}

const placeOf = (fault: string): string => fault.slice(0, fault.indexOf(": "));

async function work({ target: name, seed, seconds, known, shared }: Slice): Promise<Report> {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no fuzz target is called ${name}`);
  const counters = new Int32Array(shared, 0, 2);
  const room = new Uint8Array(shared, 8);
  const places = new Set(known.map(placeOf)); // bounded: places in our source
  const found: Report["found"][number][] = [];
  const before = (bytes: Buffer): void => {
    room.set(bytes);
    counters[1] = bytes.length;
    Atomics.add(counters, 0, 1);
  };
  const isKnown = (error: unknown): boolean => places.has(placeOf(faultOf(error)));
  const start = performance.now();
  const passed = (): number => (performance.now() - start) / 1_000;
  let next = seed;
  for (; passed() < seconds; next++) {
    const finding = await tryMany(target, { seed: next, runs: BATCH, before, isKnown });
    if (finding === undefined) continue;
    const fault = faultOf(finding.error);
    places.add(placeOf(fault));
    found.push({ bytes: finding.bytes, fault, seed: next });
  }
  return { runs: counters[0] ?? 0, seconds: passed(), next, found };
}

parentPort?.postMessage(await work(workerData as Slice));

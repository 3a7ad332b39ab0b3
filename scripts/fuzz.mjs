// @ts-check
// npm run fuzz: what it does, its help says.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { root, StepFailed } from "./steps.mjs";

/** No target has the machine for longer before the next one's turn. Seconds. */
const SLICE = 15;
/** One input may not take longer: the reader hangs. Seconds. */
const HANGS = 20;
/** More, and the reader's memory has no bound. MiB */
const MEMORY = 256;
/** The longest input. Bytes. */
const ROOM = 1 << 20;

/**
 * @typedef {import("../test/fuzz/worker.ts").Slice} Slice
 * @typedef {import("../test/fuzz/worker.ts").Report} Report
 * @typedef {{ runs: number, seconds: number, seed: number, faults: string[], files: string[] }} Tally
 */

const HELP = `npm run fuzz -- [options]   tries whatever reads outsiders' bytes, for as long as you like

  --target NAME   only that target (more than one may be named)
  --minutes N     in all (10)
  --seed S        begin with these inputs (drawn); the same seed, the same inputs
  --help

What it finds is kept in test/vectors/fuzz, which npm test replays for ever. Exit code 0, 1 when it found something.
example:
  npm run fuzz -- --target netlink-elements --minutes 2`;

const OPTIONS = /** @type {const} */ ({
  target: { type: "string", multiple: true },
  minutes: { type: "string", default: "10" },
  seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
  help: { type: "boolean" },
});

/** @throws {StepFailed} */
function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    throw new StepFailed(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}

function readArguments() {
  const values = readOptions();
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0) || !Number.isSafeInteger(seed))
    throw new StepFailed("--minutes takes a number above 0, --seed a whole number");
  return { help: values.help, names: values.target, minutes, seed };
}

/** @param {string} entry a source file @returns {Promise<string>} the program built from it */
async function bundled(entry) {
  const outfile = join(root, "dist", "fuzz", `${entry}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [`test/fuzz/${entry}.ts`],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    loader: { ".sh": "text", ".ps1": "text", ".txt": "text" },
    sourcemap: true,
    logLevel: "warning",
  });
  return outfile;
}

/** @param {readonly string[] | undefined} wanted */
async function targetNames(wanted) {
  const { TARGETS } = await import(await bundled("all"));
  const names = TARGETS.map((/** @type {{ name: string }} */ { name }) => name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown) throw new StepFailed(`no fuzz target is called ${unknown}\ntake one of ${names.join(", ")}`);
  return wanted ?? names;
}

/**
 * One slice in a thread of its own. Where the thread does not live to tell, what it was at is the finding.
 * @param {string} program
 * @param {Omit<Slice, "shared">} slice
 * @returns {Promise<Report>}
 */
async function runSlice(program, slice) {
  const shared = new SharedArrayBuffer(8 + ROOM);
  const start = performance.now();
  try {
    return await reportOf(program, { ...slice, shared });
  } catch (error) {
    const [runs = 0, length = 0] = new Int32Array(shared, 0, 2);
    if (runs === 0) throw error;
    const fault = `${error instanceof Error ? error.message : error}: `;
    const finding = { bytes: new Uint8Array(shared, 8, length).slice(), fault, seed: slice.seed };
    const seconds = (performance.now() - start) / 1_000;
    return { runs, seconds, next: slice.seed + 1, found: [finding] };
  }
}

/**
 * @param {string} program
 * @param {Slice} slice
 * @returns {Promise<Report>} rejects when the thread breaks, or hangs in one input
 */
function reportOf(program, slice) {
  const begun = new Int32Array(slice.shared, 0, 1);
  const worker = new Worker(program, {
    workerData: slice,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY },
    execArgv: ["--enable-source-maps"],
  });
  let [last, still] = [0, 0];
  /** @type {NodeJS.Timeout} */
  let watch;
  /** @type {Promise<Report>} */
  const report = new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the thread ended")));
    watch = setInterval(() => {
      still = begun[0] === last && last > 0 ? still + 1 : 0; // a start may take long on a busy machine
      last = begun[0] ?? 0;
      if (still < HANGS) return;
      reject(new Error(`one input took over ${HANGS} s`));
    }, 1_000);
  });
  return report.finally(() => {
    clearInterval(watch);
    void worker.terminate();
  });
}

/** Keeps a found case. @param {string} name @param {Uint8Array} bytes @returns {string} its file */
function keep(name, bytes) {
  const folder = join(root, "test", "vectors", "fuzz", name);
  const file = join(folder, `${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.bin`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, bytes);
  return relative(root, file);
}

const rate = (/** @type {Tally} */ { runs, seconds }) => Math.round(runs / Math.max(seconds, 0.001));

/** @param {string} name @param {Tally} tally @param {Report} report */
function count(name, tally, { runs, seconds, next, found }) {
  tally.runs += runs;
  tally.seconds += seconds;
  tally.seed = next;
  for (const { bytes, fault, seed } of found) {
    const file = keep(name, bytes);
    tally.faults.push(fault);
    tally.files.push(file);
    console.log(
      `  FOUND ${fault}\n        kept as ${file}; again: npm run fuzz -- --target ${name} --seed ${seed}`,
    );
  }
  const time = new Date().toTimeString().slice(0, 8);
  const figures = `${String(runs).padStart(9)} runs ${String(Math.round(runs / seconds)).padStart(7)}/s`;
  console.log(`${time}  ${name.padEnd(18)}${figures} ${String(tally.files.length).padStart(3)} found`);
}

/** @param {Map<string, Tally>} tallies @param {number} seed */
function summary(tallies, seed) {
  console.log(
    `\nseed ${seed}\n${"target".padEnd(18)}${"runs".padStart(12)}${"a second".padStart(10)}  found`,
  );
  for (const [name, tally] of tallies) {
    const { runs, files } = tally;
    console.log(
      `${name.padEnd(18)}${String(runs).padStart(12)}${String(rate(tally)).padStart(10)}  ${files.length}`,
    );
  }
  const all = [...tallies.values()];
  const runs = all.reduce((sum, tally) => sum + tally.runs, 0);
  const seconds = all.reduce((sum, tally) => sum + tally.seconds, 0);
  const found = all.flatMap(({ files }) => files);
  console.log(
    `\n${runs} runs in ${Math.round(seconds)} s, ${Math.round(runs / seconds)} a second, ${found.length} found`,
  );
  return found.length;
}

async function main() {
  const { help, names: wanted, minutes, seed } = readArguments();
  if (help) {
    console.log(HELP);
    return 0;
  }
  process.chdir(root);
  const names = await targetNames(wanted);
  const program = await bundled("worker");
  /** @type {Map<string, Tally>} */
  const tallies = new Map(
    names.map((/** @type {string} */ name) => [name, { runs: 0, seconds: 0, seed, faults: [], files: [] }]),
  );
  const total = 60 * minutes;
  const slice = Math.min(SLICE, total / names.length);
  for (let round = 0; round * slice * names.length < total; round++) {
    for (const [target, tally] of tallies) {
      const report = await runSlice(program, {
        target,
        seed: tally.seed,
        seconds: slice,
        known: tally.faults,
      });
      count(target, tally, report);
    }
  }
  return summary(tallies, seed) === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exitCode = 2;
}

// npm run bench: how fast the door opens, beside Debian's knockd where that is installed, and what knockline costs.
// A table for people, then one line of JSON. Needs root (or a namespace of one's own), nft and iproute2.
//   --rounds N   knocks of each contestant (200)       --json   only the JSON
import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import { openKnockd, openKnockline } from "../bench/contestants.mjs";
import { measureIdle, measureList } from "../bench/costs.mjs";
import { percentile, table } from "../bench/figures.mjs";
import { measureOpenings } from "../bench/opening.mjs";
import { exitOnSignals } from "./lab.mjs";
import { buildPrograms, StepFailed } from "./steps.mjs";

/** Users beside the one that knocks: their sockets are open and cost what they cost. */
const USERS = 50;
const IDLE = 10_000;

/** What issue and README promise. Milliseconds, and how many times. */
const BARS = { p50: 3, timesKnockd: 5, list: 2 };

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, json: { type: "boolean", default: false } },
});

/** @param {(number | null)[]} times */
function summary(times) {
  const opened = times.filter((time) => time !== null);
  const [p50, p99] = [percentile(opened, 0.5), percentile(opened, 0.99)];
  return { knocks: times.length, opened: opened.length, p50_ms: p50, p99_ms: p99 };
}

async function measure() {
  const rounds = Number(values.rounds);
  const knockline = await openKnockline({ users: USERS - 1 });
  const knockd = await openKnockd();
  try {
    const contestants = knockd ? [knockline, knockd] : [knockline];
    const openings = await measureOpenings(contestants, rounds);
    const entries = [...openings].map(([name, times]) => [name, summary(times)]);
    const list = await measureList(knockline.instance, 9);
    const idle = await measureIdle(knockline.instance.pid ?? 0, IDLE);
    return { knock_to_open: Object.fromEntries(entries), list, idle: { ...idle, users: USERS } };
  } finally {
    await Promise.all([knockline.close(), knockd?.close()]);
  }
}

/** @param {number} n */
const ms = (n) => n.toFixed(2);

/** @param {Awaited<ReturnType<typeof measure>>} results */
function print({ knock_to_open, list, idle }) {
  const ours = knock_to_open.knockline;
  const rows = Object.entries(knock_to_open).map(([name, { knocks, opened, p50_ms, p99_ms }]) => [
    name,
    `${opened}/${knocks}`,
    ms(p50_ms),
    ms(p99_ms),
    (p50_ms / ours.p50_ms).toFixed(1),
  ]);
  console.log(table([["knock to open", "opened", "p50 ms", "p99 ms", "times ours"], ...rows]));
  console.log(
    `\nknockd with ${idle.users} users, idle: ${idle.rss_mib.toFixed(1)} MiB, ${idle.cpu_ms} ms CPU in ${idle.span_ms / 1000} s`,
  );
  console.log(
    `knockctl list: ${list.list_ms.toFixed(0)} ms CPU, node -e 0: ${list.node_ms.toFixed(0)} ms, ratio ${ms(list.ratio)}`,
  );
}

/** @param {Awaited<ReturnType<typeof measure>>} results @returns {string[]} which bars were not met */
function missed({ knock_to_open, list }) {
  const { knockline: ours, "knockd 0.8": knockd } = knock_to_open;
  return [
    ours.opened < ours.knocks && `${ours.knocks - ours.opened} good knocks did not open`,
    ours.p50_ms > BARS.p50 && `p50 is over ${BARS.p50} ms`,
    knockd && knockd.p50_ms / ours.p50_ms < BARS.timesKnockd && `less than ${BARS.timesKnockd} times knockd`,
    list.ratio > BARS.list && `knockctl list takes over ${BARS.list} times the CPU of node -e 0`,
  ].filter((line) => typeof line === "string");
}

async function main() {
  exitOnSignals();
  await buildPrograms();
  const load = loadavg()[0]; // what else the machine is doing: with more than a few tenths times say little
  const results = await measure();
  const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown";
  const machine = { cores: cpus().length, cpu, kernel: release(), node: process.version, load };
  if (!values.json) print(results);
  if (!values.json && load > 0.5)
    console.log(`\nthe machine was busy before we began (load ${load}): take times with care`);
  const bars = missed(results);
  console.log(`${values.json ? "" : "\n"}${JSON.stringify({ machine, ...results, missed: bars })}`);
  for (const bar of bars) console.error(`not met: ${bar}`);
  return bars.length === 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exit(1);
}

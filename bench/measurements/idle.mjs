// @ts-check
import { setTimeout as after } from "node:timers/promises";
import { programs } from "../contestants/all.mjs";
import { family, memoryOf, processorTime } from "../processes.mjs";
import { rowOf, together } from "./measurement.mjs";

const USERS = 50;
/** After the start, so that what a start costs is not counted: Node gives back memory some 10 s later. Milliseconds. */
const SETTLE = 15_000;

/** In 30 s, with 50 users. */
const BARS = { cpu: 30, mib: 70 };

/** @type {import("./measurement.mjs").MeasurementOf<number>} */
export const idle = {
  name: "idle",
  title: "What it costs while nothing happens",
  method: `Resident memory of the daemon and of its children (knockline: one nft), and their processor time, which Linux
counts in steps of 10 ms. knockline has ${USERS} users and its built program. All are looked at in the same span.`,
  contestants: programs.filter(({ name }) => name !== "nft rules only"),
  counts: { quick: 5, usual: 30, full: 60 },
  columns: [
    { key: "cpu_ms", head: "CPU ms" },
    { key: "span_s", head: "in s" },
    { key: "rss_mib", head: "MiB", digits: 1 },
    { key: "children_mib", head: "children MiB", digits: 1 },
  ],
  measure: (contestants, seconds, tell) =>
    together(contestants, { users: USERS }, tell, async (running) => {
      tell(`waiting ${SETTLE / 1_000} s until all have settled`);
      await after(SETTLE);
      const before = running.map(({ daemons }) => processorTime(daemons));
      tell(`looking on for ${seconds} s`);
      await after(seconds * 1_000);
      return running.map(({ name, daemons }, n) => {
        const [daemon = 0, ...children] = daemons.flatMap(family);
        return {
          contestant: name,
          cpu_ms: processorTime(daemons) - (before[n] ?? 0),
          span_s: seconds,
          rss_mib: memoryOf(daemon),
          children_mib: children.reduce((sum, pid) => sum + memoryOf(pid), 0),
        };
      });
    }),
  missed: (rows) => {
    const ours = rowOf(rows, "knockline");
    return [
      (Number(ours?.cpu_ms) * 30) / Number(ours?.span_s) > BARS.cpu &&
        `idle, knockd uses over ${BARS.cpu} ms of CPU in 30 s`,
      Number(ours?.rss_mib) > BARS.mib && `idle, knockd takes over ${BARS.mib} MiB`,
    ];
  },
};

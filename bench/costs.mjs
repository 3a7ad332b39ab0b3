// What knockline costs while nothing happens, and what one `knockctl list` costs.
import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { median } from "./figures.mjs";

/** Linux counts processor time in ticks of 10 ms on every architecture we know (USER_HZ, time(7)). */
const TICK = 10;

/**
 * @param {number} pid
 * @returns {number} processor time used so far, with that of the children it waited for, in milliseconds
 */
function processorTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) * TICK;
}

/** @param {number} pid @param {string} field of /proc/PID/status, in kB @returns {number} MiB */
export function memoryOf(pid, field = "VmRSS") {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

/**
 * @param {number} pid
 * @param {number} span milliseconds to look on
 */
export async function measureIdle(pid, span) {
  const before = processorTime(pid);
  await after(span);
  return { rss_mib: memoryOf(pid), cpu_ms: processorTime(pid) - before, span_ms: span };
}

/** bash's `time` knows what a child used, to the millisecond; node:process only knows its own. */
const TIMED = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null';

/**
 * Processor time of `knockctl list` beside `node -e 0`, turn by turn.
 * @param {import("../scripts/lab-instance.mjs").Instance} instance
 * @param {number} rounds
 */
export async function measureList(instance, rounds) {
  const commands = { node: ["-e", "0"], list: instance.commandLine(["list"]) };
  const times = { node: /** @type {number[]} */ ([]), list: /** @type {number[]} */ ([]) };
  for (let round = 0; round < rounds; round++) {
    for (const name of /** @type {const} */ (["node", "list"])) {
      const command = [process.execPath, ...commands[name]];
      const ran = await instance.host.run("bash", ["-c", TIMED, "bash", ...command]);
      if (ran.code !== 0) throw new Error(`${name}: exit ${ran.code}: ${ran.stderr}`);
      const [user, system] = ran.stderr.trim().split(" ").map(Number);
      times[name].push((user + system) * 1000);
    }
  }
  const [node, list] = [median(times.node), median(times.list)];
  return { node_ms: node, list_ms: list, ratio: list / node, rounds };
}

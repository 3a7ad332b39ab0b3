// @ts-check
// What processes cost: read from /proc.
import { readFileSync } from "node:fs";

/** Linux counts processor time in ticks of 10 ms on every architecture we know (USER_HZ, time(7)). */
const TICK = 10;

/** @param {string} path @returns {string} empty when the process is gone */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** @param {number} pid @returns {number[]} it, its children and theirs */
export function family(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

/**
 * @param {readonly number[]} pids
 * @returns {number} processor time used so far by them and all their children, those that ended too, in milliseconds
 */
export function processorTime(pids) {
  let ticks = 0;
  for (const pid of pids.flatMap(family)) {
    const stat = read(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const field of [11, 12, 13, 14]) ticks += Number(fields[field] ?? 0);
  }
  return ticks * TICK;
}

/** @param {number} pid @param {string} field of /proc/PID/status, in kB @returns {number} MiB */
export function memoryOf(pid, field = "VmRSS") {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(read(`/proc/${pid}/status`))?.[1]) / 1024;
}

/** @param {readonly number[]} pids */
export function killAll(pids) {
  for (const pid of pids.flatMap(family)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended by itself in between
    }
  }
}

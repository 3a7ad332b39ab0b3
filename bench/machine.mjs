// @ts-check
// On what it was measured, and how busy that was.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { setTimeout as after } from "node:timers/promises";
import { PATH } from "../scripts/steps.mjs";

/** Above it, times say more about the others than about what is measured. Percent of all processors. */
export const BUSY = 15;

/** @returns {{ busy: number, all: number }} ticks since boot (proc(5), /proc/stat) */
function ticks() {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, ...rest] = line
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const busy = user + nice + system + rest.reduce((sum, n) => sum + n, 0);
  return { busy, all: busy + idle + wait };
}

/** @returns {Promise<number>} percent of all processors that others use, over a second */
async function busyness() {
  const before = ticks();
  await after(1_000);
  const now = ticks();
  return (100 * (now.busy - before.busy)) / (now.all - before.all);
}

/** @param {string} command @param {string[]} args @returns {string} its version number */
function versionOf(command, args) {
  const said = execFileSync(command, args, { encoding: "utf8", env: { ...process.env, PATH } });
  return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? "unknown";
}

export async function aboutThisMachine() {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    nftables: versionOf("nft", ["--version"]),
    load: loadavg()[0] ?? 0,
    busy_percent: Math.round(await busyness()),
  };
}

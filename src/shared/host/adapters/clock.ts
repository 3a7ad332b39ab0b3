import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import type { Instant } from "../../duration.ts";
import { BootTime } from "../boot-time.ts";

/** CLOCK_BOOTTIME by /proc/uptime (proc_uptime(5)), to 10 ms. */
const bootTime = new BootTime(() => uptime() * 1000);

/** The clock of this machine; uptime is CLOCK_BOOTTIME. */
export function systemClock(): Instant {
  const wall = Date.now();
  return { wall, uptime: bootTime.at(wall, performance.now()) };
}

/** @returns the id of this boot of the machine (random(4), boot_id) */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

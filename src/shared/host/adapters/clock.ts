import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import type { Instant } from "../../duration.ts";

/** The clock of this machine. Uptime is CLOCK_BOOTTIME by /proc/uptime (proc_uptime(5)), to 10 ms. */
export function systemClock(): Instant {
  return { wall: Date.now(), uptime: Math.round(uptime() * 1000) };
}

/** @returns the id of this boot of the machine (random(4), boot_id) */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

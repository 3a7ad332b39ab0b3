import { beforeEach, describe, expect, it } from "vitest";
import { hours, milliseconds, seconds } from "../../src/shared/duration.ts";
import { BootTime } from "../../src/shared/host/boot-time.ts";

/** A machine's three clocks, and how often the dear one was asked. */
let wall: number;
let monotonic: number;
let uptime: number;
let asked: number;
let bootTime: BootTime;

const now = (): number => bootTime.at(wall, monotonic);
const pass = (span: number): void => {
  wall += span;
  monotonic += span;
  uptime += span;
};
const sleep = (span: number): void => {
  wall += span;
  uptime += span;
};

beforeEach(() => {
  wall = Date.UTC(2026, 0, 1);
  monotonic = 5_000;
  uptime = 1_000_000;
  asked = 0;
  bootTime = new BootTime(() => {
    asked += 1;
    return Math.floor(uptime / 10) * 10; // proc_uptime(5) has two decimals
  });
});

describe("the time since boot", () => {
  it("is the kernel's, and goes on with the monotonic clock without asking again", () => {
    expect(now()).toBe(1_000_000);
    pass(seconds(1));
    expect(now()).toBe(1_001_000);
    expect(asked).toBe(1);
  });

  it("counts a sleep at once", () => {
    now();
    sleep(hours(8));
    expect(now()).toBe(1_000_000 + hours(8));
    expect(asked).toBe(2);
  });

  it("is not moved by a wall clock that is set", () => {
    now();
    wall -= hours(24);
    pass(milliseconds(100));
    expect(now()).toBe(1_000_100);
  });

  it("notices within two seconds a sleep whose time the wall clock has lost", () => {
    now();
    uptime += hours(1);
    pass(seconds(2));
    expect(now()).toBe(1_002_000 + hours(1));
  });

  it("never goes back, however coarse the kernel's answer is", () => {
    let last = 0;
    for (let n = 0; n < 500; n++) {
      pass(milliseconds(7.3));
      if (n % 5 === 0) wall += seconds(1); // asks anew
      const at = now();
      expect(at).toBeGreaterThanOrEqual(last);
      expect(Math.abs(at - uptime)).toBeLessThanOrEqual(10);
      last = at;
    }
  });
});

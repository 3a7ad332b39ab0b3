import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openBootTimer } from "../../src/knockd/adapters/boot-timer.ts";
import { hours, milliseconds } from "../../src/shared/duration.ts";
import { until } from "../helpers/wait.ts";

describe("the timer by CLOCK_BOOTTIME", () => {
  it("rings once, at the last time that was asked for and not before", async () => {
    const rung: number[] = [];
    const timer = await openBootTimer(() => rung.push(performance.now()));
    expect(readFileSync("/proc/self/timers", "utf8")).toMatch(/^ClockID: 7$/m); // it goes on while the machine sleeps
    const start = performance.now();
    timer(hours(1));
    timer(milliseconds(50));
    timer(milliseconds(120));
    await until(() => rung.length > 0, { what: "it rings" });
    expect((rung[0] ?? 0) - start).toBeGreaterThanOrEqual(119);
    timer(milliseconds(0));
    await until(() => rung.length > 1, { what: "it rings again" });
    timer(hours(24 * 366));
    expect(rung).toHaveLength(2);
  });
});

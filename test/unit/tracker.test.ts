import { describe, expect, it } from "vitest";
import {
  type Attempts,
  type KnownPorts,
  knownPorts,
  newAttempts,
  type Outcome,
  track,
} from "../../src/knockd/tracker.ts";
import { seconds } from "../../src/shared/duration.ts";
import { runs } from "../helpers/runs.ts";

const window = seconds(30);
const step = (port: number) => ({ proto: "udp" as const, port });
const ports: KnownPorts = knownPorts(
  [
    { name: "alice", steps: [step(7001), step(9003), step(8002)] },
    { name: "bob", steps: [step(5555), step(4444), step(6666)] },
  ],
  [3000, 3001],
);

/** Knocks ports one millisecond apart from one source; @returns what the last one came to. */
function knock(
  attempts: Attempts,
  list: readonly number[],
  options: { from?: string; at?: number } = {},
): Outcome | undefined {
  const { from = "192.0.2.1", at = 0 } = options;
  let last: Outcome | undefined;
  list.forEach((port, i) => {
    last = track(attempts, { source: from, ...step(port) }, at + i, ports, window);
  });
  return last;
}

describe("the sequence tracker", () => {
  it("completes a sequence knocked in order", () => {
    expect(knock(newAttempts(), [7001, 9003, 8002])).toEqual({ kind: "complete", user: "alice" });
  });

  it("reports each step on the way", () => {
    const attempts = newAttempts();
    expect(knock(attempts, [7001])).toEqual({ kind: "step", user: "alice", step: 1, of: 3 });
    expect(knock(attempts, [9003])).toEqual({ kind: "step", user: "alice", step: 2, of: 3 });
  });

  it("denies a wrong order and forgets the attempt", () => {
    const attempts = newAttempts();
    expect(knock(attempts, [7001, 8002])).toEqual({ kind: "denied", reason: "wrong_order", user: "alice" });
    expect(knock(attempts, [9003])).toMatchObject({ kind: "denied", reason: "wrong_order" });
  });

  it("ignores a repeat of the step before, and only of that", () => {
    const attempts = newAttempts();
    expect(knock(attempts, [7001, 7001])).toEqual({ kind: "ignored", user: "alice" });
    expect(knock(attempts, [9003, 9003, 8002])).toEqual({ kind: "complete", user: "alice" });
    expect(knock(newAttempts(), [7001, 9003, 7001])).toEqual({ kind: "step", user: "alice", step: 1, of: 3 });
  });

  it("ignores a repeat of the last step after the sequence is complete", () => {
    expect(knock(newAttempts(), [7001, 9003, 8002, 8002])).toEqual({ kind: "ignored", user: "alice" });
  });

  it("is reset by another user's port", () => {
    const attempts = newAttempts();
    expect(knock(attempts, [7001, 9003, 4444])).toMatchObject({
      kind: "denied",
      reason: "wrong_order",
      user: "bob",
    });
    expect(knock(attempts, [8002])).toMatchObject({ kind: "denied", reason: "wrong_order", user: "alice" });
  });

  it("starts anew with another user's first port", () => {
    expect(knock(newAttempts(), [7001, 9003, 5555, 4444, 6666])).toEqual({ kind: "complete", user: "bob" });
  });

  it("gives the whole window to the whole sequence, and not a millisecond more", () => {
    const inTime = newAttempts();
    knock(inTime, [7001, 9003]);
    expect(knock(inTime, [8002], { at: window })).toMatchObject({ kind: "complete" });
    const late = newAttempts();
    knock(late, [7001, 9003]);
    expect(knock(late, [8002], { at: window + 1 })).toEqual({
      kind: "denied",
      reason: "too_slow",
      user: "alice",
    });
  });

  it("keeps sources apart", () => {
    const attempts = newAttempts();
    knock(attempts, [7001, 9003]);
    expect(knock(attempts, [8002], { from: "192.0.2.2" })).toMatchObject({ reason: "wrong_order" });
    expect(knock(attempts, [8002])).toMatchObject({ kind: "complete" });
  });

  it("poisons a source that touches a decoy, for the whole window", () => {
    const attempts = newAttempts();
    expect(knock(attempts, [7001, 9003, 3000])).toEqual({ kind: "denied", reason: "decoy", user: null });
    expect(knock(attempts, [8002], { at: 5 })).toMatchObject({ reason: "poisoned" });
    expect(knock(attempts, [7001, 9003, 8002], { at: 10 })).toMatchObject({ reason: "poisoned" });
    expect(knock(attempts, [7001, 9003, 8002], { at: window + 10 })).toMatchObject({ kind: "complete" });
  });

  it("makes a source that keeps touching decoys wait a window longer each time", () => {
    const attempts = newAttempts();
    knock(attempts, [3000, 3001, 3000]);
    expect(knock(attempts, [7001, 9003, 8002], { at: 2 * window })).toMatchObject({ reason: "poisoned" });
    expect(knock(attempts, [7001, 9003, 8002], { at: 3 * window + 10 })).toMatchObject({ kind: "complete" });
  });

  const tries = (attempts: Attempts, from: string, at: number) =>
    knock(attempts, [7001, 9003, 8002], { from, at });

  it.each([
    ["2001:db8:1:2::9", "2001:db8:1:2:a:b:c:d"],
    ["2001:db8:0:2:1:1:1:1", "2001:db8:0:2::"],
    ["2001:db8::1", "2001:db8::5:0:0:1"],
    ["::5:6:7:8", "::9:0:0:1"],
    ["2001:db8:1::1", "2001:db8:1:0:1::"],
  ])("poisons the whole /64 of an IPv6 source that touches a decoy: of %s also %s", (sweeper, other) => {
    const attempts = newAttempts();
    knock(attempts, [7001, 9003], { from: other });
    knock(attempts, [3000], { from: sweeper, at: 5 });
    expect(knock(attempts, [8002], { from: other, at: 10 })).toMatchObject({ reason: "poisoned" });
    knock(attempts, [3001], { from: other, at: 20 });
    expect(tries(attempts, sweeper, 2 * window)).toMatchObject({ reason: "poisoned" }); // counted together
    expect(tries(attempts, other, 2 * window + 30)).toMatchObject({ kind: "complete" });
  });

  it("does not make another /64 of the /48 wait for one or two touches", () => {
    const attempts = newAttempts();
    knock(attempts, [3000, 3001], { from: "2001:db8:1:2::9" });
    for (const from of ["2001:db8:1:3::9", "2001:db8:1::9", "2001:db8:2:2::9", "192.0.2.1"])
      expect(tries(attempts, from, 10)).toMatchObject({ kind: "complete" });
  });

  it("poisons a /48 at its third touch, for a window, and a window longer with each further one", () => {
    const attempts = newAttempts();
    for (const n of [1, 2, 3]) knock(attempts, [3000], { from: `2001:db8:1:${n}::9`, at: n });
    expect(tries(attempts, "2001:db8:1:ff::9", 10)).toMatchObject({ reason: "poisoned" });
    expect(tries(attempts, "2001:db8:2:1::9", 10)).toMatchObject({ kind: "complete" });
    expect(tries(attempts, "2001:db8:1:ff::9", window + 10)).toMatchObject({ kind: "complete" });
    knock(attempts, [3000], { from: "2001:db8:1:4::9", at: window + 20 });
    expect(tries(attempts, "2001:db8:1:ff::9", 3 * window)).toMatchObject({ reason: "poisoned" });
    expect(tries(attempts, "2001:db8:1:ff::9", 3 * window + 30)).toMatchObject({ kind: "complete" });
  });

  it("remembers no more poisoned networks than it may, whatever touches decoys", () => {
    const attempts = newAttempts();
    for (let i = 0; i < 100_000; i++)
      track(
        attempts,
        { source: `2001:db8:${(i >> 8).toString(16)}:${i % 256}::1`, ...step(3000) },
        1,
        ports,
        window,
      );
    expect(attempts.poisoned.size).toBeLessThanOrEqual(16_384);
  });

  it("knows nothing of ports that are nobody's", () => {
    const attempts = newAttempts();
    knock(attempts, [7001]);
    expect(knock(attempts, [12345])).toBeUndefined();
    expect(knock(attempts, [9003, 8002])).toMatchObject({ kind: "complete" });
  });

  it("does not take a TCP knock for a UDP step", () => {
    expect(
      track(newAttempts(), { source: "192.0.2.1", proto: "tcp", port: 7001 }, 0, ports, window),
    ).toBeUndefined();
  });

  it("stays within its bound under a hundred thousand forged first knocks, which push out no attempt that is further on", () => {
    const attempts = newAttempts();
    knock(attempts, [7001, 9003]);
    for (let i = 0; i < runs(1_000_000, 100_000); i++)
      track(attempts, { source: `f${i}`, ...step(7001) }, 1, ports, window);
    expect(attempts.first.size + attempts.further.size + attempts.poisoned.size).toBeLessThanOrEqual(65_536);
    expect(knock(attempts, [8002], { at: 100 })).toMatchObject({ kind: "complete" });
  });
});

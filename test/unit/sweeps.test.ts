import { describe, expect, it } from "vitest";
import { type KnownPorts, knownPorts, newAttempts, track } from "../../src/knockd/tracker.ts";
import { seconds } from "../../src/shared/duration.ts";
import { drawDecoys, drawSequence } from "../../src/shared/users/ports.ts";

/*
 * A sweep of every UDP port with the kernel's scanner set drowned: only the tracker and the decoys stand between a
 * scanner and a door. Only the order of known ports matters, so a sweep is a shuffle of those, at the times at which
 * a random sweep of 65,535 ports would come by.
 */
const window = seconds(30);
const USERS = 50;
const DECOYS = 61;
const long = process.env.KNOCKLINE_LONG === "1";

/** A small generator of our own (mulberry32), so that every run draws the same and a failure can be looked at. */
function generator(seed: number): (n: number) => number {
  let a = seed;
  return (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

function draw(random: (n: number) => number): { ports: KnownPorts; numbers: number[] } {
  const rules = {
    range: { from: 2000, to: 32767 },
    covered: [],
    inUse: { listening: new Set<number>(), ephemeral: { from: 32768, to: 60999 } },
  };
  const taken = new Set<number>();
  const users = Array.from({ length: USERS }, (_, i) => {
    const steps = drawSequence(["udp", "udp", "udp"], { ...rules, taken }, random) ?? [];
    for (const { port } of steps) taken.add(port);
    return { name: `u${i}`, steps };
  });
  const decoys = drawDecoys(DECOYS, { ...rules, taken }, random);
  return { ports: knownPorts(users, decoys), numbers: [...taken, ...decoys] };
}

/** Sweeps in the given order, evenly over `took` ms. @returns how many doors it opened */
function sweep(ports: KnownPorts, order: readonly { port: number; at: number }[]): number {
  const attempts = newAttempts();
  let opened = 0;
  for (const { port, at } of order) {
    if (track(attempts, { source: "scanner", proto: "udp", port }, at, ports, window)?.kind === "complete")
      opened += 1;
  }
  return opened;
}

function randomSweeps(count: number, took: number, seed: number): number {
  const random = generator(seed);
  const { ports, numbers } = draw(random);
  let opened = 0;
  for (let run = 0; run < count; run++) {
    const order = numbers
      .map((port) => ({ port, at: (random(1 << 30) / 2 ** 30) * took }))
      .sort((a, b) => a.at - b.at);
    if (sweep(ports, order) > 0) opened += 1;
  }
  return opened;
}

describe("a full sweep with 50 users and the scanner set drowned", () => {
  it("opens nothing when it ascends or descends, at any speed", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { ports, numbers } = draw(generator(seed));
      for (const took of [seconds(1), seconds(60), seconds(3600), seconds(36_000)]) {
        const up = [...numbers].sort((a, b) => a - b).map((port) => ({ port, at: (port / 65_535) * took }));
        const down = up.map(({ port }) => ({ port, at: (1 - port / 65_535) * took })).reverse();
        expect(sweep(ports, up) + sweep(ports, down)).toBe(0);
      }
    }
  });

  // 65,535 ports at 20,000 a second take 3.3 s; slower sweeps give the decoys' penalty time to run out
  const sweeps = long ? 400_000 : 2_500;
  it.each(long ? [3.3, 60, 600, 1800, 7200, 14_400, 36_000] : [3.3, 1800, 7200])(
    `opens a door in fewer than 1 of 10,000 random sweeps of %d s`,
    (took) => {
      expect(randomSweeps(sweeps, seconds(took), 7)).toBeLessThanOrEqual(Math.max(1, sweeps / 10_000));
    },
    120_000,
  );
});

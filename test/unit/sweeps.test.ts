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

/** One touch of a sweep. */
interface Touch {
  readonly port: number;
  readonly at: number;
  readonly source: string;
}

/** @returns how many doors a sweep in the given order opens */
function sweep(ports: KnownPorts, order: readonly Touch[]): number {
  const attempts = newAttempts();
  const outcomes = order.map(({ port, at, source }) =>
    track(attempts, { source, proto: "udp", port }, at, ports, window),
  );
  return outcomes.filter((outcome) => outcome?.kind === "complete").length;
}

/**
 * How likely a random sweep opens a door. A door opens in one of some ten thousand, too few to count in a unit test; so what is
 * counted is who has two of three steps: of the R known ports still to come, in any order, one is the third. That is at
 * the most 1/R, where the source comes by again in time (what lies between may still spoil it).
 */
function chance(ports: KnownPorts, order: readonly Touch[]): number {
  const attempts = newAttempts();
  let sum = 0;
  for (const [i, { port, at, source }] of order.entries()) {
    const outcome = track(attempts, { source, proto: "udp", port }, at, ports, window);
    if (outcome?.kind !== "step" || outcome.step !== 2) continue;
    const rest = order.slice(i + 1);
    const next = rest.find((touch) => touch.source === source);
    const isAhead = rest.some((touch) => isThird(ports, touch.port, outcome.user));
    if (isAhead && next !== undefined && next.at - at <= window) sum += 1 / rest.length;
  }
  return sum;
}

function isThird(ports: KnownPorts, port: number, user: string): boolean {
  const known = ports.get(`u${port}`);
  return known?.user === user && known.index === 2;
}

/** Sweeps in random order over `took` ms; `from` says by which address a touch comes. @returns the mean of their chances */
function randomSweeps(
  count: number,
  took: number,
  from: (part: number, random: (n: number) => number) => string,
): number {
  const random = generator(7);
  const { ports, numbers } = draw(random);
  let sum = 0;
  for (let run = 0; run < count; run++) {
    const order = numbers
      .map((port) => ({ port, part: random(1 << 30) / 2 ** 30 }))
      .sort((a, b) => a.part - b.part)
      .map(({ port, part }) => ({ port, at: part * took, source: from(part, random) }));
    sum += chance(ports, order);
  }
  return sum / count;
}

describe("a full sweep with 50 users and the scanner set drowned", () => {
  it("opens nothing when it ascends or descends, at any speed", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { ports, numbers } = draw(generator(seed));
      const source = "192.0.2.1";
      for (const took of [seconds(1), seconds(60), seconds(3600), seconds(36_000)]) {
        const up = [...numbers]
          .sort((a, b) => a - b)
          .map((port) => ({ port, at: (port / 65_535) * took, source }));
        const down = up.map((touch) => ({ ...touch, at: took - touch.at })).reverse();
        expect(sweep(ports, up) + sweep(ports, down)).toBe(0);
      }
    }
  });

  // 65,535 ports at 20,000 a second take 3.3 s; slower sweeps give the decoys' penalty time to run out
  const sweeps = long ? 10_000 : 1_000;
  const times = long ? [3.3, 60, 600, 1800, 7200, 14_400, 36_000] : [3.3, 7200];
  const host = (network: number): string => `2001:db8:1:${network.toString(16)}::1`;
  // a new address each so often is the sweeper's best: with one for each packet the steps of a sequence fall apart
  const ways: readonly [string, (part: number, random: (n: number) => number) => string][] = [
    ["one address", () => "192.0.2.1"],
    ["40 addresses of a /64, one after another", (part) => `2001:db8:1:2::${Math.floor(part * 40)}`],
    ["10 /64s of a /48, one after another", (part) => host(Math.floor(part * 10))],
    ["40 /64s of a /48, one after another", (part) => host(Math.floor(part * 40))],
    ["3 /64s of a /48 in turn", (_part, random) => host(random(3))],
  ];
  it.each(ways.flatMap(([way, from]) => times.map((took) => ({ way, took, from }))))(
    "opens a door in fewer than 1 of 10,000 random sweeps of $took s from $way",
    ({ took, from }) => {
      expect(randomSweeps(sweeps, seconds(took), from)).toBeLessThan(1e-4);
    },
    120_000,
  );
});

import { bench, describe } from "vitest";
import { type Knock, knownPorts, newAttempts, track } from "../src/knockd/tracker.ts";
import { seconds } from "../src/shared/duration.ts";

const window = seconds(30);
const step = (port: number) => ({ proto: "udp" as const, port });

/** 1,000 users with ports of their own, and as many decoys as an installation has. */
const users = Array.from({ length: 1_000 }, (_, n) => ({
  name: `user${n}`,
  steps: [2_000 + n, 12_000 + n, 7_000 + n].map(step),
}));
const ports = knownPorts(
  users,
  Array.from({ length: 61 }, (_, n) => 20_000 + n),
);

/** More sources than attempts are remembered of, so that the oldest are pushed out all the time. */
const sources = Array.from({ length: 1 << 17 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

/** A million knocks a second pass: the clock goes on by a microsecond each. */
function player(knocks: (n: number) => Knock): () => void {
  const attempts = newAttempts();
  let n = 0;
  return () => {
    track(attempts, knocks(n), n / 1_000, ports, window);
    n += 1;
  };
}

const sources6 = Array.from({ length: 1 << 17 }, (_, n) => `2001:db8:${(n >> 4).toString(16)}:${n & 15}::1`);

const source = (n: number): string => sources[n % sources.length] ?? "";
const source6 = (n: number): string => sources6[n % sources6.length] ?? "";

describe("the sequence tracker, one packet", () => {
  bench(
    "of a flood of forged first knocks",
    player((n) => ({ source: source(n), ...step(2_000) })),
  );
  bench(
    "of such a flood by IPv6",
    player((n) => ({ source: source6(n), ...step(2_000) })),
  );
  bench(
    "to a decoy",
    player((n) => ({ source: source(n), ...step(20_000) })),
  );
  bench(
    "to a decoy by IPv6",
    player((n) => ({ source: source6(n), ...step(20_000) })),
  );
  bench(
    "of good knocks, three in turn",
    player((n) => ({
      source: source(Math.floor(n / 3)),
      ...step([2_000, 12_000, 7_000][n % 3] ?? 0),
    })),
  );
  bench(
    "to a port that means nothing",
    player((n) => ({ source: source(n), ...step(1) })),
  );
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { knownPorts, newAttempts, track } from "../../src/knockd/tracker.ts";
import { seconds } from "../../src/shared/duration.ts";
import { runs } from "../helpers/runs.ts";

const window = seconds(30);
const users = ["a", "b", "c"].map((name, u) => ({
  name,
  steps: [0, 1, 2].map((i) => ({ proto: "udp" as const, port: 100 * u + i + 1 })),
}));
const decoys = [900, 901];
const ports = knownPorts(users, decoys);
const port = fc.constantFrom(
  ...users.flatMap(({ steps }) => steps.map((step) => step.port)),
  ...decoys,
  5000,
);
const knocks = fc.array(
  fc.record({ source: fc.constantFrom("x", "y"), port, wait: fc.integer({ min: 0, max: 20_000 }) }),
  { maxLength: 60 },
);

/** What must hold, written the slow way: the last knocks of this source are one user's three steps in order, repeats of a step aside. */
function mayComplete(history: readonly { port: number; at: number }[]): boolean {
  const last = history.filter(({ port }) => ports.has(`u${port}`));
  const steps = last.filter((knock, i) => i === 0 || knock.port !== last[i - 1]?.port).slice(-3);
  const user = users.find(({ steps: own }) => own.every((step, i) => step.port === steps[i]?.port));
  // the first of a repeated first step counts, until it is too old: then the repeat begins anew
  const first = last.findLastIndex(
    (knock, i) => knock.port === steps[0]?.port && last[i - 1]?.port !== knock.port,
  );
  const repeats = last.slice(first).filter((knock) => knock.port === steps[0]?.port);
  const since = repeats.reduce((begun, { at }) => (at - begun > window ? at : begun), repeats[0]?.at ?? 0);
  const end = last.at(-1)?.at ?? 0;
  const decoyBefore = last.some(
    (knock) =>
      decoys.includes(knock.port) &&
      knock.at >= since - window &&
      knock.at <= end &&
      knock.at + window >= end,
  );
  return user !== undefined && end - since <= window && !decoyBefore;
}

it("completes nothing but one user's own three ports, in order, within the window, with no decoy near", () => {
  fc.assert(
    fc.property(knocks, (list) => {
      const attempts = newAttempts();
      const seen = new Map<string, { port: number; at: number }[]>();
      let at = 0;
      for (const knock of list) {
        at += knock.wait;
        const history = seen.get(knock.source) ?? [];
        history.push({ port: knock.port, at });
        seen.set(knock.source, history);
        const outcome = track(
          attempts,
          { source: knock.source, proto: "udp", port: knock.port },
          at,
          ports,
          window,
        );
        if (outcome?.kind === "complete") expect(mayComplete(history)).toBe(true);
      }
    }),
    { numRuns: runs(20_000, 500) },
  );
});

it("always completes an honest sequence from a source that was quiet before", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...users),
      fc.tuple(fc.integer({ min: 0, max: 15_000 }), fc.integer({ min: 0, max: 15_000 })),
      knocks,
      (user, waits, noise) => {
        const attempts = newAttempts();
        let at = 0;
        for (const { source, port, wait } of noise) {
          at += wait;
          track(attempts, { source, proto: "udp", port }, at, ports, window);
        }
        const times = [at, at + waits[0], at + waits[0] + waits[1]];
        const outcomes = user.steps.map((step, i) =>
          track(attempts, { source: "honest", ...step }, times[i] ?? 0, ports, window),
        );
        expect(outcomes.at(-1)).toEqual({ kind: "complete", user: user.name });
      },
    ),
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMMON_PORTS } from "../../src/shared/users/common-ports.ts";
import { coveredPorts, type DrawRules, drawDecoys, drawSequence } from "../../src/shared/users/ports.ts";

const rules: DrawRules = {
  range: { from: 2000, to: 32_767 },
  covered: [{ proto: "udp", from: 10_000, to: 20_000 }],
  inUse: { listening: new Set([25_000]), ephemeral: { from: 30_000, to: 60_999 } },
  taken: new Set([2_500, 2_501]),
};
const three = ["udp", "udp", "udp"] as const;
/** Any stream of draws a generator could give. */
const draws = fc.infiniteStream(fc.nat({ max: 2 ** 31 - 1 }));
const randomFrom = (stream: Iterator<number>) => (n: number) => (stream.next().value as number) % n;

describe("knock ports", () => {
  it("respect every rule, whatever is drawn", () => {
    fc.assert(
      fc.property(draws, (stream) => {
        const ports = (drawSequence(three, rules, randomFrom(stream)) ?? []).map(({ port }) => port);
        const [a = 0, b = 0, c = 0] = ports;
        expect(ports.length).toBe(3);
        expect((a < b && b < c) || (a > b && b > c)).toBe(false);
        for (const port of ports) {
          expect(port).toBeGreaterThanOrEqual(2000);
          expect(port).toBeLessThan(30_000);
          expect(port < 10_000 || port > 20_000).toBe(true);
          expect(COMMON_PORTS.has(port) || rules.taken.has(port) || port === 25_000).toBe(false);
          for (const other of ports) expect(other === port || Math.abs(other - port) >= 100).toBe(true);
        }
      }),
    );
  });

  it("are not to be had in a range without room, and it says so instead of looking for ever", () => {
    const small = { ...rules, range: { from: 3_000, to: 3_150 } };
    let n = 0;
    expect(drawSequence(three, small, (max) => n++ % max)).toBeUndefined();
    expect(
      drawSequence(three, { ...rules, range: { from: 10_500, to: 11_000 } }, (max) => n++ % max),
    ).toBeUndefined();
  });

  it("give decoys that belong to nobody, each once, and fewer where there is no room", () => {
    let n = 0;
    const decoys = drawDecoys(61, rules, (max) => (n++ * 7919) % max);
    expect(new Set(decoys).size).toBe(61);
    expect(drawDecoys(61, { ...rules, range: { from: 2_500, to: 2_501 } }, (max) => n++ % max)).toEqual([]);
  });

  it("are named with their user when a setting covers them", () => {
    const user = {
      name: "bob",
      steps: [
        { proto: "udp", port: 15_000 },
        { proto: "udp", port: 5 },
        { proto: "udp", port: 6 },
      ],
    };
    const covered = [{ proto: "udp", from: 10_000, to: 20_000, whose: "service rtp" } as const];
    expect(coveredPorts([user as never], covered)).toEqual([
      "user bob: knock port udp/15000 lies in service rtp (udp/10000-20000); draw new ones: knockctl user rotate bob --ports",
    ]);
  });

  it("know the ports that scanners try first", () => {
    for (const port of [3306, 5060, 8080, 5432]) expect(COMMON_PORTS.has(port)).toBe(true);
    expect(COMMON_PORTS.size).toBe(1_589);
  });
});

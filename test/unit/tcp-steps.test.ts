import { beforeEach, describe, expect, it } from "vitest";
import { watchedPorts } from "../../src/knockd/daemon.ts";
import { knownPorts, newAttempts, type Outcome, track } from "../../src/knockd/tracker.ts";
import { seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import type { Step } from "../../src/shared/users/user.ts";
import { type TestGate, testGate } from "../helpers/gate.ts";

let t: TestGate;
const SINCE = "2026-01-01T00:00:00.000Z";
const ask = <V extends Exclude<Verb, "watch">>(verb: V, args: AdminVerbs[V]["args"]) =>
  answer(t.gate, verb, args, { ...noKnockd(t.gate), since: SINCE });

beforeEach(async () => {
  t = await testGate();
});

describe("a user's TCP steps", () => {
  it("are drawn in the order asked for, and kept by a rotation", async () => {
    const { user } = await ask("user_add", { name: "ann", proof: "none", steps: ["tcp", "udp", "tcp"] });
    expect(user.steps.map(({ proto }) => proto)).toEqual(["tcp", "udp", "tcp"]);
    const rotated = await ask("user_rotate", { name: "ann", ports: true });
    expect(rotated.user.steps.map(({ proto }) => proto)).toEqual(["tcp", "udp", "tcp"]);
    expect(rotated.user.steps).not.toEqual(user.steps);
  });

  it("may not be the last one where the proof goes into it", async () => {
    const steps: Step["proto"][] = ["udp", "udp", "tcp"];
    const cure = "let the last step be udp, or say --proof none";
    await expect(ask("user_add", { name: "ann", otp: true, steps })).rejects.toMatchObject({
      code: "refused",
      cure,
    });
    await ask("user_add", { name: "ann", proof: "none", steps });
    await expect(ask("user_set", { name: "ann", otp: true, proof: "otp" })).rejects.toMatchObject({ cure });
  });

  it("need tcpdump, and UDP steps do not", async () => {
    t.canSniff = false;
    const refusal = { code: "broken", cure: expect.stringContaining("apt-get install tcpdump") };
    await expect(
      ask("user_add", { name: "ann", proof: "none", steps: ["tcp", "udp", "udp"] }),
    ).rejects.toMatchObject(refusal);
    await ask("user_add", { name: "ann", proof: "none" });
    await expect(ask("user_set", { name: "ann", steps: ["udp", "tcp", "udp"] })).rejects.toMatchObject(
      refusal,
    );
    expect((await ask("user_show", { name: "ann" })).user.steps[1]?.proto).toBe("udp");
  });

  it("are reported by the kernel, or UDP goes on alone and status says why", async () => {
    await t.gate.bindPorts({ udp: [7001], tcp: [7101] });
    expect([await t.keys("knock_udp"), await t.keys("knock_tcp")]).toEqual([["7001"], ["7101"]]);
    t.firewall.failNext({ ok: false, why: "missing", message: "nft: No such file or directory" });
    await t.gate.bindPorts({ udp: [7001], tcp: [7102] });
    expect([await t.keys("knock_udp"), await t.keys("knock_tcp")]).toEqual([["7001"], []]);
    const status = await ask("status", {});
    expect(status.ok).toBe(false);
    expect(status.knockd.problems.join()).toMatch(/TCP knocks are not reported.*modprobe nfnetlink_log/);
    await t.gate.bindPorts({ udp: [7001], tcp: [7102] });
    expect(await t.keys("knock_tcp")).toEqual(["7102"]);
    expect((await ask("status", {})).knockd.problems).toEqual([]);
  });

  it("are watched together with the decoys, and nothing is while there are none", async () => {
    const { users, decoys } = t.gate.state;
    await ask("user_add", { name: "ann", proof: "none" });
    expect(watchedPorts(users.values(), decoys)).toEqual([]);
    const { user } = await ask("user_add", { name: "bob", proof: "none", steps: ["tcp", "udp", "tcp"] });
    const [first, , last] = user.steps.map(({ port }) => port);
    expect(watchedPorts(users.values(), [3000])).toEqual([first, last, 3000]);
  });
});

describe("the tracker, by both protocols", () => {
  const steps: Step[] = [
    { proto: "tcp", port: 7001 },
    { proto: "udp", port: 9003 },
    { proto: "tcp", port: 8002 },
  ];
  const ports = knownPorts([{ name: "ann", steps }], [3000]);
  const [a, b, c] = ["t7001", "u9003", "t8002"];

  /** Knocks `t7001`, `u9003` ... 20 ms apart. @returns what the last one came to */
  function knock(...list: string[]): Outcome | undefined {
    const attempts = newAttempts();
    let last: Outcome | undefined;
    for (const [n, text] of list.entries()) {
      const proto = text.startsWith("t") ? "tcp" : "udp";
      const one = { source: "192.0.2.1", proto, port: Number(text.slice(1)) } as const;
      last = track(attempts, one, n * 20, ports, seconds(30));
    }
    return last;
  }

  it("completes a mixed sequence, repeated SYNs and all", () => {
    expect(knock(a, b, c)).toEqual({ kind: "complete", user: "ann" });
    expect(knock(a, a, a, b, b, c)).toEqual({ kind: "complete", user: "ann" });
  });

  it("takes a port by the other protocol for nothing at all", () => {
    expect(knock("u7001")).toBeUndefined();
    expect(knock(a, "t9003", b, c)).toMatchObject({ kind: "complete" });
    expect(knock(a, "t9003", c)).toMatchObject({ kind: "denied" });
  });

  it("spoils an attempt whose source touches a decoy by either", () => {
    for (const decoy of ["t3000", "u3000"])
      expect(knock(a, b, decoy, c)).toEqual({ kind: "denied", reason: "poisoned", user: "ann" });
  });
});

import { describe, expect, it } from "vitest";
import { allow, allowMany, answerName, disallow } from "../../src/shared/access/allow.ts";
import type { Address } from "../../src/shared/address.ts";
import { type Duration, days, hours, minutes, seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import { type AllowWish, Refusal } from "../../src/shared/gate/verbs.ts";
import { found } from "../../src/shared/names/fake.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";

const add = (test: TestGate, what: string, more: Omit<AllowWish, "what"> = {}) =>
  test.gate.run((state, tx) => allow(state, tx, { what, ...more }, false));
const remove = (test: TestGate, what: string, keep = false) =>
  test.gate.run((state, tx) => disallow(state, tx, what, days(5), keep));
const grant = (test: TestGate, address: string, services: string[], ttl = 3600) =>
  answer(test.gate, "grant", { address, services, ttl }, noKnockd(test.gate));
const isoIn = (test: TestGate, span: Duration): string =>
  new Date(test.gate.parts.clock().wall + span).toISOString();
const nameAnswered = (test: TestGate, name: string) =>
  test.gate
    .run(async () => undefined)
    .then(async () => {
      const found = await test.gate.parts.resolver.lookUp(name);
      return test.gate.run((state, tx) => answerName(state, tx, name, found));
    });
const left = async (test: TestGate, set: string): Promise<number | undefined> =>
  (await test.firewall.elements([set]))[0]?.ttl;

describe("the allowlist", () => {
  it("lets an address in for all services, for good, and through every restart and flush", async () => {
    const test = await testGate();
    await add(test, "203.0.113.7", { note: "office" });
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.7"]);
    expect(await test.keys("live4_32")).toEqual(["203.0.113.7"]);
    expect(await left(test, "allow4_32")).toBe(Number.POSITIVE_INFINITY);

    test.firewall.flush();
    await test.gate.heal();
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.7"]);

    await test.restart({ reboot: true });
    await test.gate.adopt();
    expect(await left(test, "allow4_32")).toBe(Number.POSITIVE_INFINITY);
    expect(test.gate.state.allowlist.get("203.0.113.7")).toMatchObject({ note: "office", services: [] });
  });

  it("lets networks of any size in, also where they overlap, each for its own services", async () => {
    const test = await testGate();
    await add(test, "203.0.113.0/24", { services: ["sip"] });
    await add(test, "203.0.113.128/25", { services: ["ssh"] });
    await add(test, "203.0.113.200");
    await add(test, "2001:db8::/48", { services: ["sip", "rtp"] });
    expect(await test.keys("sip4_24")).toEqual(["203.0.113.0"]);
    expect(await test.keys("ssh4_25")).toEqual(["203.0.113.128"]);
    expect(await test.keys("allow4_32")).toEqual(["203.0.113.200"]);
    expect(await test.keys("rtp6_48")).toEqual(["2001:db8::"]);
    expect(await test.keys("allow4_24")).toEqual([]);
    const of = (address: string) =>
      test.gate.state.allowlist.covering(address as Address).map(({ what }) => what);
    expect(of("203.0.113.200").sort()).toEqual(["203.0.113.0/24", "203.0.113.128/25", "203.0.113.200"]);
    expect(of("203.0.113.9")).toEqual(["203.0.113.0/24"]);
    expect(of("2001:db8:0:9::1")).toEqual(["2001:db8::/48"]);
    expect(of("198.51.100.9")).toEqual([]);

    await remove(test, "203.0.113.128/25");
    expect(await test.keys("ssh4_25")).toEqual([]);
    expect(await test.keys("sip4_24")).toEqual(["203.0.113.0"]);
    expect(await test.gate.projector.reconcile()).toBe(0);
  });

  it("ends an entry on its day by the kernel's own clock, and keeps its TCP sessions for keep_max", async () => {
    const test = await testGate();
    await add(test, "203.0.113.7", { expires: isoIn(test, minutes(5)) });
    expect(await left(test, "allow4_32")).toBe(minutes(5));
    expect(await left(test, "kept4_32")).toBe(minutes(5) + hours(12));
    test.pass(minutes(5));
    expect(await test.keys("allow4_32")).toEqual([]);
    await test.gate.sweep();
    expect(test.gate.state.allowlist.size).toBe(0);
    expect(await left(test, "kept4_32")).toBe(hours(12));
    expect(test.events.map(({ event }) => event)).toContain("allow-ended");
    test.pass(hours(12));
    await test.gate.sweep();
    expect(test.gate.state.allowlist.leaving).toBe(0);
  });

  it("gives an entry that ends no more time through a reboot", async () => {
    const test = await testGate();
    await add(test, "203.0.113.7", { expires: isoIn(test, minutes(5)) });
    test.pass(minutes(2));
    await add(test, "203.0.113.8"); // writes the clock's floor
    await test.restart({ reboot: true });
    await test.gate.adopt();
    expect(await left(test, "allow4_32")).toBe(minutes(3));
  });

  it("cuts the sessions of what is removed, unless something else opens for it or they are to be kept", async () => {
    const test = await testGate();
    await add(test, "203.0.113.7");
    await grant(test, "203.0.113.7", ["ssh"]);
    const { notes } = await remove(test, "203.0.113.7");
    expect(notes).toEqual([expect.stringMatching(/^203\.0\.113\.7 stays open for ssh: granted to admin/)]);
    expect(await test.keys("revoked4")).toEqual(["203.0.113.7"]);
    expect(test.cuts.map(({ address }) => address)).toEqual(["203.0.113.7"]);
    expect(await test.keys("kept4_32")).toEqual([]);

    await add(test, "203.0.113.8");
    await remove(test, "203.0.113.8", true);
    expect(await test.keys("kept4_32")).toEqual(["203.0.113.8"]);
    expect(test.cuts).toHaveLength(1);
  });

  it("keeps the door and the sessions of an address whose grant is revoked, and says so", async () => {
    const test = await testGate();
    await add(test, "203.0.113.0/24", { services: ["ssh"] });
    await grant(test, "203.0.113.7", ["ssh"]);
    const { notes } = await answer(test.gate, "revoke", { what: "203.0.113.7" }, noKnockd(test.gate));
    expect(notes).toEqual(["203.0.113.7 stays open for ssh: on the allowlist (203.0.113.0/24)"]);
    expect(await test.keys("revoked4")).toEqual([]);
    expect(test.cuts).toEqual([]);
  });

  it("takes an entry back when the kernel does not take it", async () => {
    const test = await testGate();
    test.firewall.failNext({ ok: false, why: "unavailable", message: "gone" }, 5);
    await expect(add(test, "203.0.113.7")).rejects.toThrow("not as it should be");
    expect(test.gate.state.allowlist.size).toBe(0);
    await test.restart();
    expect(test.gate.state.allowlist.size).toBe(0);
  });

  it("changes an entry that is there to what is asked for, and leaves one alone that is so already", async () => {
    const test = await testGate();
    expect((await add(test, "203.0.113.7", { services: ["ssh"] })).placed).toBe("added");
    expect((await add(test, "203.0.113.7", { services: ["ssh"] })).placed).toBe("same");
    expect((await add(test, "203.0.113.7", { services: ["sip"], note: "x" })).placed).toBe("changed");
    expect([await test.keys("ssh4_32"), await test.keys("sip4_32")]).toEqual([[], ["203.0.113.7"]]);
  });

  it.each([
    ["192.0.2.300", /no address, network or name/],
    ["localhost", /no address, network or name/],
    ["203.0.113.7/24", /bits beyond its prefix are set/],
    ["127.0.0.1", /loopback: never let in/],
    ["224.0.0.0/8", /multicast: never let in/],
    ["fe80::/10", /link-local: never let in/],
    ["10.0.0.0/8", /would let in 16,777,216 addresses/],
    ["0.0.0.0/0", /would let in 4,294,967,296 addresses/],
    ["2000::/3", /would let in 2\^125 addresses/],
    ["sip.exa mple.com", /no address, network or name/],
    ["x;flush ruleset.com", /no address, network or name/],
  ])("refuses %s, and says why", async (what, why) => {
    const test = await testGate();
    await expect(add(test, what)).rejects.toThrow(why);
    expect(test.gate.state.allowlist.size).toBe(0);
  });

  it("takes a very wide network that is said to be meant", async () => {
    const test = await testGate();
    await test.gate.run((state, tx) => allow(state, tx, { what: "0.0.0.0/0" }, true));
    expect(await test.keys("allow4_0")).toEqual(["0.0.0.0"]);
  });

  it("fails in a list as it would alone, and as a misuse when lines fail in several ways", async () => {
    const test = await testGate();
    const code = (...lines: string[]) => {
      const entries = lines.map((what, at) => ({ line: at + 1, what }));
      return test.gate
        .run((state, tx) => allowMany(state, tx, entries, false))
        .catch((error: Refusal) => error.code);
    };
    const alone = await add(test, "0.0.0.0/0").catch((error: Refusal) => error.code);
    expect(await code("0.0.0.0/0")).toBe(alone);
    expect([await code("0.0.0.0/0", "203.0.113.7"), await code("10.0.0.1/8")]).toEqual(["refused", "usage"]);
    expect(await code("0.0.0.0/0", "10.0.0.1/8")).toBe("usage");
  });

  it("imports all or nothing, naming each line that does not fit, and a second time changes nothing", async () => {
    const test = await testGate();
    const many = (...entries: (AllowWish & { line: number })[]) =>
      test.gate.run((state, tx) => allowMany(state, tx, entries, false));
    const good = [
      { line: 1, what: "203.0.113.7", note: "a" },
      { line: 3, what: "sip.example.com", services: ["sip"] },
    ];
    const bad = [
      { line: 7, what: "10.0.0.1/8" },
      { line: 9, what: "203.0.113.9", services: ["fax"] },
    ];
    const error: Refusal = await many(...good, ...bad, { line: 11, what: "203.0.113.7" }).catch((e) => e);
    expect(error).toBeInstanceOf(Refusal);
    expect(error.message.split("\n")).toEqual([
      "line 7: 10.0.0.1/8 is no network: bits beyond its prefix are set",
      "line 9: no such service: fax",
      "line 11: 203.0.113.7 is in line 1 already",
    ]);
    expect(test.gate.state.allowlist.size).toBe(0);
    expect(await many(...good)).toEqual({ added: 2, changed: 0, same: 0 });
    expect(await many(...good)).toEqual({ added: 0, changed: 0, same: 2 });
  });
});

describe("a name on the allowlist", () => {
  const NAME = "trunk.example.com";

  async function withName(): Promise<TestGate> {
    const test = await testGate();
    test.resolver.zone.set(NAME, {
      v4: found(60, "203.0.113.9", "203.0.113.5"),
      v6: found(60, "2001:db8::5"),
    });
    await add(test, NAME, { services: ["sip"] });
    await nameAnswered(test, NAME);
    return test;
  }

  it("lets all of its addresses in, A and AAAA", async () => {
    const test = await withName();
    expect(await test.keys("sip4_32")).toEqual(["203.0.113.5", "203.0.113.9"]);
    expect(await test.keys("sip6_128")).toEqual(["2001:db8::5"]);
  });

  it("follows a changed answer in one transaction of the kernel, and keeps the sessions of the old address", async () => {
    const test = await withName();
    let changes = 0;
    const change = test.firewall.change.bind(test.firewall);
    test.firewall.change = (list) => {
      changes += 1;
      return change(list);
    };
    test.resolver.zone.set(NAME, { v4: found(60, "203.0.113.9", "198.51.100.1") });
    expect(await nameAnswered(test, NAME)).toMatchObject({ moved: true, failing: null });
    expect(changes).toBe(1);
    expect(await test.keys("sip4_32")).toEqual(["198.51.100.1", "203.0.113.9"]);
    expect(await test.keys("sip6_128")).toEqual([]);
    expect(await test.keys("kept4_32")).toEqual(["203.0.113.5"]);
  });

  const failures = {
    NXDOMAIN: { kind: "none", why: "NXDOMAIN: there is no such name" },
    "no address": { kind: "none", why: "no address" },
    SERVFAIL: { kind: "failed", why: "SERVFAIL" },
    "no answer in time": { kind: "failed", why: "no answer in time" },
    "only addresses that are never let in": found(60, "127.0.0.1", "0.0.0.0"),
  } as const;
  for (const [what, failure] of Object.entries(failures)) {
    it(`keeps its last good addresses for ever, also through restarts, while the answer is: ${what}`, async () => {
      const test = await withName();
      const kept = await test.keys("sip4_32");
      test.resolver.zone.set(NAME, { v4: failure, v6: failure });
      for (let day = 0; day < 3; day++) {
        test.pass(days(100));
        await nameAnswered(test, NAME);
        await test.restart({ reboot: true });
        await test.gate.adopt();
        expect(await test.keys("sip4_32")).toEqual(kept);
        expect(await test.keys("sip6_128")).toEqual(["2001:db8::5"]);
      }
      const { entries } = await answer(test.gate, "allow_list", {}, noKnockd(test.gate));
      expect(entries).toMatchObject([
        { what: NAME, age: 300 * 86_400, failing: { why: expect.stringContaining(what) } },
      ]);
    });
  }

  it("keeps the addresses of the family that fails alone", async () => {
    const test = await withName();
    test.resolver.zone.set(NAME, { v4: found(60, "203.0.113.77"), v6: { kind: "failed", why: "SERVFAIL" } });
    expect(await nameAnswered(test, NAME)).toMatchObject({ failing: "AAAA: SERVFAIL" });
    expect(await test.keys("sip4_32")).toEqual(["203.0.113.77"]);
    expect(await test.keys("sip6_128")).toEqual(["2001:db8::5"]);
  });

  it("takes no more than 16 addresses a family, and none that are never let in", async () => {
    const test = await withName();
    const many = Array.from({ length: 40 }, (_, n) => `203.0.113.${n + 1}`);
    test.resolver.zone.set(NAME, {
      v4: found(60, ...many, "127.0.0.1", "224.0.0.1", "169.254.1.1", "nonsense"),
    });
    await nameAnswered(test, NAME);
    expect(await test.keys("sip4_32")).toHaveLength(16);
  });

  it("writes nothing to the disk and asks nothing of the kernel while its answer stays the same", async () => {
    const test = await withName();
    test.pass(seconds(60));
    let writes = 0;
    const write = test.store.write.bind(test.store);
    test.store.write = (batch) => {
      writes += 1;
      return write(batch);
    };
    await nameAnswered(test, NAME);
    expect(writes).toBe(0);
    expect(test.gate.state.allowlist.get(NAME)?.lookup?.answered).toBe(test.gate.parts.clock().wall);
  });
});

describe("boot.nft", () => {
  const last = (test: TestGate): string => test.boots.at(-1) ?? "";
  const settled = (test: TestGate) => test.gate.alone(async () => undefined);

  it("holds the lasting entries, neither grants nor what ends, and is written only when it changed", async () => {
    const test = await testGate({ settings: settings({ firewall: { guard: "services" } }) });
    await settled(test);
    const before = test.boots.length;
    await add(test, "203.0.113.7");
    await add(test, "203.0.113.0/24", { services: ["sip"] });
    await add(test, "203.0.113.8", { expires: isoIn(test, hours(1)) });
    await grant(test, "203.0.113.9", ["ssh"]);
    test.pass(seconds(6));
    await test.gate.sweep();
    expect(test.boots.length).toBe(before + 1);
    expect(last(test)).toContain("allow4_32 { 203.0.113.7 }");
    expect(last(test)).toContain("sip4_24 { 203.0.113.0 }");
    expect(last(test)).not.toContain("203.0.113.8");
    expect(last(test)).not.toContain("203.0.113.9");

    await add(test, "203.0.113.10", { expires: isoIn(test, hours(1)) });
    test.pass(seconds(6));
    await test.gate.sweep();
    expect(test.boots.length).toBe(before + 1);
  });

  it("is written once for many changes in the same few seconds, and at the latest when the gate closes", async () => {
    const test = await testGate();
    test.pass(seconds(6));
    await settled(test);
    const before = test.boots.length;
    for (let n = 0; n < 200; n++) await add(test, `10.9.0.${n}`);
    await test.gate.sweep();
    expect(test.boots.length - before).toBeLessThanOrEqual(2);
    await add(test, "203.0.113.7");
    await test.gate.close();
    expect(last(test)).toContain("203.0.113.7");
  });
});

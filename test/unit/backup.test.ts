import { describe, expect, test } from "vitest";
import { open } from "../../src/shared/access/grants.ts";
import { readHistory } from "../../src/shared/access/history.ts";
import { consumeSigned } from "../../src/shared/access/one-time.ts";
import { ask } from "../../src/shared/access/pending.ts";
import { keys } from "../../src/shared/access/records.ts";
import type { Address } from "../../src/shared/address.ts";
import { days, hours, minutes, seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs } from "../../src/shared/gate/verbs.ts";
import type { AllowView } from "../../src/shared/gate/views.ts";
import { found } from "../../src/shared/names/fake.ts";
import type { Entry } from "../../src/shared/store/store.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";

const HOME = "203.0.113.7" as Address;

const ids = (() => {
  let n = 0;
  return () => `g${(0xa00000 + n++).toString(16)}`;
})();

const add = (test: TestGate, name: string, wishes: object = {}) =>
  answer(test.gate, "user_add", { name, proof: "none", ...wishes }, noKnockd(test.gate));

const backUp = (test: TestGate) => answer(test.gate, "backup", {}, noKnockd(test.gate));

const restore = (test: TestGate, { records, vault, made }: AdminVerbs["backup"]["result"], force = false) =>
  answer(test.gate, "restore", { records, vault, made, force }, noKnockd(test.gate));

const knockOpen = (test: TestGate, user: string, address = HOME) =>
  test.gate.run((state, tx) => open(state, tx, { address, user, by: "knock", proof: "none" }, ids));

describe("a backup", () => {
  test("leads users, tries, floors, decoys and history over to an empty gate, in one write", async () => {
    const old = await testGate();
    await add(old, "alice", { pin: true, otp: true });
    await add(old, "bob");
    await old.gate.run((_state, tx) => {
      tx.setTries("otp/alice", { wrong: 7, last: 1, day: 0, today: 7, good: null });
      tx.setDecoys([4_001, 4_002]);
    });
    const taken = await backUp(old);

    const fresh = await testGate({ start: false });
    fresh.pass(seconds(1));
    expect(await restore(fresh, taken)).toMatchObject({ users: ["alice", "bob"], closed: [], notes: [] });
    expect([...fresh.gate.state.users]).toEqual([...old.gate.state.users]);
    await fresh.restart(); // what a knockd after kill -9 would find
    expect([...fresh.gate.state.users]).toEqual([...old.gate.state.users]);
    expect(fresh.gate.state.tries.get("otp/alice")).toMatchObject({ wrong: 7 });
    expect(fresh.gate.state.decoys).toEqual(expect.arrayContaining([4_001, 4_002]));
    expect((await readHistory(fresh.store, {})).map(({ event }) => event)).toEqual(
      expect.arrayContaining(["user-added", "policy-confirmed", "restored"]),
    );
  });

  test("holds nothing of what is open or waits", async () => {
    const old = await testGate();
    await add(old, "alice", { approval: "phone", pin: true });
    await knockOpen(old, "alice");
    await old.gate.run((state, tx) =>
      ask(state, tx, { user: "alice", address: HOME, proof: "none", code: "4711", length: null }, ids),
    );
    const { records } = await backUp(old);
    expect(records.filter(([key]) => /^(grant|pending|revocation)/.test(key))).toEqual([]);
    expect(records.map(([key]) => key)).not.toContain(keys.clock);
  });

  test("does not change the policy in force, here or there", async () => {
    const old = await testGate({ settings: settings({ firewall: { guard: "everything" } }) });
    const fresh = await testGate({ settings: settings({ firewall: { guard: "services" } }) });
    await restore(fresh, await backUp(old));
    expect(fresh.gate.state.firewall.confirmed?.guard).toBe("services");
    const bare = await testGate({ start: false });
    await restore(bare, await backUp(old));
    expect(bare.gate.state.firewall.confirmed).toBeNull();
  });

  test("is refused over users without force, and by a clock behind it; then nothing is changed", async () => {
    const old = await testGate();
    await add(old, "alice");
    const taken = await backUp(old);
    const other = await testGate();
    await add(other, "carol");
    const before = await other.store.read("");
    await expect(restore(other, taken)).rejects.toMatchObject({
      code: "refused",
      message: /users here already: 1/,
    });
    const later = { ...taken, made: new Date(Date.parse(taken.made) + minutes(11)).toISOString() };
    await expect(restore(other, later, true)).rejects.toMatchObject({ message: /clock has not reached/ });
    expect(await other.store.read("")).toEqual(before);
  });

  test.each([
    [
      "a damaged record",
      (records: Entry[]) => [...records, [keys.user("eve"), { name: "eve" }] as const],
      /user\/eve/,
    ],
    ["a newer version", (records: Entry[]) => [...records, [keys.schema, 99] as const], /version 99/],
  ])("with %s is refused whole", async (_name, spoil, message) => {
    const old = await testGate();
    await add(old, "alice");
    const taken = await backUp(old);
    const fresh = await testGate({ start: false });
    const spoilt = { ...taken, records: spoil([...taken.records]) as typeof taken.records };
    await expect(restore(fresh, spoilt)).rejects.toMatchObject({ code: "broken", message });
    expect(fresh.gate.state.users.size).toBe(0);
  });

  test("under another secret is refused by a knockd that runs, not by a knockctl alone", async () => {
    const old = await testGate();
    await add(old, "alice");
    const { records, made } = await backUp(old);
    const other = await testGate();
    const args = { records, made, vault: "feedfeedfeedfeed" };
    await expect(
      answer(other.gate, "restore", args, { ...noKnockd(other.gate), since: "now" }),
    ).rejects.toMatchObject({
      code: "refused",
      cure: expect.stringMatching(/stop knockd/),
    });
    expect(await answer(other.gate, "restore", args, noKnockd(other.gate))).toMatchObject({
      users: ["alice"],
    });
    expect(await other.store.read(keys.vault)).toEqual([[keys.vault, "feedfeedfeedfeed"]]);
  });

  test("closes what its users may not have, leaves the rest open, and drops requests", async () => {
    const test = await testGate();
    await add(test, "alice", { services: ["ssh"] });
    const taken = await backUp(test);
    await answer(test.gate, "user_set", { name: "alice", services: ["ssh", "web"] }, noKnockd(test.gate));
    await add(test, "carol");
    await knockOpen(test, "alice", "203.0.113.1" as Address); // ssh and web: more than she had
    await knockOpen(test, "carol", "203.0.113.2" as Address); // not in the backup
    await answer(test.gate, "grant", { address: "203.0.113.3" }, noKnockd(test.gate));
    await test.gate.run((state, tx) =>
      ask(state, tx, { user: "carol", address: HOME, proof: "none", code: null, length: null }, ids),
    );
    const { closed } = await restore(test, taken, true);
    expect(closed.map(({ address }) => address).sort()).toEqual(["203.0.113.1", "203.0.113.2"]);
    expect(await test.keys("ssh4")).toEqual(["203.0.113.3"]);
    expect([...test.gate.state.pending]).toEqual([]);
    expect([...test.gate.state.users.keys()]).toEqual(["alice"]);
  });

  test("ends the sessions of who is gone, and lets a door end with its user as he was", async () => {
    const test = await testGate();
    const expires = new Date(test.gate.parts.clock().wall + hours(2)).toISOString();
    await add(test, "alice", { expires });
    const taken = await backUp(test);
    await answer(test.gate, "user_set", { name: "alice", expires: null }, noKnockd(test.gate));
    await add(test, "carol");
    await knockOpen(test, "carol");
    test.pass(minutes(90));
    await test.gate.sweep();
    await knockOpen(test, "alice", "203.0.113.1" as Address);
    expect(await test.keys("kept4")).toContain(HOME);
    expect((await restore(test, taken, true)).closed).toEqual([]);
    expect(await test.keys("kept4")).toEqual(["203.0.113.1"]);
    expect(await test.keys("revoked4")).toEqual([HOME]);
    expect((await test.firewall.elements(["ssh4"])).map(({ ttl }) => ttl)).toEqual([minutes(30)]);
  });
});

describe("the allowlist in a backup", () => {
  const TRUNK = "trunk.example.com";
  const allowed = (test: TestGate, what: string, more: object = {}) =>
    answer(test.gate, "allow_add", { what, ...more }, noKnockd(test.gate));

  /** A gate with an entry of every kind, one of them until tomorrow. */
  async function withEntries(): Promise<TestGate> {
    const test = await testGate();
    test.resolver.zone.set(TRUNK, { v4: found(60, "192.0.2.80"), v6: found(60, "2001:db8:80::1") });
    const tomorrow = new Date(test.gate.parts.clock().wall + days(1)).toISOString();
    await allowed(test, "203.0.113.7", { note: "office" });
    await allowed(test, "203.0.113.64/26", { services: ["ssh", "web"], expires: tomorrow });
    await allowed(test, "2001:db8:7::/48", { services: ["sip"], note: "branch" });
    await allowed(test, TRUNK, { services: ["sip"], note: "our trunk" });
    return test;
  }

  test("comes back whole, and the kernel has it: addresses, networks and names, with services, notes and ends", async () => {
    const old = await withEntries();
    const taken = await backUp(old);
    const fresh = await testGate();
    for (const { pass } of [old, fresh]) pass(hours(1));
    await restore(fresh, taken);

    const told = async (test: TestGate): Promise<Map<string, AllowView>> => {
      const { entries } = await answer(test.gate, "allow_list", {}, noKnockd(test.gate));
      return new Map(entries.map((entry) => [entry.what, entry]));
    };
    expect(await told(fresh)).toEqual(await told(old));
    expect((await told(fresh)).size).toBe(4);
    for (const set of ["allow4_32", "ssh4_26", "web4_26", "sip6_48", "sip4_32", "sip6_128"])
      expect([set, await fresh.keys(set)]).toEqual([set, await old.keys(set)]);
    expect(await fresh.keys("sip4_32")).toEqual(["192.0.2.80"]);
    const [element] = await fresh.firewall.elements(["ssh4_26"]);
    expect(element?.ttl).toBe(days(1) - hours(1));
  });

  test("comes back beside what is here, which stays as it is; what has ended since does not", async () => {
    const taken = await backUp(await withEntries());
    const fresh = await testGate();
    await allowed(fresh, "203.0.113.7", { note: "mine", services: ["ssh"] });
    await allowed(fresh, "198.51.100.9");
    fresh.pass(days(1));
    expect(await restore(fresh, taken)).toMatchObject({
      allowed_again: { count: 2, first: ["2001:db8:7::/48", TRUNK] },
    });
    const { entries } = await answer(fresh.gate, "allow_list", {}, noKnockd(fresh.gate));
    const all = ["198.51.100.9", "2001:db8:7::/48", "203.0.113.7", TRUNK];
    expect(entries.map(({ what }) => what).sort()).toEqual(all);
    expect(entries.find(({ what }) => what === "203.0.113.7")).toMatchObject({
      note: "mine",
      services: ["ssh"],
    });
    expect(await fresh.keys("ssh4_26")).toEqual([]);
    expect(await fresh.keys("ssh4_32")).toEqual(["203.0.113.7"]);
    expect(await fresh.keys("allow4_32")).toEqual(["198.51.100.9"]);
  });
});

describe("what a restore lets in again", () => {
  test("is counted in full and named in part, and an entry that stayed is not among it", async () => {
    const test = await testGate();
    const address = (n: number) => `203.0.113.${n}`;
    for (let n = 1; n <= 14; n++)
      await answer(test.gate, "allow_add", { what: address(n) }, noKnockd(test.gate));
    const taken = await backUp(test);
    for (let n = 1; n <= 12; n++)
      await answer(test.gate, "allow_remove", { what: address(n) }, noKnockd(test.gate));
    const { allowed_again } = await restore(test, taken);
    expect(allowed_again.count).toBe(12);
    expect(allowed_again.first).toHaveLength(10);
    expect(allowed_again.first).not.toContain(address(13));
    const { events } = await answer(test.gate, "history", {}, noKnockd(test.gate));
    expect(events.filter(({ event }) => event === "backed-up").map(({ reason }) => reason)).toEqual([
      "0 users, secrets and all; 14 allowlist entries",
    ]);
    expect(events.at(-1)?.reason).toMatch(/^0 users, 12 allowlist entries came back, as they were at /);
    expect((await restore(test, taken)).allowed_again).toEqual({ count: 0, first: [] });
  });
});

describe("floors after a restore", () => {
  const stamp = (time: number, nonce: string) => ({ time, nonce });
  const unix = ({ gate }: TestGate): number => Math.floor(gate.parts.clock().wall / 1000);
  const use = (test: TestGate, time: number, nonce = "n") =>
    test.gate.run((state, tx) => consumeSigned(state, tx, "alice", stamp(time, nonce)));

  test("no signed knock of before is fresh, also one that the backup does not know", async () => {
    const test = await testGate();
    await add(test, "alice");
    const taken = await backUp(test);
    await use(test, unix(test), "captured");
    await restore(test, taken, true);
    for (const off of [-300, 0, 300])
      await expect(use(test, unix(test) + off, `fresh${off}`)).rejects.toMatchObject({
        reason: "ssh_too_old",
      });
    test.pass(seconds(1));
    await use(test, unix(test) + 300);
  });

  test("also when the clock was set back before the restore, and goes right again after it", async () => {
    const test = await testGate();
    await add(test, "alice");
    await use(test, unix(test), "captured");
    const taken = await backUp(test);
    const right = test.gate.parts.clock().wall;
    const time = unix(test);
    test.setWall(right - minutes(9));
    await restore(test, taken, true);
    test.setWall(right);
    await expect(use(test, time, "captured")).rejects.toMatchObject({ reason: "ssh_too_old" });
  });

  test("every authenticator code up to the next step counts as used, and a floor never sinks", async () => {
    const test = await testGate();
    await add(test, "alice", { otp: true });
    await add(test, "bob", { otp: true });
    const taken = await backUp(test);
    const ahead = Math.floor(unix(test) / 30) + 50;
    await test.gate.run((_state, tx) => tx.raiseOtpStep("bob", ahead));
    await restore(test, taken, true);
    expect(test.gate.state.otpSteps.get("alice")).toBe(Math.floor(unix(test) / 30) + 1);
    expect(test.gate.state.otpSteps.get("bob")).toBe(ahead);
  });

  test("of users who are gone stay for ever", async () => {
    const test = await testGate();
    const taken = await backUp(test);
    await add(test, "alice");
    await use(test, unix(test));
    await restore(test, taken, true);
    expect(test.gate.state.users.size).toBe(0);
    test.pass(hours(1));
    await expect(use(test, unix(test) - 3_600)).rejects.toMatchObject({ reason: "ssh_too_old" });
  });
});

describe("the history in a backup", () => {
  test("is the newest part of it, and comes back beside what happened here", async () => {
    const old = await testGate();
    await add(old, "alice");
    old.pass(days(1));
    const fresh = await testGate();
    fresh.pass(days(2));
    await restore(fresh, await backUp(old));
    const events = await readHistory(fresh.store, {});
    expect(events.map(({ at }) => at)).toEqual([...events.map(({ at }) => at)].sort((a, b) => a - b));
    expect(events.filter(({ event }) => event === "user-added")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ event: "restored", by: "admin" });
  });
});

import { generateSync } from "otplib";
import { beforeEach, describe, expect, it } from "vitest";
import { ask as leave } from "../../src/shared/access/pending.ts";
import { keys } from "../../src/shared/access/records.ts";
import { MAX_TRIES } from "../../src/shared/access/state.ts";
import { NO_TRIES } from "../../src/shared/access/tries.ts";
import { parseAddress } from "../../src/shared/address.ts";
import { type Duration, days, hours, minutes, seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import { decodePhoneRequest } from "../../src/shared/gate/decode/phone-request.ts";
import type { CallbackOrder, Caller, PhoneVerb, PhoneVerbs } from "../../src/shared/gate/phone-verbs.ts";
import { Switchboard } from "../../src/shared/gate/switchboard.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import { StoreError } from "../../src/shared/store/store.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";

let t: TestGate;
let switchboard: Switchboard;
let orders: CallbackOrder[];
let tokens = 0;
let pin: string;

const inside: Caller = { lane: "internal", endpoint: "PJSIP/201", number: "201" };
const outside = (number: string): Caller => ({ lane: "external", endpoint: "PJSIP/trunk", number });
const admin = <V extends Exclude<Verb, "watch">>(verb: V, args: AdminVerbs[V]["args"]) =>
  answer(t.gate, verb, args, noKnockd(t.gate));
/** What is to happen when phone-auth's connection ends. */
const closing: (() => void)[] = [];
const listener = {
  tell: (order: CallbackOrder) => void orders.push(order),
  onClose: (callback: () => void) => void closing.push(callback),
};
const phone = <V extends PhoneVerb>(verb: V, args: PhoneVerbs[V]["args"]) =>
  switchboard.answer(decodePhoneRequest(JSON.stringify({ verb, args })), listener) as Promise<
    PhoneVerbs[V]["result"]
  >;

function sit(): void {
  orders = [];
  closing.length = 0;
  switchboard = new Switchboard(t.gate, () => (tokens++).toString(16).padStart(32, "0"));
}

async function session(caller: Caller = inside, digits = pin): Promise<string> {
  const answered = await phone("verify_pin", { pin: digits, caller });
  if (!answered.ok) throw new Error(answered.why);
  return answered.session;
}

function request(user: string, text: string, code: string | null, length: Duration | null = null) {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return t.gate.run((state, tx) =>
    leave(state, tx, { user, address, proof: "ssh", code, length }, t.gate.parts.freshId),
  );
}

beforeEach(async () => {
  t = await testGate();
  sit();
  const added = await admin("user_add", { name: "alice", proof: "none", pin: true });
  pin = added.once.pin ?? "";
});

describe("a PIN", () => {
  it("is drawn with eight digits, shown once, and not to be found in the store", async () => {
    expect(pin).toMatch(/^\d{8}$/);
    expect(JSON.stringify(await t.store.read(""))).not.toContain(pin);
    expect((await admin("user_show", { name: "alice" })).user).toMatchObject({ has_pin: true });
  });

  it("opens a session, and a wrong one does not", async () => {
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true, otp: false });
    expect(await phone("verify_pin", { pin: "13572468", caller: inside })).toEqual({
      ok: false,
      why: "wrong",
    });
  });

  it.each(["1234", "11111111", "12345678", "98765432", "12121212", "20260101", "4711", "x2345678"])(
    "is refused when it is weak or short: %s",
    async (weak) => {
      await expect(admin("user_rotate", { name: "alice", pin: weak })).rejects.toMatchObject({
        code: "refused",
      });
    },
  );

  it("is nobody else's", async () => {
    await expect(admin("user_add", { name: "bob", proof: "none", pin })).rejects.toMatchObject({
      code: "refused",
    });
  });

  it("is worth nothing from a caller the user did not name, for a disabled user, and after a rotation", async () => {
    await admin("user_set", { name: "alice", callers: ["+4930123"] });
    expect(await phone("verify_pin", { pin, caller: inside })).toEqual({ ok: false, why: "wrong" });
    await admin("user_set", { name: "alice", callers: [], enabled: false });
    expect(await phone("verify_pin", { pin, caller: inside })).toEqual({ ok: false, why: "refused" });
    await admin("user_set", { name: "alice", enabled: true });
    const fresh = await admin("user_rotate", { name: "alice", pin: true });
    expect(await phone("verify_pin", { pin, caller: inside })).toEqual({ ok: false, why: "wrong" });
    t.pass(seconds(30)); // what was tried counts, also while it could not succeed
    expect(await phone("verify_pin", { pin: fresh.once.pin ?? "", caller: inside })).toMatchObject({
      ok: true,
    });
  });
});

describe("wrong tries", () => {
  const wrong = (caller: Caller) => phone("verify_pin", { pin: "97531864", caller });

  it("make the caller wait, longer each time, and a restart forgives nothing", async () => {
    for (let i = 0; i < 3; i++) expect(await wrong(inside)).toEqual({ ok: false, why: "wrong" });
    expect(await phone("verify_pin", { pin, caller: inside })).toEqual({ ok: false, why: "wait", wait: 30 });
    await t.restart();
    sit();
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ why: "wait" });
    t.pass(seconds(30));
    expect(await wrong(inside)).toMatchObject({ why: "wrong" });
    expect(await wrong(inside)).toEqual({ ok: false, why: "wait", wait: 60 });
    t.pass(seconds(60));
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true });
    expect(await wrong(inside)).toMatchObject({ why: "wrong" });
  });

  it("are counted before they are compared, so that parallel calls gain nothing", async () => {
    const results = await Promise.all(Array.from({ length: 50 }, () => wrong(outside("+49301"))));
    expect(results.filter((result) => !result.ok && result.why === "wrong").length).toBe(3);
  });

  it("of all strangers together end at 200 a day, while internal phones and known callers go on", async () => {
    await session(outside("+4930600"));
    const counted = await Promise.all(
      Array.from({ length: 300 }, (_, i) => wrong(outside(`+49${1000 + i}`))),
    );
    expect(counted.filter((result) => !result.ok && result.why === "wrong").length).toBe(199);
    expect(await phone("verify_pin", { pin, caller: outside("+49777") })).toMatchObject({ why: "wait" });
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true });
    expect(await phone("verify_pin", { pin, caller: outside("+4930600") })).toMatchObject({ ok: true });
    const { events } = await admin("history", {});
    expect(events.filter(({ event }) => event === "pin-locked").length).toBe(1); // and not one for each who came too late
    t.pass(days(1));
    expect(await phone("verify_pin", { pin, caller: outside("+49777") })).toMatchObject({ ok: true });
  });

  it("of all known callers together end at 100 a day, for a number can be forged; being right uses up none", async () => {
    const known = Array.from({ length: 50 }, (_, i) => outside(`+4930${600 + i}`));
    for (const caller of known) await session(caller);
    const busy = known[0] ?? inside;
    for (let i = 0; i < 40; i++) await session(busy);
    /** Three wrong tries under each number. @returns how many were compared */
    const guess = async (callers: readonly Caller[]) => {
      const tried = await Promise.all(callers.flatMap((caller) => [1, 2, 3].map(() => wrong(caller))));
      return tried.filter((result) => !result.ok && result.why === "wrong").length;
    };
    expect(await guess(known)).toBe(100);
    await t.restart();
    sit();
    t.pass(hours(2)); // no delay of their own any more
    expect(await guess(known)).toBe(0);
    expect(await phone("verify_pin", { pin, caller: busy })).toMatchObject({ why: "wait" });
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true });
    expect(await phone("verify_pin", { pin, caller: outside("+49777") })).toMatchObject({ ok: true });
    const { events } = await admin("history", {});
    expect(events.filter(({ event }) => event === "pin-locked")).toMatchObject([
      { reason: expect.stringContaining("known callers") },
    ]);
    await admin("unlock", { who: "strangers" });
    expect(await phone("verify_pin", { pin, caller: busy })).toMatchObject({ ok: true });
  });

  it("of phones in the house that nobody knows end at 1,000 a day, whatever names phone-auth gives them", async () => {
    await session(inside);
    const named = (i: number): Caller => ({ ...inside, endpoint: `PJSIP/made-up-${i}` });
    const counted = await Promise.all(Array.from({ length: 1_010 }, (_, i) => wrong(named(i))));
    expect(counted.filter((result) => !result.ok && result.why === "wrong").length).toBe(999);
    expect(await phone("verify_pin", { pin, caller: named(2_000) })).toMatchObject({ why: "wait" });
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true });
    expect(await phone("verify_pin", { pin, caller: outside("+49777") })).toMatchObject({ ok: true });
    await admin("unlock", { who: "strangers" });
    expect(await phone("verify_pin", { pin, caller: named(2_000) })).toMatchObject({ ok: true });
  });

  it("are remembered of so many callers and no more, also when each of them was right once", async () => {
    const right = { ...NO_TRIES, last: t.gate.parts.clock().wall, good: t.gate.parts.clock().wall };
    await t.gate.run((_state, tx) => {
      for (let i = t.gate.state.tries.size; i < MAX_TRIES; i++)
        tx.setTries(`pin/internal/PJSIP/${i}x`, right);
    });
    await wrong(inside);
    await wrong(outside("+49301"));
    expect(t.gate.state.tries.size).toBeLessThanOrEqual(MAX_TRIES + 2); // and the two of all together
    expect(t.gate.state.tries.has("pin/internal/PJSIP/201")).toBe(true);
  });

  it("are in the history without a digit, and an admin can forgive them", async () => {
    for (let i = 0; i < 4; i++) await wrong(inside);
    const { events } = await admin("history", {});
    expect(events.filter(({ event }) => event === "pin-wrong")).toMatchObject([
      { reason: "internal PJSIP/201" },
      {},
      {},
    ]);
    expect(JSON.stringify(events)).not.toContain("97531864");
    await admin("unlock", { who: "PJSIP/201" });
    expect(await phone("verify_pin", { pin, caller: inside })).toMatchObject({ ok: true });
    await expect(admin("unlock", { who: "nobody" })).rejects.toMatchObject({ code: "not_found" });
    await admin("unlock", { who: "all" });
    for (const who of ["alice", "strangers", "all"])
      expect(await admin("unlock", { who })).toEqual({ unlocked: [] });
  });

  it("keep a month of guessing at all users under one per cent", async () => {
    const { shortestPin } = await import("../../src/shared/users/pin.ts");
    for (const users of [1, 10, 12, 16, 100, 2000])
      expect((users * (200 + 100) * 30) / 10 ** shortestPin(users)).toBeLessThan(0.01);
  });
});

describe("a session", () => {
  it("opens a keyed address for its user, and closes it again", async () => {
    const token = await session();
    expect(await phone("grant_address", { session: token, address: "203.0.113.7", dry: true })).toMatchObject(
      { ok: true },
    );
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await phone("grant_address", { session: token, address: "203.0.113.7" })).toEqual({
      ok: true,
      address: "203.0.113.7",
      seconds: 3600,
      services: ["ssh"],
    });
    expect(await t.keys("ssh4")).toEqual(["203.0.113.7"]);
    expect((await admin("list", {})).grants).toMatchObject([{ user: "alice", by: "phone", proof: null }]);
    expect(await phone("status", { session: token })).toMatchObject({ open: [{ address: "203.0.113.7" }] });
    expect(await phone("last", { session: token })).toEqual({ ok: true, address: "203.0.113.7" });
    expect(await phone("close_all", { session: token })).toEqual({ ok: true, closed: 1 });
    expect(t.events.at(-1)).toMatchObject({ event: "revoked", by: "phone" });
    expect(await t.keys("ssh4")).toEqual([]);
  });

  describe("that asks for its user's last address", () => {
    const last = async (caller: Caller = inside) => phone("last", { session: await session(caller) });
    const opens = async (address: string) => phone("grant_address", { session: await session(), address });

    /** Counts how often the history is read from now on. */
    function countReads(): () => number {
      let reads = 0;
      const { read } = t.store;
      t.store.read = (prefix, options) => {
        if (prefix === "history/") reads += 1;
        return read.call(t.store, prefix, options);
      };
      return () => reads;
    }

    it("hears none, the last, and after a restart the same, but none that is older than 30 days", async () => {
      expect(await last()).toEqual({ ok: true, address: null });
      await opens("203.0.113.7");
      await opens("203.0.113.8");
      expect(await last()).toEqual({ ok: true, address: "203.0.113.8" });
      await t.restart();
      sit();
      expect(await last()).toEqual({ ok: true, address: "203.0.113.8" });
      t.pass(days(30));
      expect(await last()).toEqual({ ok: true, address: "203.0.113.8" });
      t.pass(seconds(1));
      expect(await last()).toEqual({ ok: true, address: null });
    });

    it("hears nothing that the history does not keep", async () => {
      await t.restart({ settings: settings({ history: { keep: "7d" } }) });
      sit();
      await opens("203.0.113.7");
      t.pass(days(8));
      expect(await last()).toEqual({ ok: true, address: null });
    });

    it("has the history read once, however often it asks and whatever opens meanwhile", async () => {
      await opens("203.0.113.7");
      await t.restart();
      sit();
      const reads = countReads();
      const token = await session();
      await Promise.all(Array.from({ length: 50 }, () => phone("last", { session: token })));
      await opens("203.0.113.9");
      expect(await last()).toEqual({ ok: true, address: "203.0.113.9" });
      expect(reads()).toBe(1);
    });

    it("hears what a restored history says", async () => {
      expect(await last()).toEqual({ ok: true, address: null });
      const at = t.gate.parts.clock().wall - days(2);
      const event = { at, event: "opened", user: "alice", address: "203.0.113.5", by: "knock", reason: null };
      await t.gate.run((_state, tx) => tx.recall([[keys.history(at, 1), event]]));
      expect(await last()).toEqual({ ok: true, address: "203.0.113.5" });
    });

    it("hears nothing of a door that was refused, and gets an answer once the store is back", async () => {
      await t.restart();
      sit();
      const token = await session();
      t.store.broken = new StoreError("failed", "no disk", "get one");
      expect(await phone("last", { session: token })).toEqual({ ok: false, why: "broken" });
      t.store.broken = undefined;
      const refused = t.gate.run((_state, tx) => {
        tx.note("opened", { user: "alice", address: parseAddress("203.0.113.66") ?? null });
        throw new Error("refused");
      });
      await expect(refused).rejects.toThrow("refused");
      expect(await phone("last", { session: token })).toEqual({ ok: true, address: null });
    });
  });

  it("opens one keyed address and no second, also when several are asked for at once", async () => {
    const token = await session();
    const asked = ["203.0.113.7", "203.0.113.8", "203.0.113.9"];
    const answers = await Promise.all(
      asked.map((address) => phone("grant_address", { session: token, address })),
    );
    expect(answers.map((answered) => answered.ok || answered.why)).toEqual([true, "session", "session"]);
    expect(await t.keys("ssh4")).toEqual(["203.0.113.7"]);
    expect(await phone("close_all", { session: token })).toMatchObject({ ok: true });
  });

  it("that opened nothing, for the address may not be, opens another one", async () => {
    const token = await session();
    expect(await phone("grant_address", { session: token, address: "10.1.2.3" })).toMatchObject({
      why: "address",
    });
    expect(await phone("grant_address", { session: token, address: "203.0.113.7" })).toMatchObject({
      ok: true,
    });
  });

  it.each([
    "256.1.1.1",
    "0.0.0.0",
    "127.0.0.1",
    "224.1.1.1",
    "255.255.255.255",
    "169.254.1.1",
    "10.1.2.3",
    "198.51.100.1",
    "rubbish",
  ])("never opens %s", async (address) => {
    expect(await phone("grant_address", { session: await session(), address })).toEqual({
      ok: false,
      why: "address",
    });
    expect((await admin("list", {})).grants).toEqual([]);
  });

  it("is over after a quarter of an hour, unknown when it was never given, and gone with its user", async () => {
    const token = await session();
    expect(await phone("pending", { session: "f".repeat(32) })).toEqual({ ok: false, why: "session" });
    t.pass(minutes(15));
    expect(await phone("grant_address", { session: token, address: "203.0.113.7" })).toEqual({
      ok: false,
      why: "session",
    });
    const again = await session();
    await admin("user_remove", { name: "alice" });
    expect(await phone("grant_address", { session: again, address: "203.0.113.7" })).toEqual({
      ok: false,
      why: "session",
    });
  });

  it("may do nothing before the authenticator's code, which works once", async () => {
    const { once } = await admin("user_set", { name: "alice", otp: true });
    const secret = new URL(once.otp_uri ?? "").searchParams.get("secret") ?? "";
    const code = () => generateSync({ secret, epoch: Math.floor(t.gate.parts.clock().wall / 1000) });
    const answered = await phone("verify_pin", { pin, caller: inside });
    expect(answered).toMatchObject({ ok: true, otp: true });
    const token = answered.ok ? answered.session : "";
    expect(await phone("grant_address", { session: token, address: "203.0.113.7" })).toEqual({
      ok: false,
      why: "session",
    });
    expect(await phone("verify_otp", { session: token, code: "000000" })).toEqual({
      ok: false,
      why: "wrong",
    });
    expect(await phone("verify_otp", { session: token, code: code() })).toEqual({ ok: true });
    expect(await phone("grant_address", { session: token, address: "203.0.113.7" })).toMatchObject({
      ok: true,
    });
    expect(await phone("verify_otp", { session: await session(), code: code() })).toEqual({
      ok: false,
      why: "wrong",
    });
    t.pass(seconds(30));
    expect(await phone("verify_otp", { session: await session(), code: code() })).toEqual({ ok: true });
  });
});

describe("a pending request", () => {
  beforeEach(() => admin("user_set", { name: "alice", approval: "phone" }));

  it("opens by its code, once, and only for the user who made it", async () => {
    const other = await admin("user_add", { name: "bob", proof: "none", pin: true });
    await request("alice", "192.0.2.1", "482193");
    const foreign = await session(inside, other.once.pin);
    expect(await phone("approve", { session: foreign, code: "482193" })).toEqual({
      ok: false,
      why: "unknown",
    });
    const token = await session();
    expect(await phone("approve", { session: token, code: "111111" })).toEqual({ ok: false, why: "unknown" });
    expect(await phone("approve", { session: token, code: "482193" })).toMatchObject({
      ok: true,
      address: "192.0.2.1",
      seconds: 3600,
    });
    expect(await phone("approve", { session: token, code: "482193" })).toEqual({ ok: false, why: "unknown" });
    expect((await admin("list", {})).grants).toMatchObject([
      { address: "192.0.2.1", by: "phone", proof: "ssh" },
    ]);
  });

  it("opens once, also for two callers who key its code while the gate is busy with something else", async () => {
    await request("alice", "192.0.2.1", "482193");
    const sessions = [await session(), await session(outside("30"))];
    const busy = t.gate.run((_state, tx) => tx.note("unlocked", { by: "admin", reason: "something else" }));
    const answers = await Promise.all(
      sessions.map((token) => phone("approve", { session: token, code: "482193" })),
    );
    await busy;
    expect(answers).toEqual([expect.objectContaining({ ok: true }), { ok: false, why: "unknown" }]);
    const { events } = await admin("history", {});
    expect(events.filter(({ event }) => event === "approved" || event === "renewed")).toHaveLength(1);
  });

  it("is not taken by code when two have the same, but by id when it was read out", async () => {
    await request("alice", "192.0.2.1", "482193");
    const { id } = await request("alice", "192.0.2.2", "482193");
    const token = await session();
    expect(await phone("approve", { session: token, code: "482193" })).toEqual({
      ok: false,
      why: "ambiguous",
    });
    expect(await phone("pending", { session: token })).toMatchObject({
      requests: [{ address: "192.0.2.1" }, { address: "192.0.2.2", coded: true }],
    });
    expect(await phone("approve", { session: token, id })).toMatchObject({ ok: true, address: "192.0.2.2" });
  });

  it("is one an address and three a user, for ten minutes", async () => {
    const first = await request("alice", "192.0.2.1", null);
    expect((await request("alice", "192.0.2.1", "4711")).id).toBe(first.id);
    await request("alice", "192.0.2.2", null);
    await request("alice", "192.0.2.3", null);
    await expect(request("alice", "192.0.2.4", null)).rejects.toMatchObject({ reason: "too_many_pending" });
    expect((await admin("pending", {})).pending.length).toBe(3);
    t.pass(minutes(10));
    expect((await admin("pending", {})).pending).toEqual([]);
    await t.gate.sweep();
    expect((await t.store.read("pending/")).length).toBe(0);
  });

  it.each(["phone", "admin"])(
    "opens by %s for as long as was signed, as far as that is allowed",
    async (by) => {
      await admin("user_set", { name: "alice", ttl: 3_600, max_ttl: 7_200 });
      for (const [n, asked, got] of [
        [1, minutes(5), 300],
        [2, hours(10), 7_200],
        [3, null, 3_600],
      ] as const) {
        const { id, address } = await request("alice", `192.0.2.${n}`, null, asked);
        if (by === "admin") await admin("approve", { id });
        else await phone("approve", { session: await session(), id });
        const grants = (await admin("list", {})).grants;
        expect(grants.find((grant) => grant.address === address)).toMatchObject({ by, length: got });
      }
    },
  );

  it("can be approved or denied by an admin, and outlives a restart", async () => {
    const first = await request("alice", "192.0.2.1", null);
    const second = await request("alice", "192.0.2.2", null);
    await t.restart();
    expect((await admin("approve", { id: first.id })).grant).toMatchObject({
      address: "192.0.2.1",
      by: "admin",
    });
    await admin("deny", { id: second.id });
    expect((await admin("pending", {})).pending).toEqual([]);
    await expect(admin("approve", { id: first.id })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("a call-back", () => {
  beforeEach(async () => {
    await admin("user_set", { name: "alice", approval: "call", phone: "+4930555" });
    await phone("callbacks", {});
  });
  const settled = () => new Promise(setImmediate);
  const reasons = async () =>
    (await admin("history", {})).events.flatMap(({ event, reason }) =>
      event === "call-failed" ? [reason] : [],
    );

  it("is ordered with the number an admin registered and the code of the laptop, one at a time", async () => {
    const { id } = await request("alice", "192.0.2.1", "482193");
    await request("alice", "192.0.2.2", "555777");
    await settled();
    expect(orders).toEqual([{ id, number: "+4930555", code: "482193", left: 600 }]);
    expect(await reasons()).toEqual(["not placed: one call at a time"]);
  });

  it("rings again for another code from the same address, not for a repeat of the knock", async () => {
    const { id } = await request("alice", "192.0.2.1", "482193");
    await settled();
    await phone("call_over", { id, end: "no answer" });
    await request("alice", "192.0.2.1", "482193");
    await settled();
    expect(orders.length).toBe(1);
    expect((await request("alice", "192.0.2.1", "555777")).id).toBe(id);
    await settled();
    expect(orders.map(({ code }) => code)).toEqual(["482193", "555777"]);
    expect(await reasons()).toEqual(["no answer"]);
  });

  it("that was answered and approved has not failed, and one that was not has", async () => {
    const first = await request("alice", "192.0.2.1", "482193");
    await settled();
    await phone("approve", { session: await session(), id: first.id });
    await phone("call_over", { id: first.id, end: "answered" });
    expect(await reasons()).toEqual([]);
    const second = await request("alice", "192.0.2.2", "482193");
    await settled();
    await phone("call_over", { id: second.id, end: "answered" });
    expect(await reasons()).toEqual(["answered, and not approved"]);
  });

  it("is over when phone-auth is, and the next one is placed once it is back", async () => {
    await request("alice", "192.0.2.1", "482193");
    await settled();
    for (const close of closing.splice(0)) close();
    await settled();
    await request("alice", "192.0.2.2", "482193");
    await settled();
    expect(await reasons()).toEqual(["link lost", "not placed: no phone is connected"]);
    await phone("callbacks", {});
    await request("alice", "192.0.2.3", "482193");
    await settled();
    expect(orders.length).toBe(2);
  });

  it("takes only the PIN of the user who is called", async () => {
    const other = await admin("user_add", { name: "bob", proof: "none", pin: true });
    const { id } = await request("alice", "192.0.2.1", "482193");
    expect(await phone("verify_pin", { pin: other.once.pin ?? "", caller: inside, request: id })).toEqual({
      ok: false,
      why: "wrong",
    });
    const answered = await phone("verify_pin", { pin, caller: inside, request: id });
    expect(await phone("approve", { session: answered.ok ? answered.session : "", id })).toMatchObject({
      ok: true,
    });
  });

  it("comes three times an hour at the most, and ten times a day", async () => {
    for (let i = 1; i <= 40; i++) {
      const { id } = await request("alice", "192.0.2.1", null);
      await settled();
      await phone("call_over", { id, end: "busy" });
      await admin("deny", { id });
      t.pass(minutes(5));
    }
    expect(orders.length).toBe(10);
    expect(new Set(await reasons())).toEqual(
      new Set(["busy", "not placed: 3 an hour", "not placed: 10 a day"]),
    );
    t.pass(hours(24));
    await request("alice", "192.0.2.1", null);
    await settled();
    expect(orders.length).toBe(11);
  });

  it("is held for an hour after 9", async () => {
    const { id } = await request("alice", "192.0.2.1", null);
    await settled();
    expect(await phone("deny", { id })).toEqual({ ok: true });
    expect((await admin("pending", {})).pending).toEqual([]);
    await phone("call_over", { id, end: "answered" });
    expect(await reasons()).toEqual([]);
    await request("alice", "192.0.2.1", null);
    await settled();
    expect(orders.length).toBe(1);
    expect(await reasons()).toEqual(["not placed: held for an hour after a 9"]);
    t.pass(minutes(61));
    await t.gate.sweep();
    await request("alice", "192.0.2.1", null);
    await settled();
    expect(orders.length).toBe(2);
  });
});

describe("a denial without a PIN", () => {
  const settled = () => new Promise(setImmediate);
  const unknown = { ok: false, why: "unknown" };

  it("is refused for a request that nobody is being called for", async () => {
    await admin("user_set", { name: "alice", approval: "phone" });
    const waiting = await request("alice", "192.0.2.1", "482193");
    expect(await phone("deny", { id: waiting.id })).toEqual(unknown);
    await admin("user_add", { name: "bob", proof: "none", pin: true, approval: "call", phone: "201" });
    await phone("callbacks", {});
    const called = await request("bob", "192.0.2.2", "555777");
    await settled();
    expect(await phone("deny", { id: waiting.id })).toEqual(unknown);
    expect(await phone("deny", { id: "p999999" })).toEqual(unknown);
    await phone("call_over", { id: called.id, end: "answered" });
    expect(await phone("deny", { id: called.id })).toEqual(unknown);
    expect((await admin("pending", {})).pending.length).toBe(2);
  });

  it("is refused when the call should be over long since, and when its request is", async () => {
    await admin("user_set", { name: "alice", approval: "call", phone: "201" });
    await phone("callbacks", {});
    const first = await request("alice", "192.0.2.1", "482193");
    await settled();
    await admin("deny", { id: first.id });
    expect(await phone("deny", { id: first.id })).toEqual(unknown);
    await phone("call_over", { id: first.id, end: "answered" });
    const second = await request("alice", "192.0.2.1", "482193");
    await settled();
    t.pass(minutes(4));
    expect(await phone("deny", { id: second.id })).toEqual(unknown);
    expect((await admin("pending", {})).pending.length).toBe(1);
  });
});

describe("the phone socket", () => {
  it.each([
    '{"verb":"grant","args":{"address":"192.0.2.1"}}',
    '{"verb":"constructor","args":{}}',
    '{"verb":"verify_pin","args":{"pin":"1234 ; drop","caller":{"lane":"internal","endpoint":"PJSIP/1","number":null}}}',
    '{"verb":"verify_pin","args":{"pin":"12345678","caller":{"lane":"admin","endpoint":"PJSIP/1","number":null}}}',
    '{"verb":"status","args":{"more":1}}',
    "[]",
    "null",
    "{",
    "",
  ])("refuses %s", (line) => {
    expect(() => decodePhoneRequest(line)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("never repeats in an error what it was sent", () => {
    const line = '{"verb":"verify_pin","args":{"pin":"97531864x","caller":null}}';
    expect(() => decodePhoneRequest(line)).not.toThrow("97531864");
    expect(() => decodePhoneRequest(line)).toThrow();
  });
});

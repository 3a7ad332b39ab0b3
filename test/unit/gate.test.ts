import { beforeEach, describe, expect, it, test } from "vitest";
import { Denied } from "../../src/shared/access/denial.ts";
import { concerns, type GateEvent } from "../../src/shared/access/event.ts";
import { type Opening, open } from "../../src/shared/access/grants.ts";
import { MAX_ENDED, MAX_GRANTS, MAX_KNOCKED } from "../../src/shared/access/ledger.ts";
import { MOST_RECORDED } from "../../src/shared/access/recording.ts";
import { type Address, parseGrantAddress } from "../../src/shared/address.ts";
import { days, hours, milliseconds, minutes, seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import { StoreError } from "../../src/shared/store/store.ts";
import { changeUser } from "../../src/shared/users/decisions.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";
import { until } from "../helpers/wait.ts";

let t: TestGate;
const SINCE = "2026-01-01T00:00:00.000Z";
const ask = <V extends Exclude<Verb, "watch">>(verb: V, args: AdminVerbs[V]["args"]) =>
  answer(t.gate, verb, args, { ...noKnockd(t.gate), since: SINCE });

function knock(user: string, address: string) {
  const parsed = parseGrantAddress(address);
  if (parsed === undefined) throw new Error(address);
  const opening: Opening = { address: parsed, user, by: "knock", proof: "none" };
  return t.gate.run((state, tx) => open(state, tx, opening, t.gate.parts.freshId));
}

/** Something to wait for. */
function signal(): { give: () => void; given: Promise<void> } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { give, given };
}

const live = async () => (await ask("list", {})).grants;

beforeEach(async () => {
  t = await testGate();
  await ask("user_add", { name: "alice", proof: "none", services: ["ssh", "web"] });
  await ask("user_add", { name: "bob", proof: "none", services: ["ssh"] });
});

describe("the history of an address", () => {
  it("is refused for what is no address, instead of being empty", async () => {
    const t = await testGate();
    const asked = answer(t.gate, "history", { address: "nope" }, noKnockd(t.gate));
    await expect(asked).rejects.toMatchObject({ code: "usage", message: '"nope" is no address' });
  });
});

describe("opening", () => {
  it("puts one element in the set of each of the user's services, and nowhere else", async () => {
    await knock("alice", "192.0.2.1");
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1"]);
    expect(await t.keys("web4")).toEqual(["192.0.2.1"]);
    expect(await t.keys("sip4")).toEqual([]);
    expect(await t.keys("live4")).toEqual(["192.0.2.1"]);
    const [element] = await t.firewall.elements(["ssh4"]);
    expect(element?.ttl).toBe(hours(1));
  });

  it("renews the same user's grant instead of making a second", async () => {
    const first = await knock("alice", "192.0.2.1");
    t.pass(minutes(30));
    const second = await knock("alice", "192.0.2.1");
    expect(second).toMatchObject({ renewed: true, grant: { id: first.grant.id } });
    expect(await live()).toMatchObject([{ id: first.grant.id, left: 3600 }]);
  });

  it("mixes no two doors of a user at an address: services of one end with it, whatever else is open", async () => {
    await ask("grant", { address: "192.0.2.1", user: "alice", services: ["ssh"], ttl: 4 * 3600 });
    await knock("alice", "192.0.2.1"); // ssh and web, for an hour
    expect(await live()).toMatchObject([
      { by: "admin", services: ["ssh"], left: 4 * 3600 },
      { by: "knock", services: ["ssh", "web"], left: 3600 },
    ]);
    const ends = async (set: string) => (await t.firewall.elements([set]))[0]?.ttl;
    expect([await ends("ssh4"), await ends("web4")]).toEqual([hours(4), hours(1)]);
  });

  it("keeps the later of two ends", async () => {
    await ask("grant", { address: "192.0.2.1", user: "alice", ttl: 4 * 3600 });
    await knock("alice", "192.0.2.1");
    expect(await live()).toMatchObject([{ left: 4 * 3600, by: "admin" }]);
  });

  it("says so where less time is asked for than is left, as extend does", async () => {
    const wish = { address: "192.0.2.1", user: "alice" };
    const { grant } = await ask("grant", { ...wish, ttl: 4 * 3600 });
    const already = `${grant.id} is open for 4h already; to close it earlier: knockctl revoke ${grant.id}`;
    expect(await ask("grant", { ...wish, ttl: 600 })).toMatchObject({ renewed: true, notes: [already] });
    expect((await ask("extend", { id: grant.id, ttl: 600 })).notes).toEqual([already]);
    expect((await ask("grant", { ...wish, ttl: 5 * 3600 })).notes).toEqual([]);
  });

  it("keeps the reason through a renewal that gives none, and tells it with the services", async () => {
    const door = { address: "192.0.2.1", services: ["ssh", "web"] };
    await ask("grant", { ...door, reason: "the locksmith" });
    expect((await ask("grant", door)).grant).toMatchObject({ reason: "the locksmith" });
    expect((await ask("grant", { ...door, reason: "his mate" })).grant).toMatchObject({ reason: "his mate" });
    const { events } = await ask("history", { address: "192.0.2.1" });
    expect(events.map(({ event, reason }) => `${event} ${reason}`)).toEqual([
      "opened ssh,web: the locksmith",
      "renewed ssh,web: the locksmith",
      "renewed ssh,web: his mate",
    ]);
  });

  it("gives the element the latest end of two users at one address", async () => {
    await ask("grant", { address: "192.0.2.1", user: "alice", ttl: 7200 });
    await knock("bob", "192.0.2.1");
    const [element] = await t.firewall.elements(["ssh4"]);
    expect(element?.ttl).toBe(hours(2));
    expect((await live()).length).toBe(2);
  });

  it("replaces a user's oldest knock beyond max_grants_per_user, never an admin's grant", async () => {
    await ask("grant", { address: "192.0.2.100", user: "alice" });
    for (let i = 1; i <= 6; i++) {
      t.pass(seconds(1));
      await knock("alice", `192.0.2.${i}`);
    }
    expect((await live()).map(({ address }) => address)).toEqual([
      "192.0.2.100",
      "192.0.2.2",
      "192.0.2.3",
      "192.0.2.4",
      "192.0.2.5",
      "192.0.2.6",
    ]);
    expect(t.events.filter(({ event }) => event === "displaced")).toMatchObject([{ address: "192.0.2.1" }]);
  });

  it("opens an IPv6 address exactly, or its /64 where the settings say so", async () => {
    await knock("bob", "2001:db8::1");
    expect(await t.keys("ssh6")).toEqual(["2001:db8::1"]);
    t = await testGate({
      settings: settings({ firewall: { guard: "services" }, access: { ipv6_prefix: 64 } }),
    });
    await ask("user_add", { name: "bob", proof: "none" });
    await knock("bob", "2001:db8:1:2::1");
    expect(await t.keys("ssh6n")).toEqual(["2001:db8:1:2::"]);
    expect(await t.keys("live6")).toEqual(["2001:db8:1:2::"]);
    expect(await live()).toMatchObject([{ address: "2001:db8:1:2::/64" }]);
  });

  it.each([
    "127.0.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "169.254.1.1",
    "::1",
    "ff02::1",
    "fe80::1",
  ])("never opens %s", async (address) => {
    await expect(knock("alice", address)).rejects.toMatchObject({ reason: "address_refused" });
    await expect(ask("grant", { address })).rejects.toMatchObject({ code: "refused" });
  });

  it.each([
    "localhost",
    "192.0.2.300",
    "192.0.2",
    "10.0.0.0/8",
    "fe80::1%eth0",
    "2001:db8::/48",
    "1.2.3.4; drop",
    "",
  ])("takes %j for no address", async (address) => {
    await expect(ask("grant", { address })).rejects.toMatchObject({ code: "usage" });
  });

  it("never lasts longer than max_ttl or the user's own end", async () => {
    await expect(ask("grant", { address: "192.0.2.1", ttl: 13 * 3600 })).rejects.toMatchObject({
      code: "refused",
    });
    await ask("user_set", { name: "bob", expires: new Date(Date.UTC(2026, 0, 1, 0, 10)).toISOString() });
    await knock("bob", "192.0.2.1");
    expect(await live()).toMatchObject([{ left: 600 }]);
  });

  it("is denied with the reason when the user is disabled, expired or gone", async () => {
    await ask("user_set", { name: "bob", enabled: false });
    await expect(knock("bob", "192.0.2.1")).rejects.toEqual(new Denied("user_disabled"));
    await ask("user_set", { name: "bob", enabled: true, expires: "2026-01-01T00:10:00Z" });
    t.pass(minutes(10));
    await expect(knock("bob", "192.0.2.1")).rejects.toEqual(new Denied("user_expired"));
    await ask("user_remove", { name: "bob" });
    await expect(knock("bob", "192.0.2.1")).rejects.toEqual(new Denied("user_unknown"));
  });

  it("opens nothing when no policy is in force", async () => {
    t = await testGate({ start: false });
    await ask("user_add", { name: "bob", proof: "none" });
    await expect(knock("bob", "192.0.2.1")).rejects.toEqual(new Denied("firewall_off"));
  });

  it("answers a thousand knocks of the same moment in a few batches", async () => {
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        ask("grant", { address: `198.51.${100 + (i >> 8)}.${i & 255}`, services: ["ssh"] }),
      ),
    );
    expect((await live()).length).toBe(1000);
    expect((await t.keys("ssh4")).length).toBe(1000);
  });
});

describe("changing a user", () => {
  const steps = (...kinds: ("udp" | "tcp")[]) => ask("user_set", { name: "bob", steps: kinds });

  it("leaves the ports where the steps are of the same kinds, and says what other kinds cost", async () => {
    const { user } = await ask("user_show", { name: "bob" });
    t.canSniff = false; // nothing is drawn, nothing is needed
    expect(await steps("udp", "udp", "udp")).toMatchObject({ user, notes: [], new_client: false });
    t.canSniff = true;
    const other = await steps("udp", "tcp", "udp");
    expect(other).toMatchObject({ notes: ["the old ports are worth nothing now"], new_client: true });
    expect(other.user.steps.map(({ port }) => port)).not.toEqual(user.steps.map(({ port }) => port));
  });

  it("needs a new client where proof or approval are others than before, and for nothing else", async () => {
    const needs = async (wishes: object) => (await ask("user_set", { name: "bob", ...wishes })).new_client;
    expect(await needs({ otp: true, proof: "otp" })).toBe(true);
    expect(await needs({ proof: "otp" })).toBe(false);
    expect(await needs({ pin: true, approval: "phone" })).toBe(true);
    expect(await needs({ pin: true, ttl: 600, services: ["web"] })).toBe(false);
  });

  it("takes no end that is past: nobody means that", async () => {
    const expires = "2025-12-31T23:59:59Z";
    const refused = { code: "refused", message: `${expires} is past` };
    await expect(ask("user_set", { name: "bob", expires })).rejects.toMatchObject(refused);
    await expect(ask("user_add", { name: "eve", proof: "none", expires })).rejects.toMatchObject(refused);
    expect(await ask("user_list", {})).toMatchObject({ users: [{ name: "alice" }, { expires: null }] });
  });
});

describe("a list", () => {
  it("of services has no doubles, and the settings' order: how it was written makes no other door", async () => {
    const { user } = await ask("user_set", { name: "bob", services: ["web", "ssh", "web"] });
    expect(user.services).toEqual(["ssh", "web"]);
    await ask("grant", { address: "192.0.2.1", services: ["sip", "ssh", "sip"] });
    const again = await ask("grant", { address: "192.0.2.1", services: ["ssh", "sip"] });
    expect(again).toMatchObject({ renewed: true, grant: { services: ["ssh", "sip"] } });
    const { entry } = await ask("allow_add", { what: "192.0.2.9", services: ["web", "ssh", "ssh"] });
    expect(entry.services).toEqual(["ssh", "web"]);
    const same = await ask("allow_add", { what: "192.0.2.9", services: ["ssh", "web"] });
    expect(same.placed).toBe("same");
  });

  it("of callers has no doubles", async () => {
    const { user } = await ask("user_set", { name: "bob", callers: ["202", "201", "202"] });
    expect(user.callers).toEqual(["202", "201"]);
  });

  it("that an older version stored in another order is the same door", async () => {
    const user = t.gate.state.users.get("bob");
    if (user === undefined) throw new Error("bob is gone");
    await t.gate.run((_state, tx) => tx.setUser("bob", { ...user, services: ["web", "ssh"] }));
    await knock("bob", "192.0.2.1");
    const wish = { address: "192.0.2.1", user: "bob", services: ["ssh", "web"] };
    expect(await ask("grant", wish)).toMatchObject({ renewed: true });
  });
});

describe("a user's knocks", () => {
  const knockFrom = async (...last: number[]): Promise<void> => {
    for (const n of last) {
      t.pass(seconds(1));
      await knock("alice", `192.0.2.${n}`);
    }
  };
  const lasts = async () => (await live()).map(({ address }) => Number(address.split(".")[3])).sort();

  it("are displaced in the order they were last renewed, also after a restart", async () => {
    await knockFrom(1, 2, 3, 4, 5, 1);
    await t.restart();
    await knockFrom(6, 7);
    expect(await lasts()).toEqual([1, 4, 5, 6, 7]);
  });

  it("take no place once they have ended, though no sweep has come by", async () => {
    await knockFrom(1, 2);
    t.pass(minutes(30));
    await knockFrom(3, 4, 5);
    t.pass(minutes(30));
    await knockFrom(6, 7);
    expect(t.events.map(({ event }) => event)).not.toContain("displaced");
  });

  it("are displaced as if nothing had been, where the store did not take a knock", async () => {
    await knockFrom(1, 2, 3, 4, 5);
    t.store.broken = new StoreError("full", "full", "make room");
    await expect(knock("alice", "192.0.2.1")).rejects.toThrow("full");
    await expect(knock("alice", "192.0.2.9")).rejects.toThrow("full");
    t.store.broken = undefined;
    await knockFrom(6);
    expect(await lasts()).toEqual([2, 3, 4, 5, 6]);
  });
});

describe("whoever knows one sequence and forges sources", () => {
  const forge = async (count: number, user = "bob"): Promise<void> => {
    for (let n = 0; n < count; n++) {
      t.pass(seconds(1));
      await knock(user, `198.51.${100 + (n >> 8)}.${n & 255}`);
    }
  };
  const fill = (count: number): void => {
    const { uptime, wall } = t.gate.parts.clock();
    const length = hours(1);
    const about = { user: null, services: ["ssh"], by: "admin", proof: null } as const;
    const times = { since: wall, renewed: wall, length, expires: wall + length, ends: uptime + length };
    for (let n = 0; n < count; n++) {
      const address = parseGrantAddress(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
      if (address !== undefined) t.gate.state.ledger.put({ ...about, ...times, id: `full${n}`, address });
    }
  };

  it("leaves no more than the user's last doors behind, in ledger, store and kernel alike", async () => {
    await forge(100);
    const { maxGrantsPerUser } = t.gate.state.settings.access;
    const most = MAX_ENDED + maxGrantsPerUser;
    expect(t.gate.state.ledger.size).toBe(most);
    expect(await t.store.read("grant/")).toHaveLength(most);
    expect(await t.keys("kept4")).toEqual(
      Array.from({ length: most }, (_, n) => `198.51.100.${99 - n}`).sort(),
    );
  });

  it("pushes out what ended first, also after a restart", async () => {
    await forge(MAX_ENDED + 5);
    await t.restart();
    await t.gate.adopt();
    await knock("bob", "192.0.2.1");
    expect(await t.keys("kept4")).toContain("192.0.2.1");
    expect(await t.keys("kept4")).not.toContain("198.51.100.0");
    expect(await t.keys("kept4")).toContain("198.51.100.1");
  });

  it("does not push out another's ended doors, nor what phone and admin opened", async () => {
    await knock("alice", "192.0.2.1");
    await ask("grant", { address: "192.0.2.2", user: "bob", ttl: 60 });
    await t.gate.sweep();
    t.pass(hours(1));
    await t.gate.sweep();
    await forge(100);
    expect(await t.keys("kept4")).toEqual(expect.arrayContaining(["192.0.2.1", "192.0.2.2"]));
  });

  it("is counted too where doors end by themselves, many at a time", async () => {
    t = await testGate({
      settings: settings({ firewall: { guard: "services" }, access: { max_grants_per_user: 100 } }),
    });
    await ask("user_add", { name: "bob", proof: "none", services: ["ssh"] });
    await forge(100);
    t.pass(hours(1));
    await t.gate.sweep();
    expect(t.gate.state.ledger.size).toBe(100); // as many as may be open at once
    await forge(100);
    t.pass(hours(1));
    await t.gate.sweep();
    expect(t.gate.state.ledger.size).toBe(100);
  });

  const history = async (user: string) => (await ask("history", { user })).events.slice(1); // after "user-added"
  const rush = async (count: number, address = (n: number) => `198.51.100.${n}`): Promise<void> => {
    for (let n = 0; n < count; n++) await knock("bob", address(n));
  };

  it("fills the history with no more than so many entries a minute, and the sum of the rest", async () => {
    await rush(100); // each but the first five displaces one
    await knock("alice", "192.0.2.1");
    expect(await history("bob")).toHaveLength(MOST_RECORDED);
    expect(await history("alice")).toMatchObject([{ event: "opened" }]);
    expect(t.events.filter(({ event, user }) => event === "opened" && user === "bob")).toHaveLength(100);
    t.pass(minutes(1));
    await t.gate.sweep();
    await t.gate.sweep();
    expect((await history("bob")).slice(MOST_RECORDED)).toMatchObject([
      {
        event: "summed-up",
        by: "knock",
        reason: `and ${195 - MOST_RECORDED} more: opened, renewed or displaced`,
      },
    ]);
    await rush(1);
    expect((await history("bob")).slice(MOST_RECORDED + 1)).toMatchObject([
      { event: "displaced" },
      { event: "opened", address: "198.51.100.0" },
    ]);
  });

  it("has the sum before what is noted next, where no sweep comes between", async () => {
    await rush(100);
    t.pass(minutes(1));
    await rush(1);
    const events = (await history("bob")).slice(MOST_RECORDED).map(({ event }) => event);
    expect(events).toEqual(["summed-up", "displaced", "opened"]);
  });

  it("is no faster by renewing a door that an admin has opened for longer", async () => {
    await ask("grant", { address: "198.51.100.1", user: "bob", ttl: 4 * 3600 });
    await rush(100, () => "198.51.100.1");
    expect((await history("bob")).length).toBeLessThanOrEqual(1 + MOST_RECORDED);
  });

  it("has one renewal of a door a minute in the history, and each in ledger and store", async () => {
    for (let n = 0; n <= 180; n++) {
      await knock("bob", "192.0.2.1");
      t.pass(seconds(1));
    }
    expect((await history("bob")).map(({ event }) => event)).toEqual([
      "opened",
      "renewed",
      "renewed",
      "renewed",
    ]);
    expect(t.events.filter(({ event }) => event === "renewed")).toHaveLength(180);
    await t.restart();
    expect(await live()).toMatchObject([{ left: 3599 }]);
  });

  it("leaves room in a full table for the admin", async () => {
    fill(MAX_KNOCKED);
    await expect(knock("alice", "192.0.2.1")).rejects.toEqual(new Denied("too_many_grants"));
    await expect(ask("grant", { address: "192.0.2.1" })).resolves.toMatchObject({ renewed: false });
    fill(MAX_GRANTS);
    await expect(ask("grant", { address: "192.0.2.2" })).rejects.toThrow("is full");
  });

  it("costs the admin no more for each door when tens of thousands are revoked", async () => {
    fill(10_000); // where all of them are looked through for each address, not within a test's time
    expect((await ask("revoke", { all: true })).revoked).toHaveLength(10_000);
    expect(await t.keys("revoked4")).toHaveLength(10_000);
  });
});

describe("closing", () => {
  it("revokes one of two users at an address and leaves the other's door and sessions", async () => {
    await knock("alice", "192.0.2.1");
    await knock("bob", "192.0.2.1");
    const { notes } = await ask("revoke", { what: "bob" });
    expect(notes).toEqual([expect.stringContaining("stays open for ssh: granted to alice")]);
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1"]);
    expect(await t.keys("revoked4")).toEqual([]);
    expect(t.cuts).toEqual([]);
  });

  it("cuts the sessions of services that nobody else holds open", async () => {
    await knock("alice", "192.0.2.1");
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "alice" });
    expect(await t.keys("web4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
    expect(t.cuts.flatMap(({ ports }) => ports.map(({ from }) => from))).toEqual([80, 443]);
  });

  it("revokes all of a user whose name reads like an id", async () => {
    await ask("user_add", { name: "g1a2b3c", proof: "none" });
    await knock("g1a2b3c", "192.0.2.1");
    await knock("bob", "192.0.2.2");
    expect((await ask("revoke", { user: "g1a2b3c" })).revoked).toMatchObject([{ user: "g1a2b3c" }]);
    expect(await t.keys("ssh4")).toEqual(["192.0.2.2"]);
    await expect(ask("revoke", { user: "g1a2b3c" })).rejects.toMatchObject({
      code: "not_found",
      message: "nothing is open for g1a2b3c",
    });
  });

  it("lets a new grant work at once after a revoke", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "192.0.2.1" });
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
    await knock("bob", "192.0.2.1");
    expect(await t.keys("revoked4")).toEqual([]);
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1"]);
  });

  it("leaves a revocation in force for services that the new grant does not open", async () => {
    await knock("alice", "192.0.2.1");
    await ask("revoke", { what: "alice" });
    await knock("bob", "192.0.2.1");
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
  });

  it("keeps sessions when asked to", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "bob", keep_sessions: true });
    expect(await t.keys("revoked4")).toEqual([]);
    expect(await t.keys("kept4")).toEqual(["192.0.2.1"]);
  });

  it("can cut sessions that are kept after their grant ran out", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(hours(2));
    await t.gate.sweep();
    expect(await t.keys("kept4")).toEqual(["192.0.2.1"]);
    await ask("revoke", { what: "192.0.2.1" });
    expect(await t.keys("kept4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
  });

  it("notes the end of a grant in the history, at its time", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(61));
    await t.gate.sweep();
    expect(await live()).toEqual([]);
    expect((await ask("history", { user: "bob" })).events.map(({ event }) => event)).toEqual([
      "user-added",
      "opened",
      "expired",
    ]);
  });

  it("notes who closed, not who had opened; nobody where the time was over", async () => {
    const ends = async (user: string) =>
      (await ask("history", { user })).events
        .filter(({ event }) => ["expired", "revoked", "displaced", "extended"].includes(event))
        .map(({ event, by }) => `${event} by ${by}`);
    const { grant } = await knock("bob", "192.0.2.1");
    await ask("extend", { id: grant.id, ttl: 7200 });
    await ask("revoke", { what: "bob" });
    await knock("bob", "192.0.2.1");
    t.pass(minutes(61));
    await t.gate.sweep();
    expect(await ends("bob")).toEqual(["extended by admin", "revoked by admin", "expired by null"]);
    await ask("grant", { address: "192.0.2.7", user: "alice" });
    for (let i = 1; i <= 6; i++) await knock("alice", `192.0.2.1${i}`);
    await ask("user_remove", { name: "alice" });
    expect(new Set(await ends("alice"))).toEqual(new Set(["displaced by knock", "revoked by admin"]));
  });

  it("notes a revoke once, also where a second one cuts the sessions that the first had left", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "bob", keep_sessions: true });
    expect(await ask("revoke", { what: "bob" })).toMatchObject({ revoked: [] });
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
    await expect(ask("revoke", { what: "bob" })).rejects.toMatchObject({ code: "not_found" });
    expect(t.events.filter(({ event }) => event === "revoked")).toHaveLength(1);
  });

  it("forgets a grant when its sessions may not go on any more", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(hours(13.5));
    await t.gate.sweep();
    expect(t.gate.state.ledger.size).toBe(0);
    expect((await t.store.read("grant/")).length).toBe(0);
  });

  it("closes what a user may not have any more, at once", async () => {
    await knock("alice", "192.0.2.1");
    await ask("user_set", { name: "alice", services: ["web"] });
    expect(await t.keys("ssh4")).toEqual([]);
    await knock("bob", "192.0.2.2");
    await ask("user_remove", { name: "bob" });
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await live()).toEqual([]);
  });

  it.each([
    ["is disabled", () => ask("user_set", { name: "bob", enabled: false })],
    ["may use other services", () => ask("user_set", { name: "bob", services: ["web"] })],
    ["is removed", () => ask("user_remove", { name: "bob" })],
  ])("ends the sessions that outlived the doors of a user who %s", async (_, act) => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(61));
    await t.gate.sweep();
    await knock("bob", "192.0.2.2");
    t.pass(seconds(1));
    const { notes = [], revoked = [] }: { notes?: string[]; revoked?: unknown[] } = await act();
    expect(await t.keys("kept4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(t.cuts.map(({ address }) => address)).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(notes.length + revoked.length).toBe(notes.length > 0 ? 2 : 1); // only an open door is closed
  });

  it("leaves the sessions of a changed user who may still have them", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(61));
    await t.gate.sweep();
    await ask("user_set", { name: "bob", ttl: 600, services: ["ssh", "web"] });
    expect(await t.keys("kept4")).toEqual(["192.0.2.1"]);
    expect(t.cuts).toEqual([]);
  });

  const inMinutes = (n: number): string => new Date(t.gate.parts.clock().wall + minutes(n)).toISOString();

  it("lets every door of a user end with him, at once in the kernel, whoever opened it", async () => {
    await knock("bob", "192.0.2.1");
    await ask("grant", { address: "192.0.2.2", user: "bob", ttl: 2 * 3600 });
    await ask("grant", { address: "192.0.2.3", user: "bob", ttl: 60 });
    t.pass(seconds(30));
    const { notes } = await ask("user_set", { name: "bob", expires: inMinutes(10) });
    expect((await live()).map(({ left, length }) => [left, length])).toEqual([
      [600, 630],
      [600, 630],
      [30, 60],
    ]);
    expect((await t.firewall.elements(["ssh4"])).map(({ key, ttl }) => [key, ttl]).sort()).toEqual([
      ["192.0.2.1", minutes(10)],
      ["192.0.2.2", minutes(10)],
      ["192.0.2.3", seconds(30)],
    ]);
    expect(notes).toEqual([expect.stringMatching(/^g\w+, g\w+ will end with the user$/)]);
    await t.restart();
    expect((await live()).map(({ left }) => left)).toEqual([600, 600, 30]);
    t.pass(minutes(10));
    await t.gate.sweep();
    expect(await live()).toEqual([]);
  });

  it("gives no time back to a user who ends later, or to a door that the kernel did not shorten", async () => {
    await knock("bob", "192.0.2.1");
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
    await expect(ask("user_set", { name: "bob", expires: inMinutes(10) })).rejects.toThrow("no");
    expect(await live()).toMatchObject([{ left: 600 }]);
    expect(t.events.map(({ event }) => event)).not.toContain("withdrawn");
    await ask("user_set", { name: "bob", expires: inMinutes(20) });
    expect(await live()).toMatchObject([{ left: 600 }]);
  });

  it("takes back a renewal of the same moment no further than to the user's end", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(1));
    const draw = await t.gate.parts.draw();
    const end = inMinutes(10);
    const hold = signal();
    const held = t.gate.alone(() => hold.given);
    const renewed = knock("bob", "192.0.2.1");
    const changed = t.gate.run((state, tx) =>
      changeUser(state, tx, "bob", { expires: end }, {}, draw, hours(1)),
    );
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
    hold.give();
    await held;
    await expect(renewed).rejects.toThrow("no");
    await expect(changed).rejects.toThrow("no");
    expect(await live()).toMatchObject([{ left: 600 }]);
  });

  it("says not_found when nothing is open for a name, an address or an id", async () => {
    for (const what of ["nobody", "192.0.2.9", "gffffff"])
      await expect(ask("revoke", { what })).rejects.toMatchObject({ code: "not_found" });
    await expect(ask("extend", { id: "gffffff", ttl: 60 })).rejects.toMatchObject({ code: "not_found" });
    expect(await ask("revoke", { all: true })).toMatchObject({ revoked: [] });
  });
});

describe("restart, reboot and repair", () => {
  it("brings every live grant back after a restart, with what was left", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(20));
    t.firewall.flush();
    await t.restart();
    await t.gate.adopt();
    const [element] = await t.firewall.elements(["ssh4"]);
    expect(element?.ttl).toBe(minutes(40));
  });

  it("is not impressed by a wall clock that jumps while the machine runs", async () => {
    await knock("bob", "192.0.2.1");
    t.setWall(Date.UTC(2036, 0, 1));
    await t.restart();
    expect(await live()).toMatchObject([{ left: 3600 }]);
    t.setWall(Date.UTC(2020, 0, 1));
    await t.restart();
    expect(await live()).toMatchObject([{ left: 3600 }]);
  });

  it("gives the least of all rests after a reboot", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(10));
    await t.gate.sweep(); // writes the clock down
    t.pass(minutes(5));
    await t.restart({ reboot: true });
    expect(await live()).toMatchObject([{ left: 45 * 60 }]);
    t.setWall(Date.UTC(2026, 0, 1, 0, 50));
    await t.restart({ reboot: true });
    expect((await live())[0]?.left).toBe(10 * 60);
  });

  it("opens nothing after a reboot whose clock is behind the last record, nor after the next ones", async () => {
    await knock("bob", "192.0.2.1");
    t.setWall(Date.UTC(2025, 0, 1));
    await t.restart({ reboot: true });
    expect(await live()).toEqual([]);
    await knock("alice", "192.0.2.2"); // writes the clock down, which is behind now
    await t.restart({ reboot: true });
    expect(await live()).toMatchObject([{ user: "alice" }]);
  });

  it("gives no more after a restart than the reboot before it left", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(50));
    await t.gate.sweep();
    t.setWall(Date.UTC(2026, 0, 1, 0, 55));
    await t.restart({ reboot: true });
    const [before] = await live();
    expect(before?.left).toBe(5 * 60);
    t.pass(minutes(1));
    t.setWall(Date.UTC(2026, 0, 1, 0, 20));
    await t.gate.sweep();
    await t.restart();
    expect(await live()).toMatchObject([{ left: 4 * 60 }]);
  });

  it("keeps no record that a reboot has made worthless", async () => {
    await knock("alice", "192.0.2.1");
    await knock("bob", "192.0.2.2");
    await ask("revoke", { what: "bob" });
    t.setWall(Date.UTC(2026, 0, 2));
    await t.restart({ reboot: true });
    expect(await t.store.read("grant/")).toEqual([]);
    expect(await t.store.read("revocation/")).toEqual([]);
  });

  it("puts back what was flushed, removes what is not in the ledger, and mends a longer element", async () => {
    await knock("bob", "192.0.2.1");
    t.firewall.flush();
    await t.gate.heal();
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1"]);
    t.firewall.foreignPut({ set: "ssh4", key: "203.0.113.9", ttl: hours(9) });
    t.firewall.foreignPut({ set: "ssh4", key: "192.0.2.1", ttl: hours(9) });
    await t.gate.heal();
    const elements = await t.firewall.elements(["ssh4"]);
    expect(elements).toMatchObject([{ key: "192.0.2.1", ttl: hours(1) }]);
  });

  it("puts back what was flushed in its last second too", async () => {
    await ask("grant", { address: "192.0.2.1", user: "alice", ttl: 60 });
    t.pass(seconds(59));
    t.firewall.flush();
    await t.gate.heal();
    const [element] = await t.firewall.elements(["ssh4"]);
    expect(element).toMatchObject({ key: "192.0.2.1", ttl: seconds(1) });
  });

  it("lets nobody wait for a look at the kernel, and takes what was changed meanwhile for no fault", async () => {
    await knock("bob", "192.0.2.1");
    const { elements } = t.firewall;
    const listed = signal();
    const goOn = signal();
    let listings = 0;
    t.firewall.elements = async (sets) => {
      const seen = await elements(sets);
      if (!sets.includes("ssh4")) return seen;
      listings += 1;
      listed.give();
      await goOn.given;
      return seen;
    };
    const look = t.gate.heal();
    await listed.given;
    await knock("alice", "192.0.2.2");
    await ask("revoke", { what: "192.0.2.1" });
    goOn.give();
    await look;
    expect(listings).toBe(1); // a second one would be what mends
    expect(t.events.map(({ event }) => event)).not.toContain("firewall-repaired");
    expect(await t.keys("ssh4")).toEqual(["192.0.2.2"]);
  });

  describe("at a look", () => {
    /** Looks, half a minute after the last time. @returns how often it read what the kernel holds for ssh */
    const look = async (): Promise<number> => {
      const { elements } = t.firewall;
      let listings = 0;
      t.firewall.elements = (sets) => {
        if (sets.includes("ssh4")) listings += 1;
        return elements(sets);
      };
      t.pass(seconds(30));
      await t.gate.sweep();
      t.firewall.elements = elements;
      return listings;
    };

    it("reads nothing anew while nothing ends and nobody has touched the packet filter", async () => {
      await ask("allow_add", { what: "203.0.113.0/24", services: ["ssh"] });
      expect(await look()).toBe(1);
      expect([await look(), await look(), await look()]).toEqual([0, 0, 0]);
    });

    it("reads all while something is open, for its time could have gone wrong", async () => {
      await knock("bob", "192.0.2.1");
      expect([await look(), await look(), await look()]).toEqual([1, 1, 1]);
    });

    it("mends what somebody did while nobody was told", async () => {
      await look();
      expect(await look()).toBe(0);
      t.firewall.foreignPut({ set: "ssh4", key: "192.0.2.66", ttl: hours(1) });
      expect(await look()).toBeGreaterThan(0);
      expect(await t.keys("ssh4")).toEqual([]);
    });

    it("is not misled by a decision that the disk refused while it looked", async () => {
      await ask("allow_add", { what: "203.0.113.7", services: ["ssh"] });
      await look();
      for (const set of ["ssh4_32", "live4_32"])
        t.firewall.foreignPut({ set, key: "203.0.113.66", ttl: milliseconds(Infinity) });
      const [asked, refused] = [signal(), signal()];
      t.store.disk = async () => {
        asked.give();
        await refused.given;
        throw new StoreError("full", "the disk is full", "make room");
      };
      const adding = ask("allow_add", { what: "203.0.113.66", services: ["ssh"] });
      await asked.given;
      await t.gate.heal(); // what somebody put is what was decided, for now
      t.store.disk = async () => {};
      refused.give();
      await expect(adding).rejects.toThrow("full");
      await look();
      expect(await t.keys("ssh4_32")).toEqual(["203.0.113.7"]);
    });

    it("is not misled by a change that the kernel did not take", async () => {
      await ask("allow_add", { what: "203.0.113.7", services: ["ssh"] });
      await look();
      expect(await look()).toBe(0);
      t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
      await expect(ask("allow_remove", { what: "203.0.113.7" })).rejects.toThrow("no"); // yet a closing stands
      t.pass(seconds(1));
      await t.gate.sweep();
      expect(await t.keys("ssh4_32")).toEqual([]);
    });
  });

  it("forgets a revocation when conntrack has, though nothing else is decided", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "bob" });
    await t.gate.sweep();
    t.pass(milliseconds(days(5) - 1_000)); // the memory of conntrack
    await t.gate.sweep();
    expect(t.gate.state.ledger.revoked).toBe(1);
    t.pass(seconds(1));
    await t.gate.sweep();
    expect(t.gate.state.ledger.revoked).toBe(0);
  });

  it("keeps revocations through a flush", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "bob" });
    t.firewall.flush();
    await t.gate.heal();
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
  });
});

describe("the disk's part in an opening", () => {
  const full = async () => {
    throw new StoreError("full", "the disk is full", "make room");
  };

  it("comes after the kernel's, and before the answer", async () => {
    const disk = signal();
    t.store.disk = () => disk.given;
    let isAnswered = false;
    const opened = knock("bob", "192.0.2.1").then(() => {
      isAnswered = true;
    });
    await until(async () => (await t.keys("ssh4")).length > 0, { what: "the door is open" });
    await t.restart(); // as after kill -9: whoever is the gate next knows the door
    expect(isAnswered).toBe(false);
    expect(await live()).toMatchObject([{ user: "bob", address: "192.0.2.1" }]);
    disk.give();
    await opened;
  });

  it("comes first where something is closed, used up or changed with it", async () => {
    for (let host = 1; host <= 5; host++) await knock("bob", `192.0.2.${host}`);
    const disk = signal();
    let hasAsked = false;
    t.store.disk = () => {
      hasAsked = true;
      return disk.given;
    };
    const displacing = knock("bob", "192.0.2.9");
    await until(() => hasAsked, { what: "the disk is asked" });
    expect(await t.keys("ssh4")).not.toContain("192.0.2.9");
    disk.give();
    await displacing;
    expect(await t.keys("ssh4")).toContain("192.0.2.9");
  });

  it.each(["at once", "later"])("closes the door again when it fails; undone %s, for ever", async (when) => {
    await knock("alice", "192.0.2.7");
    t.pass(minutes(30));
    const before = await live();
    let refusals = when === "at once" ? 1 : 2; // the undo is refused too
    t.store.disk = async () => {
      if (refusals-- > 0) await full();
    };
    await expect(knock("bob", "192.0.2.1")).rejects.toMatchObject({ why: "full" });
    expect(await t.keys("ssh4")).toEqual(["192.0.2.7"]);
    expect(await live()).toEqual(before);
    expect(t.events.at(-1)).toMatchObject({ event: "withdrawn", user: "bob", address: "192.0.2.1" });
    await knock("alice", "192.0.2.8");
    await t.restart();
    expect((await live()).map(({ address }) => address)).toEqual(["192.0.2.7", "192.0.2.8"]);
  });

  it("is not waited for by the kernel, which closes at once, when it fails and then hangs", async () => {
    const answers = [full, () => new Promise<void>(() => {})];
    t.store.disk = () => (answers.shift() ?? full)();
    knock("bob", "192.0.2.1").catch(() => undefined);
    await until(() => answers.length === 0, { what: "the undo hangs" });
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await live()).toEqual([]);
  });

  it("gets what is owed to it at a clean stop, though no door is open then", async () => {
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
    t.store.disk = full; // the undo is a write
    await expect(knock("bob", "192.0.2.1")).rejects.toThrow("no");
    expect((await ask("status", {})).knockd.problems).toContainEqual(
      expect.stringContaining("the disk is full"),
    );
    t.store.disk = async () => {};
    await t.gate.alone(async () => undefined);
    t.pass(seconds(30));
    await t.gate.sweep();
    await t.restart();
    expect(await live()).toEqual([]);
  });

  it("gets what is owed to it at a clean stop that comes while something is undone", async () => {
    const [asked, goOn] = [signal(), signal()];
    const answers = [
      () => {
        asked.give();
        return goOn.given;
      },
      full, // the undo
    ];
    t.store.disk = () => (answers.shift() ?? (async () => {}))();
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 3);
    const adding = ask("allow_add", { what: "203.0.113.9", services: ["ssh"] });
    await asked.given;
    t.store.close = async () => {}; // it is looked into afterwards
    const closing = t.gate.close();
    goOn.give();
    await expect(adding).rejects.toThrow("no");
    await closing;
    await t.restart();
    expect([...t.gate.state.allowlist.all()]).toEqual([]);
  });

  it("leaves a renewed door its old end when it fails", async () => {
    await knock("bob", "192.0.2.1");
    t.pass(minutes(30));
    t.store.disk = full;
    await expect(knock("bob", "192.0.2.1")).rejects.toMatchObject({ why: "full" });
    expect(await live()).toMatchObject([{ address: "192.0.2.1", left: 1800 }]);
    expect((await t.firewall.elements(["ssh4"]))[0]?.ttl).toBe(minutes(30));
  });

  it("is tried again by itself, and what is owed to it goes first", async () => {
    t.store.disk = full;
    await expect(knock("bob", "192.0.2.1")).rejects.toMatchObject({ why: "full" });
    expect((await ask("status", {})).knockd.problems).toEqual([expect.stringContaining("the disk is full")]);
    t.store.disk = async () => {};
    t.pass(seconds(3));
    await t.gate.sweep();
    expect((await ask("status", {})).knockd.problems).toEqual([]);
    await t.restart();
    expect(await live()).toEqual([]);
  });
});

describe("a rehearsal", () => {
  const opening = (user: string, address: string): Opening => ({
    address: address as Address,
    user,
    by: "knock",
    proof: "none",
  });
  const rehearse = (user: string, address: string) =>
    t.gate.rehearse((state, tx) => open(state, tx, opening(user, address), t.gate.parts.freshId));
  const everything = async () => {
    const { ledger, recorded, pending, lastOpened, tries } = t.gate.state;
    const knocked = ledger.knocked("bob");
    const state = structuredClone({
      grants: [...ledger.all()],
      knocked,
      recorded,
      pending,
      tries,
      lastOpened,
    });
    const sets = ["ssh4", "web4", "live4", "kept4", "revoked4"];
    return { state, stored: await t.store.read(""), elements: await t.firewall.elements(sets) };
  };

  it("of a new door, a renewal, a displacement or a no leaves nothing behind, however often", async () => {
    for (let host = 1; host <= 5; host++) {
      await knock("bob", `192.0.2.${host}`);
      t.pass(seconds(1));
    }
    await ask("revoke", { what: "192.0.2.5" });
    await knock("bob", "192.0.2.6");
    await ask("user_set", { name: "alice", enabled: false });
    t.events.length = 0;
    const before = await everything();
    for (let round = 0; round < 100; round++)
      for (const [user, address] of [
        ["bob", "192.0.2.1"],
        ["bob", "192.0.2.5"],
        ["bob", "192.0.2.7"],
        ["alice", "192.0.2.8"],
      ] as const)
        rehearse(user, address);
    expect(await everything()).toEqual(before);
    expect(t.events).toEqual([]);
    await knock("bob", "192.0.2.7");
    expect(t.events.map(({ event }) => event)).toEqual(["displaced", "opened"]);
    expect(await t.store.read("history/")).toHaveLength(
      before.stored.filter(([key]) => key.startsWith("history/")).length + 2,
    );
  });

  it("is left out while something is being carried out", async () => {
    const disk = signal();
    t.store.disk = () => disk.given;
    const opened = knock("bob", "192.0.2.1");
    let isRehearsed = false;
    t.gate.rehearse(() => {
      isRehearsed = true;
    });
    expect(isRehearsed).toBe(false);
    disk.give();
    await opened;
  });
});

describe("when something fails", () => {
  it("opens nothing that the store did not take, and remembers nothing of it", async () => {
    t.store.broken = new StoreError("full", "the disk is full", "make room");
    await expect(knock("bob", "192.0.2.1")).rejects.toMatchObject({ why: "full" });
    await expect(ask("grant", { address: "192.0.2.2" })).rejects.toMatchObject({
      code: "broken",
      cure: "make room",
    });
    t.store.broken = undefined;
    expect(await live()).toEqual([]);
    expect(await t.keys("ssh4")).toEqual([]);
  });

  it("makes the table anew when it is gone, and opens then", async () => {
    t.firewall.flush();
    await knock("bob", "192.0.2.1");
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1"]);
  });

  it("takes an opening back that the kernel refuses twice, and says so", async () => {
    await knock("alice", "192.0.2.7");
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
    await expect(knock("bob", "192.0.2.1")).rejects.toThrow("no");
    expect((await live()).map(({ address }) => address)).toEqual(["192.0.2.7"]);
    expect((await ask("status", {})).knockd.problems).toEqual([expect.stringContaining("no")]);
    await t.gate.heal();
    expect(await t.keys("ssh4")).toEqual(["192.0.2.7"]);
    expect((await ask("status", {})).ok).toBe(true);
  });

  it("does not open again what was renewed and revoked in one go, when it takes the renewal back", async () => {
    await knock("bob", "192.0.2.1");
    const hold = signal();
    const held = t.gate.alone(() => hold.given);
    const renewed = knock("bob", "192.0.2.1");
    const revoked = ask("revoke", { what: "bob" });
    t.firewall.failNext({ ok: false, why: "unavailable", message: "no answer" }, 2);
    hold.give();
    await held;
    await expect(renewed).rejects.toThrow("no answer");
    await expect(revoked).rejects.toMatchObject({ code: "broken" });
    await t.gate.heal();
    expect(await live()).toEqual([]);
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
    await t.restart();
    expect(await live()).toEqual([]);
  });

  it("cuts again whom an opening had pardoned, when it takes that back", async () => {
    await knock("bob", "192.0.2.1");
    await ask("revoke", { what: "bob" });
    t.firewall.failNext({ ok: false, why: "refused", message: "no" }, 2);
    await expect(knock("bob", "192.0.2.1")).rejects.toThrow("no");
    await t.gate.heal();
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
  });

  it("does not take back a revoke that the kernel refuses: it is tried again until it is closed", async () => {
    await knock("bob", "192.0.2.1");
    t.firewall.failNext({ ok: false, why: "unavailable", message: "no answer" }, 2);
    await expect(ask("revoke", { what: "bob" })).rejects.toMatchObject({ code: "broken" });
    expect(await live()).toEqual([]);
    await t.gate.heal();
    expect(await t.keys("ssh4")).toEqual([]);
    expect(await t.keys("revoked4")).toEqual(["192.0.2.1"]);
  });

  it("lets one bad decision not spoil the others of its batch", async () => {
    const results = await Promise.allSettled([
      knock("bob", "192.0.2.1"),
      knock("nobody", "192.0.2.2"),
      knock("alice", "192.0.2.3"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await t.keys("ssh4")).toEqual(["192.0.2.1", "192.0.2.3"]);
  });
});

test.each<[string, { what?: string; user?: string }, string[]]>([
  ["everybody", {}, ["ann", "bob"]],
  ["an address", { what: "192.0.2.1" }, ["ann"]],
  ["a name or an address", { what: "bob" }, ["bob"]],
  ["a user, whatever he is called", { user: "bob" }, ["bob"]],
  ["a user of that name only", { user: "192.0.2.1" }, []],
])("who watches %s is told of nothing else", (_, asked, told) => {
  const event = (user: string, address: string): GateEvent => ({
    at: 0,
    event: "opened",
    user,
    address: address as Address,
    by: "knock",
    reason: null,
  });
  const events = [event("ann", "192.0.2.1"), event("bob", "192.0.2.2")];
  expect(events.filter((one) => concerns(one, asked)).map(({ user }) => user)).toEqual(told);
});

describe("the proof for the watchdog", () => {
  it("comes while store and packet filter answer, and fails with them", async () => {
    await t.gate.probe();
    t.firewall.failNext({ ok: false, why: "unavailable", message: "nft hangs" });
    await expect(t.gate.probe()).rejects.toThrow("nft hangs");
    t.store.read = async () => {
      throw new StoreError("damaged", "the store is damaged", "restore a backup");
    };
    await expect(t.gate.probe()).rejects.toThrow(StoreError);
  });

  it("does not come while the queue stands still", async () => {
    let goOn = (): void => undefined;
    const stuck = t.gate.alone(() => new Promise<void>((resolve) => (goOn = resolve)));
    let proved = false;
    const proof = t.gate.probe().then(() => {
      proved = true;
    });
    await new Promise(setImmediate);
    expect(proved).toBe(false);
    goOn();
    await Promise.all([stuck, proof]);
    expect(proved).toBe(true);
  });
});

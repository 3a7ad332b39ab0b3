import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../../src/shared/access/trial.ts";
import { parseAddress } from "../../src/shared/address.ts";
import { seconds } from "../../src/shared/duration.ts";
import { noKnockd } from "../../src/shared/gate/answers/answerer.ts";
import { answer } from "../../src/shared/gate/answers/answers.ts";
import type { AdminVerbs, Verb } from "../../src/shared/gate/verbs.ts";
import { settings, type TestGate, testGate } from "../helpers/gate.ts";

let t: TestGate;
const ask = <V extends Exclude<Verb, "watch">>(verb: V, args: AdminVerbs[V]["args"]) =>
  answer(t.gate, verb, args, { ...noKnockd(t.gate), since: "2026-01-01T00:00:00.000Z" });
const open = settings({ firewall: { guard: "nothing" } });
const closed = settings({ firewall: { guard: "services" } });
const remote = parseAddress("192.0.2.50");

beforeEach(async () => {
  t = await testGate({ settings: open });
  await t.restart({ settings: closed }); // the admin edited the settings
  await t.gate.adopt();
});

describe("a change of policy", () => {
  it("closes nothing at a restart: it says that settings wait to be applied", async () => {
    const status = await ask("status", {});
    expect(status.firewall).toMatchObject({ guard: "nothing", pending: true });
    expect(status.knockd.problems).toEqual(["settings changed, not applied: knockctl firewall plan"]);
  });

  it("is planned in words", async () => {
    const { same, changes, text } = await ask("firewall_plan", {});
    expect(same).toBe(false);
    expect(changes[0]).toContain("guard: nothing -> services");
    expect(changes).toContainEqual(
      expect.stringContaining("service ssh (tcp/22): open to everybody -> closed to strangers"),
    );
    expect(text).toContain("add table inet knockline");
  });

  it("is planned and checked by the file as it is now, and nothing of it is taken over", async () => {
    const { steps } = (await ask("user_add", { name: "ann", proof: "none" })).user;
    const port = `udp/${steps[0]?.port}`;
    const edited = settings({ services: { ssh: { ports: ["tcp/22"] }, game: { ports: [port] } } });
    const about = { ...noKnockd(t.gate), read: async () => edited };
    const { changes } = await answer(t.gate, "firewall_plan", {}, about);
    expect(changes).toContainEqual(expect.stringContaining(`service game (${port})`));
    const { problems } = await answer(t.gate, "check", {}, about);
    expect(problems).toEqual([expect.stringContaining(port)]);
    expect(t.gate.state.settings).toBe(closed);
    expect((await ask("check", {})).problems).toEqual([]);
  });

  it("is planned by the ports that are listened at, without those of knocks", async () => {
    const { steps } = (await ask("user_add", { name: "ann", proof: "none" })).user;
    const secret = steps.map(({ port }) => ({ proto: "udp" as const, port, process: "knockd" }));
    const sshd = { proto: "tcp" as const, port: 22, process: "sshd" };
    const other = { proto: "tcp" as const, port: 3306, process: null };
    await ask("grant", { address: "198.51.100.7", services: ["ssh"] });

    const { doors, stay, loaded } = await ask("firewall_plan", {
      listening: [sshd, other, ...secret],
      ssh_peers: ["198.51.100.9"],
    });

    expect(loaded).toBe("ok");
    expect(doors).toEqual([{ ...sshd, change: "closes", service: "ssh" }]);
    expect(stay).toEqual({
      allowlist: 0,
      trusted_interfaces: [],
      grants: [{ address: "198.51.100.7", services: ["ssh"] }],
      ssh_peers: ["198.51.100.9"],
    });
  });

  it("is planned the other way round where it opens, and by every port with guard everything", async () => {
    const listening = [22, 80, 3306].map((port) => ({ proto: "tcp" as const, port, process: null }));
    const deny = settings({
      firewall: { guard: "everything", public: ["tcp/80"] },
      services: { ssh: { ports: ["tcp/22"] } },
    });
    await t.restart({ settings: deny });
    expect((await ask("firewall_plan", { listening })).doors).toMatchObject([
      { port: 22, change: "closes", service: "ssh" },
      { port: 3306, change: "closes", service: null },
    ]);
    await ask("firewall_apply", { now: true });
    await t.restart({ settings: open });
    expect((await ask("firewall_plan", { listening })).doors).toMatchObject([
      { port: 22, change: "opens" },
      { port: 3306, change: "opens" },
    ]);
  });

  it("is entered by the kernel only while the trial's elements live", async () => {
    await ask("firewall_apply", { confirm: 60 });
    expect(await t.keys("trial")).toEqual(["ipv4", "ipv6"]);
    expect(t.firewall.rules()).toContain("candidate_close");
    expect((await ask("status", {})).firewall).toMatchObject({ state: "trial", guard: "services" });
    t.pass(seconds(61));
    expect(await t.keys("trial")).toEqual([]);
    await t.gate.sweep();
    expect(t.firewall.rules()).not.toContain("candidate_close");
    expect((await ask("status", {})).firewall).toMatchObject({
      state: "ok",
      guard: "nothing",
      pending: true,
    });
  });

  it("becomes current when it is confirmed in time, and is written for the next boot", async () => {
    await ask("firewall_apply", { confirm: 60 });
    await ask("firewall_confirm", {});
    expect(await t.keys("trial")).toEqual([]);
    expect((await ask("status", {})).firewall).toMatchObject({
      state: "ok",
      guard: "services",
      pending: false,
    });
    await new Promise(setImmediate);
    expect(t.boots.at(-1)).toContain("tcp dport 22");
    expect(t.boots.at(-1)).not.toContain("add element");
  });

  it("cannot be confirmed after its time", async () => {
    await ask("firewall_apply", { confirm: 60 });
    t.pass(seconds(60));
    await expect(ask("firewall_confirm", {})).rejects.toMatchObject({ code: "refused" });
  });

  it("survives a restart of ours with its remaining time, and a reboot ends it", async () => {
    await ask("firewall_apply", { confirm: 60 });
    t.pass(seconds(20));
    await t.restart();
    await t.gate.adopt();
    expect((await t.firewall.elements(["trial"]))[0]?.ttl).toBe(seconds(40));
    await t.restart({ reboot: true });
    await t.gate.adopt();
    expect(await t.keys("trial")).toEqual([]);
    expect((await ask("status", {})).firewall.guard).toBe("nothing");
  });

  it("holds the door open for who is logged in by SSH, and adopts sessions to ports that become guarded", async () => {
    if (remote === undefined) throw new Error("no address");
    t.sessions = [
      { remote, remotePort: 50_000, localPort: 22 },
      { remote, remotePort: 50_001, localPort: 9_999 },
    ];
    const { kept } = await ask("firewall_apply", {
      keep: ["192.0.2.50", "127.0.0.1", "rubbish"],
      ssh_ports: [22],
    });
    expect(kept).toMatchObject([{ address: "192.0.2.50", services: ["ssh"], by: "admin", left: 900 }]);
    expect(await t.keys("ssh4")).toEqual(["192.0.2.50"]);
    expect(await t.keys("adopted4")).toEqual(["192.0.2.50 . 50000 . 22"]);
    t.firewall.flush();
    await t.gate.heal();
    expect(await t.keys("adopted4")).toEqual(["192.0.2.50 . 50000 . 22"]);
  });

  describe("adopts sessions of who is on the allowlist, and a removal", () => {
    const from = (text: string, remotePort: number, localPort = 22) => {
      const address = parseAddress(text);
      if (address === undefined) throw new Error(text);
      return { remote: address, remotePort, localPort };
    };
    const adopt = async (what: string, ...sessions: Session[]): Promise<void> => {
      await ask("allow_add", { what });
      t.sessions = sessions;
      await ask("firewall_apply", { now: true });
    };

    it.each([
      ["203.0.113.0/24", "203.0.113.9", "4"],
      ["203.0.113.9", "203.0.113.9", "4"],
      ["2001:db8:7::/48", "2001:db8:7:1::9", "6"],
      ["2001:db8:7:1::/64", "2001:db8:7:1::9", "6"],
    ])("of %s cuts those inside it, and no others", async (what, inside, family) => {
      await adopt(what, from(inside, 50_000), from(inside, 50_001, 80), from("192.0.2.50", 50_002));
      expect(await t.keys(`adopted${family}`)).toContain(`${inside} . 50000 . 22`);
      await ask("allow_remove", { what });
      expect([...(await t.keys("adopted4")), ...(await t.keys("adopted6"))]).toEqual([
        "192.0.2.50 . 50002 . 22",
      ]);
      expect(await t.keys(`revoked${family}`)).toEqual([inside]);
      expect(t.cuts).toContainEqual(expect.objectContaining({ address: inside }));
      expect(t.cuts).not.toContainEqual(expect.objectContaining({ address: "192.0.2.50" }));
      await t.restart();
      await t.gate.adopt();
      expect(await t.keys("adopted4")).toEqual(["192.0.2.50 . 50002 . 22"]);
    });

    it("leaves them when asked to, and what a grant or a wider entry lets in", async () => {
      const network = "203.0.113.0/24";
      await adopt(network, from("203.0.113.9", 50_000));
      await ask("allow_remove", { what: network, keep_sessions: true });
      expect(await t.keys("adopted4")).toEqual(["203.0.113.9 . 50000 . 22"]);
      await ask("allow_add", { what: network });
      await ask("allow_add", { what: "203.0.112.0/20" });
      await ask("allow_remove", { what: network });
      await ask("grant", { address: "203.0.113.9" });
      await ask("allow_remove", { what: "203.0.112.0/20" });
      expect(await t.keys("adopted4")).toEqual(["203.0.113.9 . 50000 . 22"]);
      expect(t.cuts).toEqual([]);
    });

    it("of an entry for other services leaves them", async () => {
      await adopt("203.0.113.0/24", from("203.0.113.9", 50_000), from("203.0.113.9", 50_001, 80));
      await ask("allow_add", { what: "203.0.113.0/24", services: ["sip"] });
      await ask("allow_remove", { what: "203.0.113.0/24" });
      expect(await t.keys("adopted4")).toHaveLength(2);
      expect(t.cuts).toEqual([]);
    });
  });

  it("does not adopt sessions to ports that were guarded before: those go by their grant", async () => {
    if (remote === undefined) throw new Error("no address");
    await ask("firewall_apply", { now: true });
    t.sessions = [{ remote, remotePort: 50_000, localPort: 22 }];
    await t.restart({
      settings: settings({ firewall: { guard: "services" }, access: { on_expiry: "cut" } }),
    });
    await t.gate.adopt();
    await ask("firewall_apply", { now: true });
    expect(await t.keys("adopted4")).toEqual([]);
  });

  it("is taken back whole when the kernel refuses it", async () => {
    t.firewall.failNext({ ok: false, why: "refused", message: "bad rule" });
    await expect(ask("firewall_apply", { now: true })).rejects.toMatchObject({ code: "broken" });
    expect(t.gate.state.firewall.confirmed?.guard).toBe("nothing");
    await t.gate.heal();
    expect((await ask("status", {})).firewall).toMatchObject({ state: "ok", guard: "nothing" });
  });

  it("leaves nothing behind on teardown, and closes nothing until the next apply", async () => {
    await ask("firewall_teardown", {});
    expect(await t.firewall.state()).toEqual({ state: "missing" });
    await t.gate.heal();
    expect(await t.firewall.state()).toEqual({ state: "missing" });
    await new Promise(setImmediate);
    expect(t.boots.at(-1)).toBeUndefined();
    await ask("firewall_apply", { confirm: 60 });
    expect((await ask("status", {})).firewall).toMatchObject({ state: "trial", guard: "services" });
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { days, hours, milliseconds, seconds } from "../../src/shared/duration.ts";
import type { Change, Element, Firewall, TablePlan } from "../../src/shared/firewall/firewall.ts";
import type { Policy } from "../../src/shared/firewall/policy.ts";
import { HOST_PREFIXES } from "../../src/shared/network.ts";
import { policy } from "../helpers/policy.ts";

/** A Firewall under test, with what the suite may do behind its back. */
export interface Bench {
  readonly firewall: Firewall;
  /** Waits until the condition holds, moving the clock; fails after 5 s of it. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>;
  /** Somebody else removes every table. */
  flush(): Promise<void>;
  /** Somebody else puts an element; `ttl` Infinity: a permanent one. */
  foreignPut(element: Element): Promise<void>;
  /** Somebody else changes a rule of ours. */
  alterRules(): Promise<void>;
  close(): Promise<void>;
}

export const plan: TablePlan = {
  owner: "/var/lib/knockline",
  current: policy,
  knockUdp: [7001, 9003, 8002],
  knockTcp: [7101],
  prefixes: [...HOST_PREFIXES, { family: 4, length: 24 }, { family: 6, length: 33 }],
};

const put = (set: string, key: string, ttl = seconds(60), comment?: string): Change => ({
  op: "put",
  set,
  key,
  ttl,
  ...(comment === undefined ? {} : { comment }),
});
/** A promise that a test settles. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = () => {};
  let reject = (_error: Error) => {};
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

const drop = (set: string, key: string): Change => ({ op: "drop", set, key });
const names = (elements: readonly Element[]): string[] =>
  elements.map(({ set, key }) => `${set} ${key}`).sort();

/** The behaviour of every Firewall. `open` makes a fresh one on an empty filter. */
export function firewallContract(name: string, open: () => Promise<Bench>): void {
  describe(`${name} is a Firewall`, () => {
    let bench: Bench;
    let firewall: Firewall;
    beforeEach(async () => {
      bench = await open();
      firewall = bench.firewall;
    });
    afterEach(async () => bench?.close());

    const keys = async (...sets: string[]): Promise<string[]> => names(await firewall.elements(sets));
    const installed = async (): Promise<void> => expect(await firewall.install(plan)).toEqual({ ok: true });

    it("says that the table is missing, then that it is there as installed", async () => {
      expect(await firewall.state()).toEqual({ state: "missing" });
      await installed();
      const drops = { scanner: 0, rate: 0, global: 0 };
      expect(await firewall.state()).toEqual({ state: "ok", owner: plan.owner, drops });
      expect(await firewall.reported()).toBe(0);
    });

    it("is proved to answer before and after its first install, and nothing is changed by that", async () => {
      await firewall.probe();
      expect(await firewall.state()).toEqual({ state: "missing" });
      await installed();
      await firewall.probe();
      expect((await firewall.state()).state).toBe("ok");
    });

    it("keeps the elements of grants when a plan is installed again", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1"), put("ssh6n", "2001:db8:1:2::")]);
      await installed();
      expect(await keys("ssh4", "ssh6n")).toEqual(["ssh4 192.0.2.1", "ssh6n 2001:db8:1:2::"]);
      expect((await firewall.state()).state).toBe("ok");
    });

    it("makes the knock ports those of the plan", async () => {
      await installed();
      expect(await keys("knock_udp", "knock_tcp")).toEqual([
        "knock_tcp 7101",
        "knock_udp 7001",
        "knock_udp 8002",
        "knock_udp 9003",
      ]);
      await firewall.install({ ...plan, knockUdp: [], knockTcp: [] });
      expect(await keys("knock_udp", "knock_tcp")).toEqual([]);
    });

    it("has sets for the allowlist's prefixes, whose elements may be permanent and overlap", async () => {
      await installed();
      const forever = milliseconds(Infinity);
      const changes = [
        put("allow4_24", "192.0.2.0", forever, "a provider"),
        put("allow4_32", "192.0.2.9", seconds(60)),
        put("ssh6_33", "2001:db8:8000::", forever),
        put("kept4_24", "192.0.2.0", seconds(60)),
      ];
      expect(await firewall.change(changes)).toEqual({ ok: true });
      const held = await firewall.elements(["allow4_24", "allow4_32", "ssh6_33"]);
      expect(held.map(({ set, key, ttl }) => [set, key, ttl === forever])).toEqual([
        ["allow4_24", "192.0.2.0", true],
        ["allow4_32", "192.0.2.9", false],
        ["ssh6_33", "2001:db8:8000::", true],
      ]);
      await firewall.change([
        put("allow4_24", "192.0.2.0", seconds(9)),
        put("allow4_32", "192.0.2.9", forever),
      ]);
      const [ending, staying] = await firewall.elements(["allow4_24", "allow4_32"]);
      expect([ending?.ttl !== forever, staying?.ttl]).toEqual([true, forever]);
    });

    it("makes sets for a prefix that is new, and removes those of one that is gone, with what was in them", async () => {
      await installed();
      await firewall.change([put("allow4_24", "192.0.2.0")]);
      const prefixes = [...HOST_PREFIXES, { family: 4, length: 0 } as const];
      expect(await firewall.install({ ...plan, prefixes })).toEqual({ ok: true });
      expect(await firewall.change([put("allow4_0", "0.0.0.0")])).toEqual({ ok: true });
      expect(await keys("allow4_24", "allow4_0")).toEqual(["allow4_0 0.0.0.0"]);
    });

    it("removes the sets and chains of services and candidates that are in the plan no more", async () => {
      const candidate: Policy = { ...policy, guard: "everything", hooks: ["input", "forward"] };
      expect(await firewall.install({ ...plan, candidate })).toEqual({ ok: true });
      await firewall.change([put("rtp4", "192.0.2.1"), put("trial", "ipv4")]);
      const current = { ...policy, services: policy.services.filter(({ name }) => name !== "rtp") };
      expect(await firewall.install({ ...plan, current })).toEqual({ ok: true });
      expect(await firewall.change([put("rtp4", "192.0.2.1")])).toMatchObject({ ok: false, why: "missing" });
      expect((await firewall.state()).state).toBe("ok");
    });

    it("keeps a trial through a new install of its candidate, and ends it with one without", async () => {
      const candidate: Policy = { ...policy, guard: "everything" };
      await firewall.install({ ...plan, candidate });
      await firewall.change([put("trial", "ipv4"), put("trial", "ipv6")]);
      await firewall.install({ ...plan, candidate });
      expect(await keys("trial")).toEqual(["trial ipv4", "trial ipv6"]);
      await firewall.install(plan);
      expect(await keys("trial")).toEqual([]);
    });

    it("refuses the table of another owner, to install and to remove", async () => {
      await installed();
      expect(await firewall.install({ ...plan, owner: "/srv/other" })).toMatchObject({
        ok: false,
        why: "foreign",
      });
      expect(await firewall.remove("/srv/other")).toMatchObject({ ok: false, why: "foreign" });
      expect((await firewall.state()).state).toBe("ok");
    });

    it("refuses an owner that cannot be written into a comment", async () => {
      for (const owner of ['/a"b', "/a\nb", `/${"x".repeat(130)}`]) {
        expect(await firewall.install({ ...plan, owner })).toMatchObject({ ok: false, why: "refused" });
      }
      expect(await firewall.state()).toEqual({ state: "missing" });
      expect(await firewall.install({ ...plan, owner: `/${"x".repeat(116)}` })).toEqual({ ok: true });
    });

    it("removes the table, also when there is none", async () => {
      await installed();
      expect(await firewall.remove(plan.owner)).toEqual({ ok: true });
      expect(await firewall.remove(plan.owner)).toEqual({ ok: true });
      expect(await firewall.state()).toEqual({ state: "missing" });
    });

    it("gives keys back as they were put", async () => {
      await installed();
      const given: [string, string][] = [
        ["adopted4", "192.0.2.1 . 51234 . 22"],
        ["adopted6", "2001:db8::1 . 51234 . 22"],
        ["ssh4", "192.0.2.1"],
        ["ssh6", "2001:db8:0:1:1:1:1:1"],
        ["ssh6", "2001:db8::1"],
        ["ssh6", "::102:304"],
        ["ssh6n", "2001:db8:1:2::"],
        ["trial", "ipv6"],
      ];
      const changes = given.map(([set, key]) => put(set, key));
      expect(await firewall.change(changes)).toEqual({ ok: true });
      expect(await keys(...new Set(given.map(([set]) => set)))).toEqual(
        given.map((one) => one.join(" ")).sort(),
      );
    });

    it("puts a longer and a shorter time, and a comment for people", async () => {
      await installed();
      for (const ttl of [seconds(60), days(5), seconds(30)]) {
        await firewall.change([put("ssh4", "192.0.2.1", ttl, 'anna "g12" \n; x')]);
        const [element] = await firewall.elements(["ssh4"]);
        expect(element?.comment).toBe("anna _g12_ __ x");
        expect(element?.ttl).toBeGreaterThan(ttl - 5_000);
        expect(element?.ttl).toBeLessThanOrEqual(ttl);
      }
    });

    it("puts the time that was asked for on what is there and on what is not", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1", seconds(60))]);
      const both = [put("ssh4", "192.0.2.1", seconds(30)), put("ssh4", "192.0.2.2", seconds(30))];
      expect(await firewall.change(both)).toEqual({ ok: true });
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.1", "ssh4 192.0.2.2"]);
      for (const { ttl } of await firewall.elements(["ssh4"])) expect(ttl).toBeLessThanOrEqual(seconds(30));
    });

    it("lets an element end by itself, also one with no time left", async () => {
      await installed();
      await firewall.change([
        put("ssh4", "192.0.2.1", milliseconds(300)),
        put("ssh4", "192.0.2.2", milliseconds(0)),
      ]);
      await bench.until("both have ended", async () => (await firewall.elements(["ssh4"])).length === 0);
    });

    it("rehearses a change without any effect, whatever it is", async () => {
      await firewall.install(plan);
      await firewall.change([put("ssh4", "192.0.2.1")]);
      firewall.rehearse([put("ssh4", "192.0.2.2"), drop("ssh4", "192.0.2.1")]);
      firewall.rehearse([
        put("no set of ours", "no key"),
        put("ssh4", "192.0.2.3", milliseconds(Number.NaN)),
      ]);
      firewall.rehearse([]);
      expect(names(await firewall.elements(["ssh4"]))).toEqual(["ssh4 192.0.2.1"]);
      expect(await firewall.change([put("ssh4", "192.0.2.2")])).toEqual({ ok: true });
    });

    it("drops what is there and what is not", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1"), put("ssh4", "192.0.2.2")]);
      expect(await firewall.change([drop("ssh4", "192.0.2.1"), drop("ssh4", "192.0.2.3")])).toEqual({
        ok: true,
      });
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.2"]);
    });

    it("applies changes in order", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1"), drop("ssh4", "192.0.2.1"), put("ssh4", "192.0.2.2")]);
      await firewall.change([drop("ssh4", "192.0.2.2"), put("ssh4", "192.0.2.2", seconds(9))]);
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.2"]);
    });

    it("applies all changes or none", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1")]);
      const outcome = await firewall.change([drop("ssh4", "192.0.2.1"), put("nosuch4", "192.0.2.1")]);
      expect(outcome).toMatchObject({ ok: false, why: "missing" });
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.1"]);
    });

    it("holds changes back until what they wait for has happened", async () => {
      await installed();
      const disk = deferred();
      const outcome = firewall.change([put("ssh4", "192.0.2.1")], disk.promise);
      expect(await keys("ssh4")).toEqual([]);
      disk.resolve();
      expect(await outcome).toEqual({ ok: true });
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.1"]);
    });

    it("changes nothing when what they wait for fails, and goes on", async () => {
      await installed();
      const disk = deferred();
      const outcome = firewall.change([put("ssh4", "192.0.2.1")], disk.promise);
      disk.reject(new Error("the disk is full"));
      await expect(outcome).rejects.toThrow("the disk is full");
      expect(await firewall.change([put("ssh4", "192.0.2.2")])).toEqual({ ok: true });
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.2"]);
    });

    it("refuses keys and names that are no such thing, before they reach the kernel", async () => {
      await installed();
      const bad: Change[] = [
        put("ssh4", "example.com"),
        put("ssh4", "192.0.2.300"),
        put("ssh4", "192.0.2.1 }; flush ruleset; add element inet x y { 1"),
        put("ssh4 }", "192.0.2.1"),
        put("ssh6", "2001:DB8::1"),
        put("ssh4", "2001:db8::1"),
        put("ssh4", "192.0.2.1", milliseconds(Infinity)),
        put("kept4_24", "192.0.2.0", milliseconds(Infinity)),
        put("allow4_24", "192.0.2.0", milliseconds(Number.NaN)),
        put("knock_udp", "7001"),
      ];
      for (const change of bad) {
        expect(await firewall.change([change]), JSON.stringify(change)).toMatchObject({
          ok: false,
          why: "refused",
        });
      }
      expect(await keys("ssh4", "ssh6")).toEqual([]);
    });

    it("answers many concurrent changes, each rightly", async () => {
      await installed();
      const outcomes = await Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          firewall.change([put(i % 3 === 2 ? "nosuch4" : "ssh4", `10.0.${i >> 8}.${i & 255}`)]),
        ),
      );
      expect(outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.why))).toEqual(
        outcomes.map((_, i) => (i % 3 === 2 ? "missing" : "ok")),
      );
      expect((await firewall.elements(["ssh4"])).length).toBe(200);
    });

    it("says when a set is full, and still renews and drops what is in it", async () => {
      await installed();
      const all = Array.from({ length: 65_536 }, (_, i) =>
        put("ssh4", `10.1.${i >> 8}.${i & 255}`, hours(1)),
      );
      expect(await firewall.change(all)).toEqual({ ok: true });
      expect(await firewall.change([put("ssh4", "192.0.2.1")])).toMatchObject({ ok: false, why: "full" });
      expect(await firewall.change([put("ssh4", "10.1.0.7", hours(2))])).toEqual({ ok: true });
      expect(await firewall.change([drop("ssh4", "10.1.0.7")])).toEqual({ ok: true });
      expect(await firewall.change([drop("ssh4", "10.1.0.8"), put("ssh4", "192.0.2.1")])).toEqual({
        ok: true,
      });
      expect((await firewall.elements(["ssh4"])).length).toBe(65_535);
    }, 30_000);

    it("tells by its generation whether anybody has changed anything", async () => {
      const seen = [await firewall.generation()];
      const isAnother = async (): Promise<boolean> => {
        seen.push(await firewall.generation());
        return seen.at(-1) !== seen.at(-2);
      };
      await installed();
      expect(await isAnother()).toBe(true);
      expect(await isAnother()).toBe(false);
      await firewall.change([put("ssh4", "192.0.2.1", milliseconds(200))]);
      expect(await isAnother()).toBe(true);
      await firewall.state();
      await firewall.elements(["ssh4"]);
      await firewall.probe();
      await firewall.change([]);
      await bench.until("it is over", async () => (await keys("ssh4")).length === 0);
      expect(await isAnother()).toBe(false);
      await bench.foreignPut({ set: "ssh4", key: "192.0.2.2", ttl: seconds(60) });
      expect(await isAnother()).toBe(true);
      await bench.alterRules();
      expect(await isAnother()).toBe(true);
      await bench.flush();
      expect(await isAnother()).toBe(true);
    });

    it("counts sets that do not exist as empty", async () => {
      expect(await firewall.elements(["ssh4"])).toEqual([]);
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1"), put("sip4", "192.0.2.2")]);
      expect(await keys("ssh4", "nosuch4", "sip4")).toEqual(["sip4 192.0.2.2", "ssh4 192.0.2.1"]);
      expect(await firewall.elements([])).toEqual([]);
    });

    it("shows elements that somebody made permanent, and can put a time to them", async () => {
      await installed();
      const stolen = { set: "ssh4", key: "192.0.2.66", ttl: milliseconds(Infinity) };
      await bench.foreignPut(stolen);
      expect(await firewall.elements(["ssh4"])).toEqual([stolen]);
      await firewall.change([put("ssh4", "192.0.2.66", seconds(5))]);
      expect((await firewall.elements(["ssh4"]))[0]?.ttl).toBeLessThanOrEqual(5_000);
    });

    it("cannot change what is missing", async () => {
      expect(await firewall.change([put("ssh4", "192.0.2.1")])).toMatchObject({ ok: false, why: "missing" });
      expect(await firewall.change([])).toEqual({ ok: true });
    });

    it("notices rules that somebody altered, and mends them", async () => {
      await installed();
      await firewall.change([put("ssh4", "192.0.2.1")]);
      await bench.alterRules();
      expect((await firewall.state()).state).toBe("altered");
      await installed();
      expect((await firewall.state()).state).toBe("ok");
      expect(await keys("ssh4")).toEqual(["ssh4 192.0.2.1"]);
    });

    it("calls back when somebody else touches the table, and not for its own changes", async () => {
      await installed();
      let calls = 0;
      const stop = firewall.watch(() => calls++);
      const noticed = async (what: string, meddle: () => Promise<void>): Promise<void> => {
        const before = calls;
        await bench.until(what, async () => {
          if (calls === before) await meddle();
          return calls > before;
        });
      };
      let n = 0; // another element each time: one that is there already is no change
      await noticed("a foreign element", () =>
        bench.foreignPut({ set: "ssh4", key: `192.0.2.${++n}`, ttl: seconds(60) }),
      );
      const settled = calls;
      for (let i = 0; i < 50; i++)
        await firewall.change([put("ssh4", `10.0.0.${i}`), drop("ssh4", "192.0.2.66")]);
      await installed();
      expect(calls - settled).toBeLessThanOrEqual(1);
      await noticed("a flush", async () => {
        await installed();
        await bench.flush();
      });
      stop();
    });
  });
}

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { openNft } from "../../src/shared/firewall/adapters/nft.ts";
import {
  type Element,
  type Firewall,
  FirewallError,
  type TablePlan,
} from "../../src/shared/firewall/firewall.ts";
import { networkSet } from "../../src/shared/firewall/networks.ts";
import { bootText, rulesetText } from "../../src/shared/firewall/ruleset.ts";
import { needs } from "../helpers/needs.ts";
import { policy } from "../helpers/policy.ts";
import { until } from "../helpers/wait.ts";
import { type Bench, firewallContract, plan } from "./firewall.suite.ts";
import { type Netns, openNetns } from "./firewall-netns.ts";

async function openBench(): Promise<Bench> {
  const netns = await openNetns();
  const nft = (text: string): string => netns.run(["nft", "-f", "-"], `${text}\n`);
  const firewall = openNft({ command: [...netns.enter, "nft"] });
  return {
    firewall,
    until: async (what, condition) => void (await until(condition, { what })),
    flush: async () => void nft("flush ruleset"),
    foreignPut: async ({ set, key, ttl }) => {
      const timeout = Number.isFinite(ttl) ? ` timeout ${ttl}ms` : "";
      nft(`add element inet knockline ${set} { ${key}${timeout} }`);
    },
    alterRules: async () => void nft("insert rule inet knockline guard accept"),
    close: async () => {
      await firewall.close();
      await netns.close();
    },
  };
}

/** @returns the ids of this process's own children that run a command. */
function childrenRunning(command: string): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")
    .trim()
    .split(" ");
  const runs = (pid: string): string =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
  return children.filter((pid) => pid !== "" && runs(pid) === command).map(Number);
}

const { describe, test } = needs("root", "namespaces", "nft", "nsenter");

describe("nftables", () => firewallContract("nftables", openBench));

const plans: Record<string, TablePlan> = {
  nothing: { ...plan, current: { ...policy, guard: "nothing" } },
  services: plan,
  everything: { ...plan, current: { ...policy, guard: "everything", hooks: ["input", "forward"] } },
  "cut on expiry": { ...plan, current: { ...policy, onExpiry: "cut" } },
  "nothing at all": {
    owner: "/x",
    current: { ...policy, services: [], public: [], trustedInterfaces: [] },
    knockUdp: [],
    knockTcp: [],
    prefixes: [],
  },
};

const forever = milliseconds(Number.POSITIVE_INFINITY);

/** One permanent element a set of the allowlist, and one with an end, which is not for the boot text. */
const allowed = ({ prefixes }: TablePlan): Element[] =>
  prefixes.flatMap((prefix) => [
    { set: networkSet("allow", prefix), key: prefix.family === 4 ? "192.0.2.0" : "2001:db8::", ttl: forever },
    { set: networkSet("live", prefix), key: prefix.family === 4 ? "0.0.0.0" : "::", ttl: seconds(5) },
  ]);

describe("nftables accepts", () => {
  let netns: Netns;
  beforeAll(async () => {
    netns = await openNetns();
  });
  afterAll(async () => netns.close());

  for (const [name, one] of Object.entries(plans)) {
    test(`the ruleset, the boot text and a candidate of guard ${name}`, () => {
      const candidate = { ...one, candidate: { ...policy, guard: "everything" as const, mark: 0x80000000 } };
      for (const text of [rulesetText(one), bootText(one, allowed(one)), rulesetText(candidate)]) {
        expect(netns.run(["nft", "-c", "-f", "-"], text)).toBe("");
      }
    });
  }
});

describe("nftables only", () => {
  let netns: Netns;
  let firewall: Firewall;
  beforeAll(async () => {
    netns = await openNetns();
    firewall = openNft({ command: [...netns.enter, "nft"] });
  });
  afterAll(async () => {
    await firewall?.close();
    await netns?.close();
  });

  test("makes the table anew when a set of another shape is in the way, and says so", async () => {
    await firewall.install(plan);
    netns.run(["nft", "delete table inet knockline"]);
    netns.run(["nft", "-f", "-"], `add table inet knockline { comment "knockline ${plan.owner}" ; }\n`);
    netns.run(["nft", "add set inet knockline ssh4 { type ipv6_addr ; }"]);
    expect(await firewall.install(plan)).toEqual({ ok: true, rebuilt: true });
    expect((await firewall.state()).state).toBe("ok");
  });

  test("refuses a table that names no owner", async () => {
    netns.run(["nft", "delete table inet knockline; add table inet knockline"]);
    expect(await firewall.state()).toEqual({ state: "foreign", owner: "" });
    expect(await firewall.install(plan)).toMatchObject({ ok: false, why: "foreign" });
    netns.run(["nft", "delete table inet knockline"]);
  });

  test("does not let an element live longer because it had to wait", async () => {
    await firewall.install(plan);
    const late = { op: "put", set: "ssh4", key: "192.0.2.7", ttl: milliseconds(1_500) } as const;
    const asked = performance.now();
    expect(await firewall.change([late], after(700))).toEqual({ ok: true });
    const [element] = await firewall.elements(["ssh4"]);
    expect(element?.ttl).toBeLessThanOrEqual(1_500 - (performance.now() - asked) + 100);
  });

  test("carries out nothing of a line whose end it never gets", async () => {
    await firewall.install(plan);
    // what a session hands ahead, and then our death: at the end of its input nft takes the rest for a line
    const line = "add element inet knockline ssh4 { 192.0.2.66 timeout 60s }";
    const [enter = "", ...args] = netns.enter;
    const orphan = spawnSync(enter, [...args, "nft", "-i"], { input: line.slice(0, -1), encoding: "utf8" });
    expect(orphan.stderr).toContain("syntax error");
    expect((await firewall.elements(["ssh4"])).map(({ key }) => key)).not.toContain("192.0.2.66");
  });

  test("goes on when its nft child is killed, for every change", async () => {
    await firewall.install(plan);
    const put = { op: "put", set: "ssh4", key: "192.0.2.1", ttl: policy.keepMax } as const;
    for (let i = 0; i < 5; i++) {
      expect(await firewall.change([put])).toEqual({ ok: true });
      for (const pid of childrenRunning("nft -i")) process.kill(pid, "SIGKILL");
      expect(await firewall.change([put])).toEqual({ ok: true });
    }
  });

  test("is proved again as soon as its nft child was replaced", async () => {
    await firewall.probe();
    for (const pid of childrenRunning("nft -i")) process.kill(pid, "SIGKILL");
    await firewall.probe();
  });
});

test("a session that cannot start is no proof", async () => {
  const firewall = openNft({ command: ["/nonexistent/nft"] });
  await expect(firewall.probe()).rejects.toThrow(FirewallError);
});

test("a missing nft is an error with its cure", async () => {
  const asked = openNft({ command: ["/nonexistent/nft"] }).state();
  await expect(asked).rejects.toThrow(FirewallError);
  await expect(asked).rejects.toMatchObject({ cure: expect.stringContaining("apt-get install nftables") });
});

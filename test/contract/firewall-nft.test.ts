import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { days, milliseconds, seconds } from "../../src/shared/duration.ts";
import { openNft } from "../../src/shared/firewall/adapters/nft.ts";
import {
  type Change,
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
  const firewall = openNft(netns.way);
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
    firewall = openNft(netns.way);
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

  test("writes elements that nft reads as its own: keys of every kind, times and comments", async () => {
    await firewall.remove(plan.owner);
    await firewall.install({ ...plan, candidate: plan.current });
    const put = (set: string, key: string, comment?: string): Change => ({
      op: "put",
      set,
      key,
      ttl: days(2),
      ...(comment !== undefined && { comment }),
    });
    const keys = {
      ssh4: "192.0.2.1",
      ssh6n: "2001:db8:1:2::",
      adopted4: "192.0.2.1 . 51234 . 22",
      adopted6: "2001:db8::1 . 51234 . 22",
      trial: "ipv6",
    };
    const changes = Object.entries(keys).map(([set, key]) => put(set, key, "ann g12"));
    expect(await firewall.change(changes)).toEqual({ ok: true });
    for (const [set, key] of Object.entries(keys)) {
      const listed = netns.run(["nft", "-n", "list", "set", "inet", "knockline", set]);
      const read = /elements = \{ (.*) timeout (\S+) expires \S+ comment "ann g12" \}/.exec(listed);
      expect(read?.[1]?.replace(/\b10\b/, "ipv6"), listed).toBe(key);
      expect(read?.[2]).toMatch(/^(172800|17279\d)s$/);
    }
    expect((await firewall.elements(Object.keys(keys))).map(({ set, key }) => [set, key])).toEqual(
      Object.entries(keys),
    );
  });

  test("shows and drops what only somebody else can have put: an address of a kind of its own, and every address", async () => {
    await firewall.install(plan);
    const meddle = "{ ::ffff:192.0.2.1 timeout 60s, * timeout 60s }";
    netns.run(["nft", `add element inet knockline ssh6 ${meddle}`]);
    const found = await firewall.elements(["ssh6"]);
    expect(found.map(({ key }) => key).sort()).toEqual(["*", "0x00000000000000000000ffffc0000201"]);
    expect(await firewall.change(found.map(({ set, key }) => ({ op: "drop", set, key })))).toEqual({
      ok: true,
    });
    expect(await firewall.elements(["ssh6"])).toEqual([]);
    for (const { set, key } of found) {
      const back: Change = { op: "put", set, key, ttl: seconds(60) };
      expect(await firewall.change([back])).toMatchObject({ ok: false, why: "refused" });
    }
  });

  test("says what is wrong with a change that is refused ten thousand times over", async () => {
    const all = Array.from({ length: 10_000 }, (_, i): Change => {
      return { op: "put", set: "nosuch4", key: `10.1.${i >> 8}.${i & 255}`, ttl: seconds(600) };
    });
    expect(await firewall.change(all)).toMatchObject({ ok: false, why: "missing" });
  });

  test("lists a set while somebody else changes it, and whole when the kernel has made room for it", async () => {
    await firewall.install(plan);
    const all = Array.from({ length: 20_000 }, (_, i): Change => {
      return { op: "put", set: "sip4", key: `10.1.${i >> 8}.${i & 255}`, ttl: seconds(600) };
    });
    await firewall.change(all);
    const listing = firewall.elements(["sip4"]);
    for (let n = 0; n < 10; n++) await firewall.change(all.slice(n, n + 1));
    const wanted = new Set(all.map(({ key }) => key));
    expect((await listing).filter(({ key }) => !wanted.has(key))).toEqual([]);
    const isWhole = async (): Promise<boolean> =>
      new Set((await firewall.elements(["sip4"])).map(({ key }) => key)).size === all.length;
    await until(isWhole, { what: "the listing is whole" });
  });
});

test("a namespace that is not there is an error, and no proof", async () => {
  const firewall = openNft({ netns: "/nonexistent" });
  await expect(firewall.probe()).rejects.toThrow("/nonexistent");
});

test("a missing nft is an error with its cure", async () => {
  const asked = openNft({ command: ["/nonexistent/nft"] }).state();
  await expect(asked).rejects.toThrow(FirewallError);
  await expect(asked).rejects.toMatchObject({ cure: expect.stringContaining("apt-get install nftables") });
});

test("an nft that fails is an error, and does not pass for an empty ruleset", async () => {
  const says = "echo 'src/mnl.c:64: Unable to initialize Netlink socket: Protocol not supported' >&2; exit 3";
  const asked = openNft({ command: ["sh", "-c", says] }).state();
  await expect(asked).rejects.toThrow(FirewallError);
  await expect(asked).rejects.toThrow("Protocol not supported");
});

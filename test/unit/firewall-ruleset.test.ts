import { describe, expect, it } from "vitest";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { FirewallError, type TablePlan } from "../../src/shared/firewall/firewall.ts";
import type { Policy } from "../../src/shared/firewall/policy.ts";
import { bootText, removalText, rulesetText, tableNames } from "../../src/shared/firewall/ruleset.ts";
import { HOST_PREFIXES } from "../../src/shared/network.ts";
import { policy } from "../helpers/policy.ts";

const plan: TablePlan = {
  owner: "/var/lib/knockline",
  current: policy,
  knockUdp: [9003, 7001, 8002, 7001],
  knockTcp: [8102, 7101, 8102],
  prefixes: [...HOST_PREFIXES, { family: 4, length: 24 }, { family: 6, length: 64 }],
};

const forever = milliseconds(Number.POSITIVE_INFINITY);
const allowed = [
  { set: "allow4_24", key: "192.0.2.0", ttl: forever },
  { set: "allow4_24", key: "198.51.100.0", ttl: forever, comment: "sip.example.com" },
  { set: "allow4_32", key: "203.0.113.9", ttl: seconds(60) },
  { set: "ssh6_64", key: "2001:db8:9::", ttl: forever },
];

const withPolicy = (change: Partial<Policy>): TablePlan => ({ ...plan, current: { ...policy, ...change } });
const rulesOf = (text: string, chain: string): string[] => {
  const start = `add rule inet knockline ${chain} `;
  return text.split("\n").flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : []));
};

describe("the ruleset, whole", () => {
  const goldens: Record<string, string> = {
    nothing: rulesetText(withPolicy({ guard: "nothing" })),
    services: rulesetText(plan),
    everything: rulesetText(withPolicy({ guard: "everything" })),
    candidate: rulesetText({ ...plan, candidate: { ...policy, guard: "everything", onExpiry: "cut" } }),
    forward: rulesetText(withPolicy({ hooks: ["input", "forward"] })),
    "forward-everything": rulesetText(withPolicy({ guard: "everything", hooks: ["input", "forward"] })),
    boot: bootText({ ...plan, candidate: { ...policy, guard: "everything" } }, allowed),
  };
  for (const [name, text] of Object.entries(goldens)) {
    it(`is as in goldens/${name}.nft`, () => expect(text).toMatchFileSnapshot(`goldens/${name}.nft`));
  }
});

describe("the ruleset", () => {
  it("asks in the order granted, revoked, kept, adopted, cut", () => {
    expect(rulesOf(rulesetText(plan), "current_close_ssh")).toEqual([
      "meta mark & 0x04000000 != 0 accept",
      "goto current_tail",
    ]);
    const sources = rulesOf(rulesetText(plan), "current_tail").map(
      (rule) => /@([a-z]+)/.exec(rule)?.[1] ?? rule,
    );
    expect([...new Set(sources)]).toEqual([
      "meta l4proto != tcp drop",
      "tcp flags & (syn | ack) == syn drop",
      "revoked",
      "kept",
      "adopted",
      "goto cut",
    ]);
  });

  it("keeps no session after its grant when on_expiry is cut", () => {
    expect(rulesOf(rulesetText(withPolicy({ onExpiry: "cut" })), "current_tail").join()).not.toContain(
      "@kept",
    );
  });

  it("uses the mark bit of each policy, and leaves the host's other bits alone", () => {
    const text = rulesetText({ ...withPolicy({ mark: 0x80000000 }), candidate: { ...policy, mark: 1 } });
    expect(rulesOf(text, "current_admit")[0]).toBe("meta mark set meta mark & 0x7fffffff | 0x80000000");
    expect(rulesOf(text, "candidate_admit")[0]).toBe("meta mark set meta mark & 0xfffffffe | 0x00000001");
  });

  it("enters a candidate only through the trial set", () => {
    const text = rulesetText({ ...plan, candidate: policy });
    const entries = text
      .split("\n")
      .filter((line) => /^add rule inet knockline (?!candidate)\w+ .*candidate/.test(line));
    expect(entries).toEqual([
      "add rule inet knockline marks meta nfproto @trial goto candidate_mark",
      "add rule inet knockline guard meta nfproto @trial goto candidate_close",
    ]);
    expect(rulesetText(plan)).not.toContain("candidate");
  });

  it("has the sets of the services of both policies", () => {
    const candidate = { ...policy, services: [{ name: "iax", ports: [], replies: false }] };
    expect(tableNames({ ...plan, candidate }).sets).toEqual(
      expect.arrayContaining(["ssh4", "ssh6", "ssh6n", "iax4", "iax6", "iax6n"]),
    );
  });

  it("hides closed ports only while knock ports are bound", () => {
    expect(rulesOf(rulesetText(plan), "hush")).toHaveLength(3);
    const none = rulesetText({ ...plan, knockUdp: [] });
    expect(["hush", "hush4", "hush6"].flatMap((chain) => rulesOf(none, chain))).toEqual([]);
  });

  it("asks a packet that keeps its port one question about DNAT, whatever the number of services", () => {
    for (const guard of ["services", "everything"] as const) {
      const text = rulesetText(withPolicy({ guard, public: [] }));
      const asks = rulesOf(text, "current_close").filter((rule) => rule.includes("dnat"));
      expect(asks).toEqual(["ct status dnat ct direction original jump current_dialled"]);
      expect(rulesOf(text, "current_dialled")).toHaveLength(4);
    }
  });

  it("reports TCP knocks and never drops one, and needs nfnetlink_log only where there are any", () => {
    const text = rulesetText(plan);
    const verdicts = ["syn", "syn_ok"]
      .flatMap((chain) => rulesOf(text, chain))
      .map((rule) => rule.split(" ").at(-1));
    expect(new Set(verdicts)).toEqual(new Set(["syn_ok", "accept", "1"])); // 1: the queue threshold of the log
    expect(rulesetText({ ...plan, knockTcp: [] })).not.toContain("log group");
  });

  it("joins port ranges that overlap or touch, which nft would refuse", () => {
    const ports = [
      { proto: "tcp", from: 30, to: 40 },
      { proto: "tcp", from: 22, to: 22 },
      { proto: "tcp", from: 35, to: 50 },
      { proto: "tcp", from: 51, to: 51 },
    ] as const;
    const text = rulesetText(withPolicy({ services: [{ name: "odd", ports, replies: false }] }));
    expect(rulesOf(text, "current_close")).toContain("tcp dport { 22, 30-51 } goto current_close_odd");
  });

  it("pastes nothing that could end its quotes", () => {
    expect(() => rulesetText({ ...plan, owner: '/x" ; }' })).toThrow(FirewallError);
    expect(() => rulesetText(withPolicy({ trustedInterfaces: ['a"'] }))).toThrow(TypeError);
  });

  it("has no candidate, no knock port and no element but the lasting ones of the allowlist at boot", () => {
    const text = bootText({ ...plan, candidate: policy }, allowed);
    const elements = text.split("\n").filter((line) => line.startsWith("add element"));
    expect(elements.map((line) => line.split(" ")[4])).toEqual(["trusted", "allow4_24", "ssh6_64"]);
    expect(text).not.toContain("candidate");
  });
});

describe("what an earlier plan left", () => {
  it("is emptied, then deleted, chains before the sets they look up", () => {
    const present = { sets: ["ssh4", "old4"], chains: ["guard", "old_a", "old_b"], counters: ["k_old"] };
    expect(removalText(present, plan).trim().split("\n")).toEqual([
      "flush chain inet knockline old_a",
      "flush chain inet knockline old_b",
      "delete chain inet knockline old_a",
      "delete chain inet knockline old_b",
      "delete set inet knockline old4",
      "delete counter inet knockline k_old",
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { audit } from "../../src/knockctl/audit/audit.ts";
import type { Machine, Seen } from "../../src/knockctl/audit/seen.ts";
import type { Finding } from "../../src/knockctl/audit/verdict.ts";
import type { Address } from "../../src/shared/address.ts";
import type { AllowView, PlanView, StatusView, UserView } from "../../src/shared/gate/views.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";
import type { Settings } from "../../src/shared/settings/settings.ts";
import { USER as ALICE, GRANT } from "../helpers/views.ts";

const NOW = Date.parse("2026-08-01T12:00:00Z");

function settingsWith(tables: Record<string, unknown> = {}): Settings {
  const raw = { server: { name: "pbx.example.com" }, firewall: { guard: "services" }, ...tables };
  const decoded = decodeSettings(raw, "/etc/knockline/knockline.toml");
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.errors));
  return decoded.settings;
}

const MACHINE: Machine = {
  firewall: { nft: "", iptables: [], files: [] },
  listeners: [
    { proto: "tcp", address: "0.0.0.0" as Address, port: 22, process: "sshd" },
    { proto: "tcp", address: "::" as Address, port: 22, process: "sshd" },
    { proto: "tcp", address: "127.0.0.1" as Address, port: 3306, process: "mariadbd" },
    { proto: "udp", address: "0.0.0.0" as Address, port: 68, process: "dhclient" },
    { proto: "udp", address: "0.0.0.0" as Address, port: 12_345, process: "knockd" },
  ],
  units: new Map([
    ["knockline-firewall.service", "enabled"],
    ["knockline-knockd.service", "enabled"],
  ]),
  files: [{ path: "/etc/knockline/secret", mode: 0o640, limit: 0o640 }],
  boot: "whole",
  sshd: new Map([
    ["permitrootlogin", "prohibit-password"],
    ["passwordauthentication", "no"],
  ]),
  clockIsSynchronized: true,
  tools: new Set(["nft", "ss", "tcpdump"]),
  receiveBuffer: 4 << 20,
};

const STATUS: StatusView = {
  ok: true,
  knockd: { state: "running", since: null, problems: [] },
  phone: { state: "off" },
  firewall: {
    state: "ok",
    guard: "services",
    accept_mark: null,
    pending: false,
    trial_ends: null,
    drops: null,
  },
  grants: 0,
  allowlist: { entries: 0, names: 0, failing: 0, oldest: null },
};

const USER: UserView = { ...ALICE, name: "ann", proof: "otp", has_otp: true };

const ENTRY: AllowView = {
  what: "sip.provider.example",
  kind: "name",
  addresses: ["198.51.100.4"],
  services: [],
  note: null,
  added: "2026-07-01T12:00:00.000Z",
  age: 60,
  failing: null,
  expires: null,
  left: null,
};

const PLAN: PlanView = {
  same: true,
  changes: [],
  loaded: "ok",
  doors: [],
  stay: { allowlist: 0, trusted_interfaces: [], grants: [], ssh_peers: [] },
  text: "",
};

const CLEAN: Seen = {
  self: "knockctl",
  now: NOW,
  settings: settingsWith(),
  machine: MACHINE,
  status: STATUS,
  plan: PLAN,
  users: [USER],
  grants: [GRANT],
  allowed: [ENTRY],
  problems: [],
  phone: [],
};

const findings = (seen: Seen): Finding[] =>
  audit(seen).flatMap((one) => (one.kind === "finding" ? [one.finding] : []));
const ids = (seen: Seen): string[] => findings(seen).map(({ id }) => id);

const on = (changes: Partial<Machine>): Seen => ({ ...CLEAN, machine: { ...MACHINE, ...changes } });
const firewalled = (changes: Partial<StatusView["firewall"]>): Seen => ({
  ...CLEAN,
  status: { ...STATUS, firewall: { ...STATUS.firewall, ...changes } },
});
const rules = (family: 4 | 6, policy: string, ...lines: string[]) => ({
  kind: "nft" as const,
  family,
  text: ["*filter", `:INPUT ${policy} [0:0]`, ...lines, "COMMIT", ""].join("\n"),
});
const hostRules = (...iptables: ReturnType<typeof rules>[]): Seen =>
  on({ firewall: { nft: "", iptables, files: [] } });

/** A host whose iptables translate by one rule. */
const natted = (rule: string): Seen => {
  const text = `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING ${rule}\nCOMMIT\n`;
  return on({ firewall: { nft: "", files: [], iptables: [{ kind: "nft", family: 4, text }] } });
};
/** What nft lists of a host with one rule. */
const nftRule = (statement: object): string =>
  JSON.stringify({
    nftables: [{ rule: { family: "inet", table: "nat", chain: "pre", handle: 1, expr: [statement] } }],
  });
const MARK = "-A INPUT -m mark --mark 0x4000000/0x4000000 -j ACCEPT";

test("a clean host has no finding, and everything was looked at", () => {
  expect(findings(CLEAN)).toEqual([]);
  expect(audit(CLEAN).filter(({ kind }) => kind === "unseen")).toEqual([]);
});

const FAULTS: Record<string, readonly [Seen, readonly string[]]> = {
  "nothing is closed": [
    { ...firewalled({ guard: "nothing" }), settings: settingsWith({ firewall: { guard: "nothing" } }) },
    ["no-firewall", "reachable-tcp-22"],
  ],
  "mode is mark, and no other firewall is there": [
    {
      ...firewalled({ guard: "nothing" }),
      settings: settingsWith({ firewall: { mode: "mark", guard: "nothing" } }),
    },
    ["no-firewall", "reachable-tcp-22"],
  ],
  "the host closes IPv4 only": [hostRules(rules(4, "DROP", MARK), rules(6, "ACCEPT")), ["ipv6-differs"]],
  "our table is gone": [firewalled({ state: "missing" }), ["table-missing", "reachable-tcp-22"]],
  "our table cannot be asked for": [firewalled({ state: "unknown" }), ["table-unknown", "reachable-tcp-22"]],
  "our table was altered": [firewalled({ state: "altered" }), ["table-altered", "reachable-tcp-22"]],
  "a policy is on trial": [firewalled({ state: "trial", trial_ends: "12:01" }), ["policy-trial"]],
  "settings wait to be applied": [
    { ...CLEAN, plan: { ...PLAN, same: false, changes: ["tcp/80 would close"] } },
    ["policy-pending"],
  ],
  "a rule of the host accepts everybody": [
    hostRules(rules(4, "DROP", MARK, "-A INPUT -j ACCEPT"), rules(6, "DROP", MARK)),
    ["accept-all-4"],
  ],
  "the host lets everybody into a service that only it closes": [
    {
      ...hostRules(
        rules(4, "DROP", MARK, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"),
        rules(6, "DROP", MARK),
      ),
      status: { ...STATUS, firewall: { ...STATUS.firewall, guard: "nothing" } },
    },
    ["accept-ssh-4", "reachable-tcp-22"],
  ],
  "the accept-mark rule is missing": [
    hostRules(rules(4, "DROP"), rules(6, "DROP", MARK)),
    ["accept-mark-missing-iptables-nft-input-ipv4"],
  ],
  "the accept-mark rule is there twice": [
    hostRules(rules(4, "DROP", MARK, MARK), rules(6, "DROP", MARK)),
    ["accept-mark-doubled-iptables-nft-input-ipv4"],
  ],
  "another program uses our bit": [
    hostRules(rules(4, "ACCEPT", "-A INPUT -m mark --mark 0x4000000/0x4000000 -j DROP")),
    ["mark-taken-1"],
  ],
  "ports are published to containers": [
    natted("-p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"),
    ["published-ports"],
  ],
  "a port is redirected on the host itself": [natted("-p tcp --dport 22 -j REDIRECT --to-ports 2222"), []],
  "ports are published by nft": [
    on({ firewall: { nft: nftRule({ dnat: { addr: "172.17.0.2", port: 80 } }), files: [], iptables: [] } }),
    ["published-ports"],
  ],
  "a rule, as of ours, looks at what was translated": [
    on({
      firewall: {
        nft: nftRule({ match: { op: "in", left: { ct: { key: "status" } }, right: "dnat" } }),
        files: [],
        iptables: [],
      },
    }),
    [],
  ],
  "a database listens to the world": [
    on({ listeners: [{ proto: "tcp", address: "0.0.0.0" as Address, port: 3306, process: "mariadbd" }] }),
    ["reachable-tcp-3306"],
  ],
  "knockd is stopped": [
    { ...CLEAN, status: { ...STATUS, knockd: { state: "stopped", since: null, problems: [] } } },
    ["knockd-stopped"],
  ],
  "knockd complains": [
    {
      ...CLEAN,
      status: { ...STATUS, knockd: { state: "running", since: null, problems: ["port 7 is taken"] } },
    },
    ["problem-1"],
  ],
  "units are not enabled": [
    on({ units: new Map([["knockline-knockd.service", "disabled"]]) }),
    ["unit-knockline-firewall", "unit-knockline-knockd"],
  ],
  "the boot file is damaged": [on({ boot: "damaged" }), ["boot-file-damaged"]],
  "a user has no proof": [{ ...CLEAN, users: [{ ...USER, proof: "none" }] }, ["no-proof-ann"]],
  "a user has expired": [
    { ...CLEAN, users: [{ ...USER, expires: "2026-07-31T00:00:00.000Z" }] },
    ["expired-ann"],
  ],
  "ports are years old": [
    {
      ...CLEAN,
      users: [{ ...USER, proof: "none", approval: "phone", ports_since: "2024-01-01T00:00:00.000Z" }],
    },
    ["old-ports-ann"],
  ],
  "a setting covers a user's port": [
    { ...CLEAN, problems: ["user ann: port 12345 lies in service rtp"] },
    ["user-problem-1"],
  ],
  "a door is open for days": [{ ...CLEAN, grants: [{ ...GRANT, left: 200_000 }] }, ["long-grant-g1a2b3c"]],
  "an allowlist entry is very wide": [
    { ...CLEAN, allowed: [{ ...ENTRY, what: "10.0.0.0/8", kind: "network", age: null }] },
    ["wide-10-0-0-0-8"],
  ],
  "a name has stopped to resolve": [
    {
      ...CLEAN,
      allowed: [{ ...ENTRY, failing: { since: "2026-07-01T12:00:00.000Z", why: "no such name" } }],
    },
    ["name-sip.provider.example"],
  ],
  "a secret is readable by others": [
    on({ files: [{ path: "/etc/knockline/secret", mode: 0o644, limit: 0o640 }] }),
    ["mode-secret"],
  ],
  "sshd lets root in with a password": [
    on({
      sshd: new Map([
        ["permitrootlogin", "yes"],
        ["passwordauthentication", "yes"],
      ]),
    }),
    ["sshd-root", "sshd-passwords"],
  ],
  "the clock runs freely": [on({ clockIsSynchronized: false }), ["clock"]],
  "tcpdump is missing where it is used": [
    {
      ...on({ tools: new Set(["nft", "ss"]) }),
      users: [{ ...USER, steps: [{ proto: "tcp", port: 12_345 }] }],
    },
    ["tool-tcpdump"],
  ],
  "the receive buffer is small": [on({ receiveBuffer: 212_992 }), ["receive-buffer"]],
};

describe("the audit finds that", () => {
  for (const [name, [seen, expected]] of Object.entries(FAULTS))
    test(name, () => {
      expect(ids(seen)).toEqual(expected);
    });
});

describe("a fix works as it stands:", () => {
  const fixOf = (seen: Seen, id: string): string | undefined =>
    findings(seen).find((one) => one.id === id)?.fix;

  test("a proof needs a last step by UDP", () => {
    const steps = (["udp", "udp", "tcp"] as const).map((proto, n) => ({ proto, port: 5_000 + 200 * n }));
    const bob = { ...USER, name: "bob", proof: "none" as const };
    const users = [
      { ...bob, steps },
      { ...bob, name: "eve" },
    ];
    expect(fixOf({ ...CLEAN, users }, "no-proof-bob")).toBe(
      "knockctl user set bob --steps udp,udp,udp --proof otp --otp",
    );
    expect(fixOf({ ...CLEAN, users }, "no-proof-eve")).toBe("knockctl user set eve --proof otp --otp");
  });

  test("ports of one program go into one table, and the policy is confirmed", () => {
    const address = "0.0.0.0" as Address;
    const listeners = [8_080, 8_443].map((port) => ({
      proto: "tcp" as const,
      address,
      port,
      process: "nginx",
    }));
    expect(findings(on({ listeners }))).toEqual([
      {
        id: "reachable-tcp-8080-tcp-8443",
        severity: "medium",
        what: "strangers reach nginx on tcp/8080 and tcp/8443 over IPv4",
        why: "it is in no service of ours, and nothing else closes it",
        fix: 'set ports = ["tcp/8080", "tcp/8443"] under [services.nginx] in /etc/knockline/knockline.toml (where everybody may have it: into public under [firewall]), then: knockctl firewall apply # for a minute; to keep it: knockctl firewall confirm',
      },
    ]);
  });

  test("whoever is told to apply a policy on trial is told to confirm it", () => {
    const fixes = Object.values(FAULTS).flatMap(([seen]) => findings(seen).map(({ fix }) => fix));
    const trials = fixes.filter((fix) => /firewall apply(?! --now)/.test(fix));
    expect(trials.length).toBeGreaterThan(3);
    for (const fix of trials) expect(fix).toContain("firewall confirm");
  });
});

test("everybody on the allowlist is no stranger any more: high, and nobody is said to be shut out", () => {
  const all: AllowView = { ...ENTRY, what: "0.0.0.0/0", kind: "network", age: null };
  const seen = { ...CLEAN, allowed: [all] };
  const [only, ...more] = findings(seen);
  expect([only, more]).toMatchObject([{ id: "wide-0-0-0-0-0", severity: "high" }, []]);
  const fine = (of: Seen) => audit(of).flatMap((one) => (one.kind === "fine" ? [one.what] : []));
  expect(fine(seen)).not.toContain("strangers are shut out of something");
  expect(fine({ ...CLEAN, allowed: [{ ...all, services: ["web"] }] })).toContain(
    "strangers are shut out of something",
  );
});

test("every finding says what, why and what to do about it", () => {
  const all = Object.values(FAULTS).flatMap(([seen]) => findings(seen));
  for (const { what, why, fix } of all)
    for (const text of [what, why, fix]) expect(text.length).toBeGreaterThan(8);
});

test("what cannot be seen is said, and is no finding", () => {
  const seen = on({ firewall: undefined, units: undefined, sshd: undefined, clockIsSynchronized: undefined });
  expect(ids(seen)).toEqual([]);
  expect(audit(seen).filter(({ kind }) => kind === "unseen")).toHaveLength(4);
});

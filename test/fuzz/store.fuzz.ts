import { strict as assert } from "node:assert";
import { viewEntry } from "../../src/shared/access/allow.ts";
import { decodeEvent } from "../../src/shared/access/decode/records.ts";
import { viewGrant } from "../../src/shared/access/grants.ts";
import { loadState } from "../../src/shared/access/load.ts";
import { Picture } from "../../src/shared/access/picture.ts";
import { difference, projectAll } from "../../src/shared/access/projection.ts";
import { type GateState, loadedPolicies, projectionRules } from "../../src/shared/access/state.ts";
import { changesProblem } from "../../src/shared/firewall/changes.ts";
import { rulesetText } from "../../src/shared/firewall/ruleset.ts";
import { MemoryStore } from "../../src/shared/store/memory.ts";
import { type Entry, StoreError } from "../../src/shared/store/store.ts";
import { viewUser } from "../../src/shared/users/user.ts";
import { settings } from "../helpers/gate.ts";
import { target } from "./target.ts";
import { keyLines } from "./vectors.ts";

const BOOT = "boot-1";
const NOW = { wall: Date.UTC(2026, 0, 1), uptime: 1_000_000 };
const rules = settings({ firewall: { guard: "services" } });

const entry = {
  what: "192.0.2.1",
  services: ["ssh"],
  note: "a trunk",
  added: NOW.wall,
  end: null,
  addresses: ["192.0.2.1"],
  lookup: { answered: NOW.wall, failing: { since: NOW.wall, why: "SERVFAIL" } },
  boot: BOOT,
};

const user = {
  name: "ann",
  steps: [4711, 17_171, 7_777].map((port) => ({ proto: "udp", port })),
  proof: "ssh",
  services: ["ssh", "sip"],
  ttl: null,
  maxTtl: 3_600_000,
  approval: "none",
  enabled: true,
  expires: NOW.wall + 86_400_000,
  created: NOW.wall,
  drawn: NOW.wall,
  pin: null,
  otp: null,
  sshKeys: keyLines.slice(0, 2),
  phone: "+4912345",
  callers: ["201"],
};
const grant = {
  id: "g12ab34",
  user: "ann",
  address: "192.0.2.1",
  services: ["ssh"],
  by: "knock",
  proof: "ssh",
  since: NOW.wall,
  renewed: NOW.wall,
  length: 3_600_000,
  expires: NOW.wall + 3_600_000,
  ends: NOW.uptime + 3_600_000,
  boot: BOOT,
};
const six = { ...grant, id: "g12ab35", address: "2001:db8:1:2::/64", closed: { how: "expired", kept: true } };
const request = { id: "p12ab34", user: "ann", address: "192.0.2.9", proof: "ssh", code: "4711", boot: BOOT };
const event = { at: NOW.wall, event: "opened", user: "ann", address: "192.0.2.1", by: "knock", reason: null };

/** What a gate writes, a few records together. */
const stores: [string, unknown][][] = [
  [
    ["user/ann", user],
    ["grant/g12ab34", grant],
    ["meta/schema", 1],
  ],
  [
    ["grant/g12ab35", six],
    ["floor/clock", { ...NOW, boot: "boot-0" }],
    ["knock/decoys", [4_000, 4_001]],
  ],
  [
    [
      "pending/p12ab34",
      { ...request, since: NOW.wall, expires: NOW.wall + 600_000, ends: NOW.uptime + 600_000 },
    ],
    [
      "revocation/192.0.2.1",
      { address: "192.0.2.1", services: ["ssh"], until: NOW.uptime + 5_000, boot: BOOT },
    ],
    ["tries/otp/ann", { wrong: 3, last: NOW.wall, day: 20_454, today: 3, good: null }],
  ],
  [
    [
      "firewall",
      {
        confirmed: rules.policy,
        trial: null,
        adopted: [{ family: 4, key: "192.0.2.1 . 4711 . 22", ends: 2_000_000 }],
        boot: BOOT,
      },
    ],
    ["grant/g12ab34", grant],
  ],
  [
    [
      "allow/trunk.example.com",
      { ...entry, what: "trunk.example.com", addresses: ["192.0.2.0/24", "2001:db8::1"] },
    ],
    [
      "allow/192.0.2.1",
      { ...entry, end: { expires: NOW.wall + 1, ends: NOW.uptime + 1, length: 1 }, lookup: null },
    ],
    ["left/192.0.2.0/25", { network: "192.0.2.0/25", at: NOW.uptime, boot: BOOT }],
  ],
  [
    ["floor/ssh/ann", 1_789_999_000],
    ["nonce/ann/AAECAwQFBgcICQoLDA0ODw", 1_790_000_000],
    ["floor/otp/ann", 58_000_000],
    ["history/001767225600000-000001", event],
  ],
];

/** The gate's state out of some bytes that stand for a store, as JSON; the documented no of the decoders. */
async function load(bytes: Buffer): Promise<GateState | StoreError | undefined> {
  const entries = entriesOf(bytes);
  if (entries === undefined) return undefined;
  const store = new MemoryStore();
  try {
    await store.write(entries.map(([key, value]) => ({ key, value })));
    (await store.read("history/")).map(decodeEvent);
    return (await loadState(store, rules, NOW, BOOT)).state;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

/** LevelDB's own decoder keeps everything from us that is no JSON. */
function entriesOf(bytes: Buffer): Entry[] | undefined {
  try {
    const entries = JSON.parse(bytes.toString());
    const isEntry = (one: unknown) => Array.isArray(one) && one.length === 2 && typeof one[0] === "string";
    return Array.isArray(entries) && entries.every(isEntry) ? entries : undefined;
  } catch {
    return undefined;
  }
}

export const store = target({
  name: "store",
  limit: 2_000, // ten thousand wrong addresses are told one by one, and only we write here
  seeds: () => stores.map((entries) => JSON.stringify(entries)),
  words: [
    '"',
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "null",
    "true",
    '"__proto__":{}',
    "1e400",
    "; flush ruleset",
    "ssh4",
    "user/",
  ],
  run: load,
  holds: (state) => {
    if (state === undefined || state instanceof StoreError) return;
    // whatever was loaded can be written as nft text, and shown
    const picture = new Picture(projectAll(state, NOW.uptime, projectionRules(state)));
    assert.equal(changesProblem(difference(new Picture(), picture, NOW.uptime)), undefined);
    for (const current of loadedPolicies(state)) {
      const text = rulesetText({
        owner: "/srv",
        current,
        prefixes: state.allowlist.prefixes(),
        knockUdp: [],
        knockTcp: [],
      });
      assert.doesNotMatch(text, /flush ruleset/);
    }
    for (const one of state.ledger.all()) viewGrant(one, NOW.uptime);
    for (const one of state.allowlist.all()) viewEntry(one, NOW);
    for (const one of state.users.values()) viewUser(one);
  },
});

import { createHash } from "node:crypto";
import type { GateEvent } from "../../src/shared/access/event.ts";
import { Gate } from "../../src/shared/access/gate.ts";
import type { Cut } from "../../src/shared/access/transaction.ts";
import { apply, type Session } from "../../src/shared/access/trial.ts";
import { type Duration, days } from "../../src/shared/duration.ts";
import { type FakeFirewall, fakeFirewall } from "../../src/shared/firewall/fake.ts";
import { silentLog } from "../../src/shared/log/log.ts";
import { type FakeResolver, fakeResolver } from "../../src/shared/names/fake.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";
import type { Settings } from "../../src/shared/settings/settings.ts";
import { MemoryStore } from "../../src/shared/store/memory.ts";
import type { Vault } from "../../src/shared/users/vault.ts";

/** Settings from a few words, with every default of the real decoder. */
export function settings(raw: Record<string, unknown> = {}): Settings {
  const decoded = decodeSettings({ server: { name: "pbx-test1234" }, ...raw }, "/srv/test/knockline.toml");
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.errors));
  return decoded.settings;
}

/** A vault without scrypt's cost: a test may try a hundred PINs. */
const cheapVault: Vault = {
  id: "0123456789abcdef",
  fingerprint: async (pin) => createHash("sha256").update(`test ${pin}`).digest("hex"),
  seal: (secret) => Buffer.from(secret).toString("base64"),
  unseal: (sealed) => Buffer.from(sealed, "base64").toString(),
};

/** A gate on fakes, with hands on its clocks. */
export interface TestGate {
  gate: Gate;
  readonly store: MemoryStore;
  readonly firewall: FakeFirewall;
  readonly resolver: FakeResolver;
  readonly events: GateEvent[];
  readonly cuts: Cut[];
  readonly boots: (string | undefined)[];
  sessions: Session[];
  /** Whether tcpdump is installed: true unless a test says otherwise. */
  canSniff: boolean;
  /** Both clocks go on. */
  pass(span: Duration): void;
  /** The wall clock alone is set. */
  setWall(wall: number): void;
  /** The gate is opened anew on the same store, as after kill -9; with `reboot` on an empty kernel. */
  restart(options?: { reboot?: boolean; settings?: Settings }): Promise<void>;
  /** Keys of a set, sorted. */
  keys(set: string): Promise<string[]>;
}

/** Opens a gate with a policy in force. `start` false: nothing was ever applied. */
export async function testGate(options: { settings?: Settings; start?: boolean } = {}): Promise<TestGate> {
  let now = { wall: Date.UTC(2026, 0, 1), uptime: 1_000_000 };
  let boot = "boot-1";
  let counter = 0;
  let seed = 1;
  // the generator of "Numerical Recipes": every run draws the same
  const noise = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const store = new MemoryStore();
  let firewall = fakeFirewall(() => now.uptime);
  const resolver = fakeResolver();
  const events: GateEvent[] = [];
  const cuts: Cut[] = [];
  const boots: (string | undefined)[] = [];
  const open = async (chosen: Settings): Promise<Gate> => {
    const gate = await Gate.open(
      {
        store,
        firewall,
        clock: () => now,
        boot,
        log: silentLog,
        freshId: () => `g${(0x100000 + counter++).toString(16)}`,
        draw: async () => ({
          random: (n) => Math.floor(noise() * n),
          inUse: { listening: new Set<number>(), ephemeral: { from: 32_768, to: 60_999 } },
          canSniff: test.canSniff,
        }),
        sessions: async () => test.sessions,
        isOwn: async (address) => address === "198.51.100.1",
        cut: async (list) => void cuts.push(...list),
        resolver,
        vault: cheapVault,
        memory: days(5),
        writeBoot: async (text) => void boots.push(text),
        breathe: async () => undefined,
        rest: async () => undefined,
        wake: () => undefined,
      },
      chosen,
    );
    gate.subscribe((event) => events.push(event));
    return gate;
  };
  const first = options.settings ?? settings({ firewall: { guard: "services" } });
  const test: TestGate = {
    gate: await open(first),
    store,
    get firewall() {
      return firewall;
    },
    resolver,
    events,
    cuts,
    boots,
    sessions: [],
    canSniff: true,
    pass: (span) => {
      now = { wall: now.wall + span, uptime: now.uptime + span };
    },
    setWall: (wall) => {
      now = { ...now, wall };
    },
    restart: async ({ reboot = false, settings: changed } = {}) => {
      if (reboot) {
        boot = `${boot}+`;
        now = { wall: now.wall, uptime: 5_000 };
        firewall = fakeFirewall(() => now.uptime);
      }
      test.gate = await open(changed ?? test.gate.state.settings);
    },
    keys: async (set) => (await firewall.elements([set])).map(({ key }) => key).sort(),
  };
  if (options.start !== false) {
    await test.gate.run((state, tx) =>
      apply(state, tx, { trial: undefined, keep: [], sshPorts: [], sessions: [], freshId: () => "g000000" }),
    );
  }
  return test;
}

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";
import { GateLine } from "../helpers/gate-line.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { signLine, totp } from "../helpers/proofs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("namespaces", "nft", "ssh-keygen", "faketime");

const SERVER = "lab-server";
/** Addresses that the thief speaks from. */
const FORGED = "10.77.0.0/16";
/** Replays of each capture in each situation: under the 60 codes after which a user's knocks wait anyway. */
const TRIES = 50;
const IN_ORDER: readonly number[] = [0, 1, 2];
const OTHER_ORDERS: readonly (readonly number[])[] = [
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];
/** All tries together, by the acceptance of the issue. */
const ENOUGH = 1_000;
const PASSPHRASE = "correct horse battery";

/** A good knock as somebody on the path has seen it. */
interface Captured {
  readonly user: User;
  readonly payload: string;
  /** The reasons for which it may be denied. */
  readonly denials: RegExp;
}

describe("a capture of a good knock, replayed from fifty addresses,", () => {
  let scene: Scene<"laptop" | "thief">;
  let clock: FakeClock;
  let line: GateLine;
  let alice: User & { otp_uri: string };
  let bob: User;
  let key: string;
  let captured: Captured[];
  /** When they were captured: seconds that the clock was ahead. */
  let then = 0;
  let sources = 0;
  let tries = 0;

  beforeAll(async () => {
    scene = await openScene(["laptop", "thief"], {
      server: { name: SERVER },
      firewall: { guard: "services" },
      knock: { decoys: 5 },
    });
    const { instance, hosts } = scene;
    clock = fakeClock(instance.folder);
    instance.env = clock.env;
    await hosts.thief.anyip(FORGED);
    writeFileSync(join(instance.folder, "passphrase"), `${PASSPHRASE}\n`, { mode: 0o600 });
    key = join(instance.folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await start();
    alice = (await instance.addUser("alice", ["--proof", "otp"])) as typeof alice;
    bob = await instance.json(["user", "add", "bob", "--ssh-key", `${key}.pub`]);
    await instance.must(["backup", backup(), ...passphrase()]); // before they knock: it knows nothing of it
    captured = await knockWell();
  });
  afterAll(async () => {
    await line?.close();
    await scene?.close();
  });

  const backup = (): string => join(scene.instance.folder, "pbx.backup");
  const passphrase = (): string[] => ["--passphrase-file", join(scene.instance.folder, "passphrase")];

  async function start(): Promise<void> {
    await scene.instance.start();
    line = await GateLine.open(scene.instance);
  }

  /** Alice's code and bob's signature of now. */
  const fresh = (): Captured[] => [
    {
      user: alice,
      payload: totp(alice.otp_uri, Math.floor(clock.now / 30_000)),
      denials: /^otp_wrong$/,
    },
    {
      user: bob,
      payload: signLine(key, { server: SERVER, user: "bob", ahead: clock.ahead }),
      denials: /^ssh_(replayed|too_old|clock: .*)$/,
    },
  ];

  /** Both knock from the laptop, and get in. @returns what was seen on the way */
  async function knockWell(): Promise<Captured[]> {
    const knocks = fresh();
    then = clock.ahead;
    for (const { user, payload } of knocks) {
      const before = line.of(user.name).filter(({ event }) => event === "opened").length;
      await scene.instance.knock(scene.hosts.laptop, user, { payload });
      const opened = () => line.of(user.name).filter(({ event }) => event === "opened").length;
      await until(() => opened() > before, { what: `a good knock of ${user.name} opens` });
    }
    return knocks;
  }

  /**
   * Replays each capture from TRIES addresses. Every one must be denied by name, and nothing may be open that was not.
   * @param how `order` in which the three ports are knocked, `times`: from how many addresses
   */
  async function replay({ order = IN_ORDER, times = TRIES } = {}): Promise<void> {
    const open = await openDoors();
    for (const { user, payload, denials } of captured) {
      const before = line.events.length;
      const ports = order.map((step) => user.steps[step]?.port ?? 0);
      const knockers = Array.from({ length: times }, () => ({ from: source(), ports }));
      await scene.hosts.thief.agent.sendMany({ address: scene.server.address, knockers, payload });
      const thieves = new Set(knockers.map(({ from }) => from));
      const told = () => line.events.slice(before).filter(({ address }) => thieves.has(address ?? ""));
      const denied = () =>
        new Map(told().flatMap((e) => (e.event === "denied" ? [[e.address, e.reason]] : [])));
      await until(() => denied().size === times, { what: `${times} replays for ${user.name} are denied` });
      const reasons = [...new Set(denied().values())];
      const right = order === IN_ORDER ? denials : /^wrong_order$/;
      expect(reasons.filter((reason) => !right.test(reason ?? ""))).toEqual([]);
      expect(told().filter(({ event }) => !["step", "denied", "otp-wrong"].includes(event))).toEqual([]);
      tries += times;
      if (user === alice && right === denials) await line.ask("unlock", { who: "alice" });
    }
    expect(await openDoors()).toEqual(open);
    expect(await scene.instance.tryConnect(scene.hosts.thief, 22)).toBe("silent");
  }

  const openDoors = async (): Promise<string[]> =>
    (await line.ask("list", {})).grants.map(({ address }) => address);

  function source(): string {
    sources += 1;
    return `10.77.${Math.floor(sources / 250)}.${(sources % 250) + 1}`;
  }

  test("opens nothing at once, while the door is open", async () => {
    expect(await openDoors()).toEqual([scene.hosts.laptop.address, scene.hosts.laptop.address]);
    await replay();
  });

  test("opens nothing after the door was closed, nor from the address that it was good for", async () => {
    await line.ask("revoke", { all: true });
    await replay();
    for (const { user, payload } of captured) {
      const before = line.of(user.name).filter(({ address }) => address === scene.hosts.laptop.address);
      await scene.instance.knock(scene.hosts.laptop, user, { payload });
      const own = () =>
        line
          .of(user.name)
          .filter(({ address }) => address === scene.hosts.laptop.address)
          .slice(before.length);
      await until(() => own().some(({ event }) => event === "denied"), {
        what: "the laptop's replay is denied",
      });
    }
    expect(await openDoors()).toEqual([]);
  });

  test.each([290, 3_600])("opens nothing %d s later", async (seconds) => {
    clock.ahead = then + seconds;
    await replay();
  });

  test("opens nothing in any other order", async () => {
    clock.ahead = then;
    for (const order of OTHER_ORDERS) await replay({ order, times: TRIES / OTHER_ORDERS.length });
  });

  test("opens nothing with the clock set back to its moment, after newer knocks", async () => {
    clock.ahead = then + 90;
    await knockWell();
    await line.ask("revoke", { all: true });
    then = clock.ahead - 90;
    for (const ahead of [then, then - 30]) {
      clock.ahead = ahead;
      await replay();
    }
  });

  test("opens nothing after kill -9 and a restart, nor with the clock set back meanwhile", async () => {
    for (const ahead of [then + 90, then]) {
      await scene.instance.kill9();
      clock.ahead = ahead;
      await start();
      await replay();
    }
  });

  test("opens nothing after the restore of a backup that does not know it, through the knockd that runs", async () => {
    clock.ahead = then + 200;
    captured = [...captured, ...(await knockWell())];
    await line.ask("revoke", { all: true });
    await scene.instance.must(["restore", backup(), "--force", ...passphrase()]);
    await replay();
    clock.ahead -= 20; // and by a clock that is put right afterwards
    await replay();
  });

  test("opens nothing after a restore to an empty store, also with the clock set back after it", async () => {
    await scene.instance.stop();
    rmSync(join(scene.instance.folder, "db"), { recursive: true });
    await scene.instance.must(["restore", backup(), ...passphrase()]);
    await start();
    await replay();
    clock.ahead -= 30;
    await replay();
  });

  test(`opened nothing in ${ENOUGH.toLocaleString("en")} tries and more; a fresh knock opens`, async () => {
    expect(tries).toBeGreaterThanOrEqual(ENOUGH);
    clock.ahead += 1_000;
    await knockWell();
    expect(await openDoors()).toEqual([scene.hosts.laptop.address, scene.hosts.laptop.address]);
    expect(await scene.instance.tryConnect(scene.hosts.laptop, 22)).toBe("open");
    const { events } = await line.ask("history", {});
    const opened = events.filter(({ event, by }) => event === "opened" && by === "knock");
    expect(new Set(opened.map(({ address }) => address))).toEqual(new Set([scene.hosts.laptop.address]));
  });
});

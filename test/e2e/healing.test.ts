import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt, holdSession, onlyGrantEnds } from "../helpers/sessions.ts";
import { always, until } from "../helpers/wait.ts";

/** Restarts, and others who disturb our table: what is open stays open for the time it has left, the rest closed. */

const { describe } = needs("namespaces", "nft", "ip");

const PUSHING = 2222;
/** The promise: all is right again within it. Milliseconds. */
const SOON = 2_000;

let scene: Scene<"laptop" | "stranger">;
let laptop: Host;
let stranger: Host;

beforeAll(async () => {
  scene = await openScene(["laptop", "stranger"], {
    firewall: { guard: "services" },
    services: { ssh: { ports: ["tcp/22", `tcp/${PUSHING}`] } },
  });
  ({ laptop, stranger } = scene.hosts);
  await scene.server.agent.listen({ port: PUSHING, push: 20 });
  await scene.instance.start();
});
afterEach(() => scene.instance.must(["revoke", "--all"]));
afterAll(() => scene?.close());

/** Runs nft on the server: the admin, or another program, at work. @throws Error with what it said */
async function nft(command: string): Promise<string> {
  const ran = await scene.server.run("nft", [command]);
  if (ran.code !== 0) throw new Error(`nft ${command}: ${ran.stderr}`);
  return ran.stdout;
}

/** Opens the door for the laptop. @returns when it ends, ms since 1970 */
async function open(ttl: string): Promise<number> {
  await scene.instance.must(["grant", laptop.address, "--services", "ssh", "--ttl", ttl]);
  return onlyGrantEnds(scene.instance);
}

const isOpenTo = async (host: Host): Promise<boolean> =>
  (await scene.instance.tryConnect(host, 22, { timeout: 200 })) === "open";

/** Waits until the laptop is let in, the stranger is not, and status has nothing to complain of. */
async function rightAgain(): Promise<void> {
  const right = async () => !(await isOpenTo(stranger)) && (await isOpenTo(laptop));
  await until(right, { what: "open for the laptop and closed for the stranger", deadline: SOON });
  const healthy = async () => (await scene.instance.json(["status"])).ok === true;
  await until(healthy, { what: "`knockctl status` finds nothing wrong", deadline: SOON });
}

/** @returns the end of the laptop's element in the kernel, ms since 1970, to within what it takes to ask */
async function kernelEnd(): Promise<number> {
  const text = await nft("list set inet knockline ssh4");
  const now = Date.now();
  const [, left = ""] = /expires (\S+)/.exec(text.slice(text.indexOf(`${laptop.address} timeout`))) ?? [];
  const units: Record<string, number> = { m: 60_000, s: 1_000, ms: 1 };
  const parts = [...left.matchAll(/(\d+)(ms|m|s)/g)].map(
    ([, n, unit = ""]) => Number(n) * (units[unit] ?? 0),
  );
  expect(parts, text).not.toEqual([]);
  return parts.reduce((sum, part) => sum + part, now);
}

describe("a grant keeps the time it has left, not more and not less,", () => {
  const flush = () => nft("flush ruleset");
  const restart = async (end: "stop" | "kill9", meanwhile: () => Promise<unknown> = async () => null) => {
    await scene.instance[end]();
    expect(await isOpenTo(laptop)).toBe(true);
    await meanwhile();
    await scene.instance.start();
  };
  const disturbances: Record<string, () => Promise<unknown>> = {
    "a stop and a start of knockd": () => restart("stop"),
    "kill -9 and a start": () => restart("kill9"),
    "`nft flush ruleset`": flush,
    "`nft flush ruleset` while no knockd runs, once one does": () => restart("kill9", flush),
  };

  for (const [what, disturb] of Object.entries(disturbances)) {
    test(`through ${what}`, async () => {
      const expires = await open("10m");
      await disturb();
      await rightAgain();
      expect(await onlyGrantEnds(scene.instance)).toBe(expires);
      expect(Math.abs((await kernelEnd()) - expires), "ms that the kernel is off").toBeLessThan(300);
    });
  }

  test("so that it closes on time after all of them", async () => {
    const expires = await open("15s"); // two restarts of a busy machine go by before its end
    await restart("stop");
    await flush();
    await rightAgain();
    await restart("kill9", flush);
    await rightAgain();
    await expectClosesAt(scene.instance, laptop, 22, expires);
  });
});

describe("whoever disturbs the table finds it right again within two seconds:", () => {
  test("when it is deleted", async () => {
    await open("10m");
    await nft("delete table inet knockline");
    await rightAgain();
    expect(scene.instance.log()).toContain("the table was gone");
  });

  test("when one of its chains is flushed", async () => {
    await open("10m");
    await nft("flush chain inet knockline current_close");
    await rightAgain();
    expect(scene.instance.log()).toContain("the table was altered");
  });

  test("when a rule of theirs is put into one of its chains", async () => {
    await open("10m");
    await nft("insert rule inet knockline guard tcp dport 22 accept");
    await rightAgain();
  });

  test("when an element is added by hand: it is removed, and the log names it", async () => {
    await open("10m");
    await nft(`add element inet knockline ssh4 { ${stranger.address} timeout 1h }`);
    await rightAgain();
    const log = scene.instance.log();
    expect(log).toContain("an element that the ledger does not know was removed");
    expect(log).toContain(`"key":"${stranger.address}"`);
  });

  test("when an element is added by hand without an end", async () => {
    await open("10m");
    await nft(`add element inet knockline ssh4 { ${stranger.address} }`);
    await rightAgain();
  });

  test("when somebody is added to the allowlist by hand", async () => {
    await open("10m");
    await nft(`add element inet knockline allow4_32 { ${stranger.address} }`);
    await rightAgain();
  });

  test("when an element is deleted by hand: it is put back", async () => {
    await open("10m");
    await nft(`delete element inet knockline ssh4 { ${laptop.address} }`);
    await rightAgain();
  });

  test("when an element's time is changed by hand: the ledger's time holds", async () => {
    const expires = await open("10m");
    const element = `element inet knockline ssh4 { ${laptop.address}`;
    await nft(`delete ${element} }; add ${element} timeout 1h }`);
    const restored = async () => Math.abs((await kernelEnd()) - expires) < 300;
    await until(restored, { what: "the element ends with its grant", deadline: SOON });
  });
});

describe("after `nft flush ruleset`", () => {
  /** Holds knockd still while all is open, so that the gap is as long as the test needs it. */
  async function inTheGap<T>(task: () => Promise<T>): Promise<T> {
    scene.instance.signal("SIGSTOP");
    try {
      await nft("flush ruleset");
      return await task();
    } finally {
      scene.instance.signal("SIGCONT");
    }
  }

  test("a stranger who connected in the gap is cut", async () => {
    await open("10m");
    const [quiet, pushed] = await inTheGap(() =>
      Promise.all([22, PUSHING].map((port) => holdSession(stranger, scene.server, port))),
    );
    await rightAgain();
    await pushed?.isToldItsEnd();
    await expect(quiet?.works()).rejects.toThrow();
  });

  test("sessions that were let in before go on, quiet or busy, also past their grant's time", async () => {
    const expires = await open("4s");
    const sessions = await Promise.all([22, PUSHING].map((port) => holdSession(laptop, scene.server, port)));
    const work = () => Promise.all(sessions.map((session) => session.works()));
    await inTheGap(work);
    await rightAgain();
    await work();
    await expectClosesAt(scene.instance, laptop, 22, expires);
    await work();
  });
});

describe("a second knockd on the same state", () => {
  test("is refused with a clear error and exit code 5, and the first goes on", async () => {
    const { server, instance } = scene;
    await open("10m");
    const program = join(import.meta.dirname, "../../bin/knockd");
    const second = await server.run(process.execPath, [program, "--config", instance.config]);

    expect(second.code).toBe(5);
    expect(second.stderr).toContain("is locked");
    expect(second.stderr).toContain("stop the other knockd");
    await always(() => isOpenTo(laptop), { what: "the door stays open" });
    await rightAgain();
    expect((await instance.json(["status"])).knockd.state).toBe("running");
  });
});

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

describe("a grant keeps the time it has left, not more and not less,", () => {
  /** @param disturbance what happens while the door is open */
  async function livesThrough(disturbance: () => Promise<unknown>): Promise<void> {
    const expires = await open("6s");
    await disturbance();
    await rightAgain();
    expect(await onlyGrantEnds(scene.instance)).toBe(expires);
    await expectClosesAt(scene.instance, laptop, 22, expires);
  }

  test("through a stop and a start of knockd", async () => {
    await livesThrough(async () => {
      await scene.instance.stop();
      expect(await isOpenTo(laptop)).toBe(true);
      await scene.instance.start();
    });
  });

  test("through kill -9 and a start", async () => {
    await livesThrough(async () => {
      await scene.instance.kill9();
      expect(await isOpenTo(laptop)).toBe(true);
      await scene.instance.start();
    });
  });

  test("through `nft flush ruleset`", async () => {
    await livesThrough(() => nft("flush ruleset"));
  });

  test("through `nft flush ruleset` while no knockd runs, once one does", async () => {
    await livesThrough(async () => {
      await scene.instance.kill9();
      await nft("flush ruleset");
      await scene.instance.start();
    });
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

  test("when an element is deleted by hand: it is put back", async () => {
    await open("10m");
    await nft(`delete element inet knockline ssh4 { ${laptop.address} }`);
    await rightAgain();
  });

  test("when an element's time is changed by hand: the ledger's time holds", async () => {
    const expires = await open("4s");
    const element = `element inet knockline ssh4 { ${laptop.address}`;
    await nft(`delete ${element} }; add ${element} timeout 1h }`);
    await expectClosesAt(scene.instance, laptop, 22, expires);
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

  test("a session that was let in before goes on", async () => {
    await open("10m");
    const session = await holdSession(laptop, scene.server, 22);
    await inTheGap(() => session.works());
    await rightAgain();
    await session.works();
  });

  test("a session that was let in before goes on after its grant's time, where the settings keep it", async () => {
    const expires = await open("4s");
    const session = await holdSession(laptop, scene.server, 22);
    await inTheGap(() => session.works());
    await rightAgain();
    await session.works();
    await expectClosesAt(scene.instance, laptop, 22, expires);
    await session.works();
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

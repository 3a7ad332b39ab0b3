import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openScene, type Scene } from "../helpers/instance.ts";
import type { Host } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import {
  expectClosesAt,
  type HeldSession,
  holdSession,
  onlyGrantEnds,
  sessionsWith,
} from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** What becomes of TCP sessions under way when their grant ends, by its time or by an admin's word. */

const { describe } = needs("namespaces", "nft", "ip", "ss");

/** A service that pushes data all the while, as a shell with a running log does. */
const PUSHING = 2222;

interface Stage extends Scene<"laptop"> {
  readonly laptop: Host;
  /** Opens ssh for the laptop and a session through that door. */
  enter(ttl: string, port?: number): Promise<HeldSession>;
}

/** A running knockd that guards ssh on ports 22 and 2222. */
async function setStage(access: Record<string, string>): Promise<Stage> {
  const scene = await openScene(["laptop"], {
    firewall: { guard: "services" },
    services: { ssh: { ports: ["tcp/22", `tcp/${PUSHING}`] } },
    access,
  });
  const { hosts, server, instance } = scene;
  await server.agent.listen({ port: PUSHING, push: 20 });
  await instance.start();
  return {
    ...scene,
    laptop: hosts.laptop,
    enter: async (ttl, port = 22) => {
      await instance.must(["grant", hosts.laptop.address, "--services", "ssh", "--ttl", ttl]);
      return holdSession(hosts.laptop, server, port);
    },
  };
}

describe('a TCP session at the end of its grant, with on_expiry = "keep"', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ on_expiry: "keep", keep_max: "4s" });
  });
  afterAll(() => stage?.close());

  test("goes on, and ends after keep_max with every process of ours dead; nobody new gets in", async () => {
    const { instance, laptop, enter } = stage;
    const session = await enter("2s");
    const expires = await onlyGrantEnds(instance);
    await instance.kill9();

    await expectClosesAt(instance, laptop, 22, expires);
    await session.works();

    await session.isToldItsEnd(8_000);
    expect(Date.now() - (expires + 4_000), "ms after keep_max").toBeLessThan(1_000);
    expect(Date.now() - (expires + 4_000), "before keep_max").toBeGreaterThan(-500);
  });
});

describe('a TCP session at the end of its grant, with on_expiry = "cut"', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ on_expiry: "cut" });
  });
  afterAll(() => stage?.close());

  test("ends too, and is told so", async () => {
    const { instance, laptop, enter } = stage;
    const session = await enter("2s");
    const expires = await onlyGrantEnds(instance);

    await session.isToldItsEnd(8_000);

    expect(Date.now() - expires, "ms after its time").toBeLessThan(1_000);
    expect(Date.now() - expires, "before its time").toBeGreaterThan(-500);
    expect(await instance.tryConnect(laptop, 22)).toBe("silent");
  });
});

describe("revoking", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({});
  });
  beforeEach(() => stage.instance.must(["revoke", "--all"]));
  afterAll(() => stage?.close());

  test("cuts a session that the server keeps pushing into, and both ends learn it", async () => {
    const { instance, server, laptop, enter } = stage;
    const session = await enter("10m", PUSHING);
    await session.works();
    expect(await sessionsWith(server, laptop.address, PUSHING)).toBe(1);

    await instance.must(["revoke", laptop.address]);

    await session.isToldItsEnd(2_000);
    const forgotten = async () => (await sessionsWith(server, laptop.address, PUSHING)) === 0;
    await until(forgotten, { what: "the server's socket has ended too", deadline: 2_000 });
    expect(await instance.tryConnect(laptop, PUSHING)).toBe("silent");
  });

  test("cuts the session with every daemon dead", async () => {
    const { instance, server, laptop, enter } = stage;
    const session = await enter("10m", PUSHING);
    await instance.kill9();

    await instance.must(["revoke", "--all"]);

    await session.isToldItsEnd(2_000);
    const forgotten = async () => (await sessionsWith(server, laptop.address, PUSHING)) === 0;
    await until(forgotten, { what: "the server's socket has ended too", deadline: 2_000 });
    await instance.start();
  });

  test("does not stand in the way of a new grant, which works at once", async () => {
    const { instance, enter, laptop } = stage;
    const before = await enter("10m");
    await instance.must(["revoke", laptop.address]);
    await before.isToldItsEnd();

    const session = await enter("10m", PUSHING);

    await session.works();
  });

  test("leaves sessions alone with --keep-sessions, and closes the door to new ones", async () => {
    const { instance, laptop, enter } = stage;
    const session = await enter("10m", PUSHING);

    await instance.must(["revoke", laptop.address, "--keep-sessions"]);

    expect(await instance.tryConnect(laptop, 22)).toBe("silent");
    await session.works();
  });

  test("is what disabling a user does, also to a session that outlived its door", async () => {
    const { instance, server, laptop } = stage;
    await instance.must(["user", "add", "ann", "--proof", "none", "--services", "ssh"]);
    await instance.must(["grant", laptop.address, "--user", "ann", "--ttl", "1s"]);
    const session = await holdSession(laptop, server, PUSHING);
    await until(async () => (await instance.json(["list"])).grants.length === 0, { what: "the door ends" });
    await session.works();

    await instance.must(["user", "set", "ann", "--disable"]);

    await session.isToldItsEnd(2_000);
  });

  test("closes a door at the earlier end that its user is given", async () => {
    const { instance, laptop } = stage;
    await instance.must(["user", "add", "eve", "--proof", "none", "--services", "ssh"]);
    await instance.must(["grant", laptop.address, "--user", "eve", "--ttl", "1h"]);
    const expires = new Date(Date.now() + 3_000).toISOString();
    await instance.must(["user", "set", "eve", "--expires", expires]);
    await instance.kill9();
    await expectClosesAt(instance, laptop, 22, Date.parse(expires));
    await instance.start();
  });

  test("ends sessions that were left alone before, when asked again", async () => {
    const { instance, laptop, enter } = stage;
    const session = await enter("10m", PUSHING);
    await instance.must(["revoke", laptop.address, "--keep-sessions"]);
    await session.works();

    await instance.must(["revoke", laptop.address]);

    await session.isToldItsEnd(2_000);
  });
});

describe("taking a network off the allowlist", () => {
  const settings = (guard: string) => ({
    firewall: { guard },
    services: { ssh: { ports: [`tcp/${PUSHING}`] } },
  });
  let scene: Scene<"laptop">;
  beforeAll(async () => {
    scene = await openScene(["laptop"], settings("nothing"));
    await scene.server.agent.listen({ port: PUSHING, push: 20 });
    await scene.instance.start();
  });
  afterAll(() => scene?.close());

  test("cuts a session from inside it that is older than the policy", async () => {
    const { instance, server, hosts } = scene;
    const network = hosts.laptop.address.replace(/\d+$/, "0/24");
    const session = await holdSession(hosts.laptop, server, PUSHING);
    await instance.must(["allow", "add", network]);
    instance.configure(settings("services"));
    await instance.must(["firewall", "apply", "--now"]);
    await session.works();

    await instance.must(["allow", "remove", network]);

    await session.isToldItsEnd(2_000);
    const forgotten = async () => (await sessionsWith(server, hosts.laptop.address, PUSHING)) === 0;
    await until(forgotten, { what: "the server's socket has ended too", deadline: 2_000 });
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt, onlyGrantEnds } from "../helpers/sessions.ts";
import { always, until } from "../helpers/wait.ts";

/** Doors close on time, by the kernel alone: whatever our programs do, or whether there are any. */

const { describe } = needs("namespaces", "nft", "ip");

describe("a door that was opened for three seconds", () => {
  let scene: Scene<"laptop" | "stranger">;
  let user: User;

  beforeAll(async () => {
    scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" } });
    user = await scene.instance.addUser("alice", ["--services", "ssh,sip", "--ttl", "3s"]);
    await scene.instance.start();
  });
  afterAll(() => scene?.close());

  /** Alice knocks, and is let in. @returns when it ends, ms since 1970 */
  async function knockOpen(): Promise<number> {
    const { instance, hosts } = scene;
    await instance.knock(hosts.laptop, user);
    const isOpen = async () => (await instance.tryConnect(hosts.laptop, 22)) === "open";
    await until(isOpen, { what: "the knock opens", deadline: 2_000 });
    return onlyGrantEnds(instance);
  }

  test("is open until its time and closed within a second of it while knockd runs", async () => {
    await expectClosesAt(scene.instance, scene.hosts.laptop, 22, await knockOpen());
  });

  test("closes on time while knockd is stopped", async () => {
    const expires = await knockOpen();
    await scene.instance.stop();
    await expectClosesAt(scene.instance, scene.hosts.laptop, 22, expires);
  });

  test("closes on time while knockd is dead by kill -9", async () => {
    await scene.instance.start();
    const expires = await knockOpen();
    await scene.instance.kill9();
    await expectClosesAt(scene.instance, scene.hosts.laptop, 22, expires);
  });
});

describe("with every daemon dead", () => {
  let scene: Scene<"laptop">;

  beforeAll(async () => {
    scene = await openScene(["laptop"], { firewall: { guard: "services" } });
    await scene.instance.start();
    await scene.instance.must(["grant", scene.hosts.laptop.address, "--services", "ssh", "--ttl", "10m"]);
    await scene.instance.kill9();
  });
  afterAll(() => scene?.close());

  test("`knockctl list` shows what is open, and `knockctl revoke` closes it", async () => {
    const { instance, hosts } = scene;
    const { grants } = await instance.json(["list"]);
    expect(grants).toMatchObject([{ address: hosts.laptop.address, services: ["ssh"], by: "admin" }]);
    expect(grants[0].left).toBeGreaterThan(500);
    expect(await instance.tryConnect(hosts.laptop, 22)).toBe("open");

    await instance.must(["revoke", hosts.laptop.address]);

    expect(await instance.tryConnect(hosts.laptop, 22)).toBe("silent");
    expect(await instance.json(["list"])).toEqual({ grants: [] });
  });
});

describe("a guarded UDP service", () => {
  const ECHO = 5060;
  const QUIET = 5062;
  let scene: Scene<"phone" | "stranger">;

  beforeAll(async () => {
    scene = await openScene(["phone", "stranger"], {
      firewall: { guard: "services" },
      services: {
        sip: { ports: [`udp/${ECHO}`, `udp/${QUIET}`] },
        rtp: { ports: ["udp/10000-10100"], replies: true },
      },
    });
    await scene.server.agent.listen({ port: ECHO, proto: "udp" });
    await scene.hosts.stranger.agent.listen({ port: ECHO, proto: "udp" });
    await scene.instance.start();
  });
  afterAll(() => scene?.close());

  /** What the stranger answers to a datagram that the server sends him from one of its own ports. */
  const answerOfStranger = async (localPort: number): Promise<string | null> => {
    const { server, hosts } = scene;
    const { address } = hosts.stranger;
    return (await server.agent.ask({ address, port: ECHO, localPort, payload: "qualify" })).reply;
  };

  test("ends with its grant although keep-alives go to and fro all the while", async () => {
    const { instance, server, hosts } = scene;
    const speaks = async (): Promise<boolean> => {
      const place = { address: server.address, port: ECHO, localPort: 5061, timeout: 300 };
      return (await hosts.phone.agent.ask(place)).reply !== null;
    };
    expect(await speaks()).toBe(false);
    await instance.must(["grant", hosts.phone.address, "--services", "sip", "--ttl", "3s"]);
    const expires = await onlyGrantEnds(instance);
    let last = 0;
    const silent = async (): Promise<boolean> => {
      const asked = Date.now();
      if (await speaks()) last = asked;
      return asked - last > 1_000;
    };

    await until(silent, { what: "nothing comes through any more", deadline: 8_000, every: 100 });

    expect(last - expires, "last answered that many ms after its end").toBeLessThan(1_000);
    expect(last - expires, "last answered before its end").toBeGreaterThan(-1_000);
    await always(async () => !(await speaks()), { what: "it stays closed" });
  });

  test("lets nobody in whom the server itself sent a datagram", async () => {
    expect(await answerOfStranger(QUIET)).toBeNull();
    const { server, hosts } = scene;
    const knock = { address: server.address, port: ECHO, localPort: ECHO + 10 };
    expect((await hosts.stranger.agent.ask(knock)).reply).toBeNull();
  });

  test("takes answers to its own datagrams where the settings say `replies = true`", async () => {
    expect(await answerOfStranger(10_000)).toBe("qualify");
  });
});

import { afterAll, beforeAll, expect } from "vitest";
import type { EventView } from "../../src/shared/gate/views.ts";
import { type Instance, openScene, type Scene, type User } from "../helpers/instance.ts";
import type { Host, Running } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("namespaces", "nft", "knock", "nc");

/** Runs `body` on a scene of its own, and leaves nothing behind. */
function onScene(
  title: string,
  settings: object,
  body: (get: () => Scene<"laptop" | "stranger">) => void,
): void {
  describe(title, () => {
    let scene: Scene<"laptop" | "stranger"> | undefined;
    beforeAll(async () => {
      scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" }, ...settings });
      await scene.instance.start();
    });
    afterAll(() => scene?.close());
    body(() => scene as Scene<"laptop" | "stranger">);
  });
}

/** Closes whatever is open, so that the next client finds a closed door. */
const closeAll = (instance: Instance) => instance.must(["revoke", "--all"]);

const ports = (user: User) => user.steps.map(({ port }) => port);

onScene("a door opens", {}, (get) => {
  let user: User;
  beforeAll(async () => {
    user = await get().instance.addUser("alice", ["--services", "ssh,sip"]);
  });

  const knockings: Record<string, (laptop: Host, server: string) => Promise<unknown>> = {
    "Debian's knock, without any delay": (laptop, server) =>
      laptop.run("knock", ["-u", server, ...ports(user).map(String)]),
    "bash's /dev/udp": (laptop, server) =>
      laptop.run("bash", [
        "-c",
        ports(user)
          .map((port) => `echo x >/dev/udp/${server}/${port}; sleep 0.02`)
          .join("; "),
      ]),
    "nc -u": (laptop, server) =>
      laptop.run("bash", [
        "-c",
        ports(user)
          .map((port) => `echo x | nc -u -q0 -w1 ${server} ${port}`)
          .join("; "),
      ]),
    "an empty datagram": (laptop, server) =>
      laptop.agent.send({ address: server, ports: ports(user), payload: "" }),
  };

  test.each(Object.keys(knockings))("to %s, over IPv4 and IPv6", async (name) => {
    const { instance, server, hosts } = get();
    for (const family of [4, 6] as const) {
      await closeAll(instance);
      expect(await instance.tryConnect(hosts.laptop, 22, { family })).toBe("silent");
      await knockings[name]?.(hosts.laptop, family === 4 ? server.address : server.address6);
      await until(async () => (await instance.tryConnect(hosts.laptop, 22, { family })) === "open", {
        what: `${name} opens, IPv${family}`,
        deadline: 5_000,
      });
    }
  });

  test("to the generated script, which says so and exits 0", async () => {
    const { instance, hosts, server } = get();
    for (const address of [server.address, server.address6]) {
      await closeAll(instance);
      const ran = await hosts.laptop.run("bash", [await instance.client("alice", address)]);
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stdout + ran.stderr).toMatch(/open after \d+ ms/);
    }
  });

  test("for that address only, for that user's services only, all of them", async () => {
    const { instance, hosts, server } = get();
    await closeAll(instance);
    await instance.knock(hosts.laptop, user);
    await until(async () => (await instance.tryConnect(hosts.laptop, 22)) === "open", {
      what: "ssh opens",
      deadline: 5_000,
    });
    expect(await instance.tryConnect(hosts.stranger, 22)).toBe("silent");
    expect(await instance.tryConnect(hosts.laptop, 80)).toBe("silent");
    await server.agent.listen({ port: 5060, proto: "udp" });
    expect((await hosts.laptop.agent.ask({ address: server.address, port: 5060 })).reply).not.toBeNull();
    expect(
      (await hosts.stranger.agent.ask({ address: server.address, port: 5060, timeout: 300 })).reply,
    ).toBeNull();
    expect((await instance.json(["list"])).grants).toMatchObject([
      { user: "alice", address: hosts.laptop.address, services: ["ssh", "sip"], by: "knock", proof: "none" },
    ]);
  });

  test("to no knock of a user who was rotated, disabled or removed, and to the new ports at once", async () => {
    const { instance, hosts } = get();
    const old = await instance.addUser("bob");
    const fresh: User = await instance.json(["user", "rotate", "bob", "--ports"]);
    await closeAll(instance);
    await instance.knock(hosts.laptop, old);
    await instance.knock(hosts.laptop, fresh);
    await until(async () => (await instance.json(["list"])).grants.length === 1, {
      what: "the new ports open",
      deadline: 5_000,
    });
    await instance.must(["user", "set", "bob", "--disable"]);
    expect(await instance.tryConnect(hosts.laptop, 22)).toBe("silent");
    await instance.must(["user", "remove", "bob"]);
    expect((await instance.knockctl(["user", "show", "bob"])).code).toBe(3);
  });
});

onScene("a knock that is not good", { knock: { window: "2s" } }, (get) => {
  let user: User;
  let other: User;
  let watching: Running;
  let seen: () => EventView[];

  beforeAll(async () => {
    const { instance, server } = get();
    user = await instance.addUser("alice");
    other = await instance.addUser("bob");
    watching = server.start(process.execPath, instance.commandLine(["watch", "--json"]));
    seen = () =>
      watching
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as EventView);
    await until(
      async () => {
        await instance.must(["grant", "203.0.113.200", "--ttl", "60s"]);
        return seen().length > 0;
      },
      { what: "watch sees events", deadline: 10_000 },
    );
    await closeAll(instance);
  });

  /** Knocks some ports from a fresh source; @returns what watch showed of it, once the last event is there. */
  async function watched(
    list: number[],
    last: string,
    options: { payload?: string; gap?: number } = {},
  ): Promise<EventView[]> {
    const { hosts, server } = get();
    const before = seen().length;
    await hosts.laptop.agent.send({ address: server.address, ports: list, ...options });
    const events = () =>
      seen()
        .slice(before)
        .filter(({ address }) => address === hosts.laptop.address);
    const isLast = ({ reason, event }: EventView) => reason === last || event === last;
    await until(() => events().length >= list.length && events().some(isLast), {
      what: `watch shows ${last}`,
      deadline: 5_000,
    });
    return events();
  }

  const nothingOpen = async () => expect((await get().instance.json(["list"])).grants).toEqual([]);

  test("is denied when the order is wrong", async () => {
    const [a = 0, b = 0, c = 0] = ports(user);
    expect(await watched([a, c, b], "wrong_order")).toMatchObject([
      { event: "step", user: "alice", reason: "1 of 3" },
      { event: "denied", reason: "wrong_order" },
      { reason: "wrong_order" },
    ]);
    await nothingOpen();
  });

  test("is denied when it is too slow", async () => {
    const [a = 0, b = 0, c = 0] = ports(user);
    expect((await watched([a, b, c], "too_slow", { gap: 1_100 })).map(({ event }) => event)).toEqual([
      "step",
      "step",
      "denied",
    ]);
    await nothingOpen();
  });

  test("is reset by a port of another user", async () => {
    const [a = 0, b = 0, c = 0] = ports(user);
    await watched([a, b, ports(other)[1] ?? 0, c], "wrong_order");
    await nothingOpen();
  });

  test("is denied when its last datagram is oversized", async () => {
    const [a = 0, b = 0, c = 0] = ports(user);
    await watched([a, b], "2 of 3");
    await watched([c], "payload_too_long", { payload: "x".repeat(1_401) });
    await nothingOpen();
  });

  test("opens although a port came twice, and says that it ignored the repeat", async () => {
    const [a = 0, b = 0, c = 0] = ports(user);
    const events = await watched([a, a, b, b, c, c], "opened");
    expect(events.map(({ event }) => event)).toContain("ignored");
    await closeAll(get().instance);
  });

  test("poisons its source for the window when it touches a decoy", async () => {
    const { server, hosts, instance } = get();
    const listed = await server.run("nft", ["-j", "list", "set", "inet", "knockline", "knock_udp"]);
    const bound: number[] = JSON.parse(listed.stdout).nftables.find((entry: { set?: object }) => entry.set)
      .set.elem;
    const known = new Set([...ports(user), ...ports(other)]);
    const decoy = bound.find((port) => !known.has(port)) ?? 0;
    expect(bound.length).toBe(known.size + 61);
    const [a = 0, b = 0, c = 0] = ports(user);
    await watched([a, b, decoy, c], "poisoned");
    await watched([a, b, c], "poisoned");
    await nothingOpen();
    await until(
      async () => {
        await hosts.laptop.agent.send({ address: server.address, ports: [a, b, c] });
        return (await instance.json(["list"])).grants.length === 1;
      },
      // more than ten knocks a second of one source reach nobody
      { what: "the source may knock again after the window", deadline: 10_000, every: 500 },
    );
    await closeAll(instance);
  });

  test("gets no answer from a knock port, good or bad, and leaves no secret in the log", async () => {
    const { server, hosts, instance } = get();
    const [a = 0, b = 0, c = 0] = ports(user);
    for (const port of [a, b, c])
      expect(
        (await hosts.stranger.agent.ask({ address: server.address, port, timeout: 150 })).reply,
      ).toBeNull();
    for (const port of [a, b, c]) expect(instance.log()).not.toContain(String(port));
  });
});

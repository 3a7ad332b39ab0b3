import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import { memoryOf } from "../../bench/processes.mjs";
import { flood } from "../../scripts/lab-flood.mjs";
import { addCrowd, kernelSet } from "../helpers/flood-crowd.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { runs } from "../helpers/runs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("root", "nft", "ip");
const { test: testTcp } = needs("root", "nft", "ip", "tcpdump", "perl");

const SYN_FLOOD = fileURLToPath(new URL("../helpers/syn-flood.pl", import.meta.url));

const CLIENTS = 1_000;
const FORGED = 1_000_000;
const EVERYBODY = { first: "11.0.0.0", size: FORGED };

describe("1,000 clients that knock in the same second", () => {
  let scene: Scene<"crowd">;
  let users: User[];
  beforeAll(async () => {
    scene = await openScene(["crowd"], { firewall: { guard: "services" } });
    await scene.hosts.crowd.anyip("198.18.0.0/16");
    users = await addCrowd(scene.instance, CLIENTS);
    await scene.instance.start();
  });
  afterAll(() => scene.close());

  test("all get in within 3 s, each with ports and an address of their own", async () => {
    const { server, hosts, instance } = scene;
    const knockers = users.map(({ steps }, n) => ({
      from: `198.18.${1 + (n >> 8)}.${n & 255}`,
      ports: steps.map(({ port }) => port),
    }));
    const start = performance.now();
    await hosts.crowd.agent.sendMany({ address: server.address, knockers, gap: 20 });
    const count = async (): Promise<boolean> => (await kernelSet(server, "ssh4")).length === CLIENTS;
    await until(count, { what: "a thousand doors are open in the kernel", deadline: 5_000 });
    expect(performance.now() - start).toBeLessThan(3_000);
    const { grants } = await instance.json(["list"]);
    const addresses = grants.map(({ address }: { address: string }) => address);
    expect(addresses.sort()).toEqual(knockers.map(({ from }) => from).sort());
    for (const { from } of [knockers[0], knockers[500], knockers[999]].filter((one) => one !== undefined))
      expect(await instance.tryConnect(hosts.crowd, 22, { source: from })).toBe("open");
  }, 120_000);
});

describe("a million forged half-knocks", () => {
  let scene: Scene<"forger" | "laptop">;
  let user: User;
  beforeAll(async () => {
    scene = await openScene(["forger", "laptop"], { firewall: { guard: "services" } });
    user = await scene.instance.addUser("ann");
    await scene.instance.start();
  });
  afterAll(() => scene.close());

  test("fill neither knockd's memory nor conntrack, and a real knock then opens within 100 ms", async () => {
    const { server, hosts, instance } = scene;
    const ports = [user.steps[0]?.port ?? 0];
    await flood(hosts.forger, { address: server.address, ports, forged: EVERYBODY, count: FORGED });
    const pid = instance.pid ?? 0;
    expect(memoryOf(pid)).toBeLessThan(150);
    expect(memoryOf(pid, "VmHWM")).toBeLessThan(150);
    const conntrack = await server.run("cat", ["/proc/sys/net/netfilter/nf_conntrack_count"]);
    expect(Number(conntrack.stdout)).toBeLessThan(1_000);
    const opening = hosts.laptop.agent.connectUntilOpen({ address: server.address, port: 22 });
    const { at: sent } = await instance.knock(hosts.laptop, user);
    const { at } = await opening;
    expect(at).not.toBeNull();
    expect((at ?? 0) - sent).toBeLessThan(100);
  }, 90_000);
});

describe("a flood of forged SYNs at a TCP knock port", () => {
  /** Packets a second, and of how many sources. */
  const [RATE, SOURCES] = [10_000, 65_536];
  const KNOCKS = runs(500, 50);
  let scene: Scene<"forger" | "laptop">;
  let user: User;
  beforeAll(async () => {
    scene = await openScene(["forger", "laptop"], {
      firewall: { guard: "services" },
      access: { max_grants_per_user: KNOCKS },
    });
    await scene.hosts.laptop.anyip("198.18.0.0/16");
    user = await scene.instance.addUser("ann", ["--steps", "tcp,tcp,tcp"]);
    await scene.instance.start();
  });
  afterAll(() => scene.close());

  /** Packets that the kernel handed to knockd's tcpdump. */
  async function reported(): Promise<number> {
    const ran = await scene.server.run("nft", ["-j", "list", "counter", "inet", "knockline", "k_reported"]);
    return JSON.parse(ran.stdout).nftables[1].counter.packets;
  }

  testTcp(
    `hides no real knock: ${KNOCKS} made amid it all open`,
    async () => {
      const { server, hosts, instance } = scene;
      const args = [server.address, user.steps[0]?.port, "11.0.0.0", SOURCES, RATE].map(String);
      const flooding = hosts.forger.start("perl", [SYN_FLOOD, ...args]);
      await until(async () => (await reported()) > RATE, { what: "the flood is seen" });
      for (let n = 0; n < KNOCKS; n += 1)
        await instance.knock(hosts.laptop, user, { source: `198.18.${n >> 8}.${n & 255}`, gap: 20 });
      const all = async (): Promise<boolean> => (await instance.ask("list")).grants.length === KNOCKS;
      await until(all, { what: "every one of them has opened" });
      const { stdout } = await flooding.kill();
      const { sent, ms } = JSON.parse(stdout.slice(stdout.indexOf("{")));
      expect(sent / ms, "thousands a second").toBeGreaterThan((0.9 * RATE) / 1_000);
      expect(await reported(), "of them knockd was told").toBeGreaterThan(0.9 * sent);
      expect(memoryOf(instance.pid ?? 0), "MiB").toBeLessThan(150);
    },
    30_000 + KNOCKS * 200,
  );
});

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from "vitest";
import { memoryOf } from "../../bench/processes.mjs";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { connectGate } from "../../src/shared/gate/adapters/client.ts";
import { Cgroup } from "../helpers/cgroup.ts";
import { Watcher } from "../helpers/drill.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { LogPipe } from "../helpers/log-pipe.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** The machine has no more to give: processes, time, memory, or somebody who reads the log. */

const { describe, test } = needs("root", "namespaces", "nft", "ip");
const { test: testWithCgroups } = needs("root", "namespaces", "nft", "ip", "cgroups");

let scene: Scene<"laptop" | "stranger">;
let watcher: Watcher;
let user: User;

beforeAll(async () => {
  scene = await openScene(["laptop", "stranger"], {
    firewall: { guard: "services" },
    knock: { decoys: 5 },
    access: { max_grants_per_user: 1_000 },
  });
  watcher = new Watcher(scene);
  user = await scene.instance.addUser("ann", ["--services", "ssh"]);
});
afterEach(async () => {
  await scene.instance.stop();
  await scene.instance.must(["revoke", "--all"]);
});
afterAll(() => scene?.close());

/** Knocks from the laptop and waits until it is let in. @returns ms from the last packet to the first answer */
async function timeToOpen(): Promise<number> {
  const { server, hosts, instance } = scene;
  const opening = hosts.laptop.agent.connectUntilOpen({ address: server.address, port: 22, timeout: 8_000 });
  const { at: sent } = await instance.knock(hosts.laptop, user);
  const { at } = await opening;
  return (at ?? Number.POSITIVE_INFINITY) - sent;
}

describe("where no process can be started", () => {
  testWithCgroups("doors open and close as ever, and status says so; then all is well again", async () => {
    const { instance, hosts } = scene;
    const group = new Cgroup("pids");
    onTestFinished(() => group.remove()); // after knockd was stopped
    await instance.start({}, { under: group.under });
    const expires = await watcher.grant(hosts.stranger, seconds(5));
    group.set("pids.max", 1);
    for (const pid of childrenOf(instance.pid ?? 0)) process.kill(pid, "SIGKILL");
    await watcher.says(/no process can be started for nft; look at TasksMax/);
    await watcher.expectOpenOnlyTo(hosts.stranger);
    expect(await timeToOpen()).toBeLessThan(1_000); // elements need no program
    await expectClosesAt(instance, hosts.stranger, 22, expires);
    await watcher.expectOpenOnlyTo(hosts.laptop);

    group.set("pids.max", "max");
    await watcher.isWell();
    await watcher.expectOpenOnlyTo(hosts.laptop);
  });
});

describe("where knockd hangs", () => {
  test("who asks is told so, and what he asked is not done when it goes on", async () => {
    const { instance } = scene;
    await instance.start();
    instance.signal("SIGSTOP");
    try {
      const asker = await connectGate(join(instance.folder, "admin.sock"), () => milliseconds(300));
      await expect(asker?.ask("grant", { address: "203.0.113.7" })).rejects.toThrow("knockd does not answer");
    } finally {
      instance.signal("SIGCONT");
    }
    await watcher.isWell();
    expect((await instance.ask("list")).grants).toEqual([]);
  });
});

describe("where every core is kept busy", () => {
  test("a knock opens within a second", async () => {
    const { server, instance } = scene;
    await instance.start();
    const spin = () => server.start(process.execPath, ["-e", "for (;;);"]);
    const spinners = Array.from({ length: availableParallelism() }, spin);
    const times: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      times.push(await timeToOpen());
      await instance.ask("revoke", { all: true });
    }
    for (const spinner of spinners) await spinner.kill("SIGKILL");
    console.log("knock to open, every core busy:", times.map(Math.round), "ms");
    expect(times.sort((a, b) => a - b)[2], "the median, ms").toBeLessThan(1_000);
  });
});

describe("where nobody reads the log any more", () => {
  /** Each is a line of 200 bytes: more than wait in knockd. */
  const CROWD = 600;

  /** Opens the web to many addresses. */
  async function crowdKnocks(crowd: User): Promise<void> {
    const ports = crowd.steps.map(({ port }) => port);
    const from = (n: number): string => `198.18.${n >> 8}.${n & 255}`;
    const knockers = Array.from({ length: CROWD }, (_, n) => ({ from: from(n), ports }));
    const { server, hosts, instance } = scene;
    await hosts.stranger.agent.sendMany({ address: server.address, knockers, gap: 20 });
    const all = async (): Promise<boolean> => (await instance.ask("list")).grants.length >= CROWD;
    await until(all, { what: "the crowd's doors are open", deadline: 15_000 });
  }

  test("knockd goes on, counts the lines that it loses, and says so to the next reader", async () => {
    const { instance, hosts } = scene;
    const crowd = await instance.addUser("crowd", ["--services", "web", "--ttl", "20s"]);
    await hosts.stranger.anyip("198.18.0.0/16");
    const pipe = new LogPipe();
    onTestFinished(() => pipe.remove());
    await instance.start({}, { under: pipe.under });
    const expires = await watcher.grant(hosts.laptop, seconds(3));
    await Promise.all([crowdKnocks(crowd), expectClosesAt(instance, hosts.laptop, 22, expires)]);
    expect(await timeToOpen()).toBeLessThan(1_000);
    expect(memoryOf(instance.pid ?? 0), "MiB").toBeLessThan(150);

    const lost = await until(() => /"lost":(\d+)/.exec(pipe.read().join("\n"))?.[1], {
      what: "it says how many lines were lost",
    });
    const opened = pipe.read().filter((line) => line.includes("opened by a knock"));
    expect(opened.length + Number(lost), "lines read, and said to be lost").toBe(CROWD + 1);

    pipe.close();
    await instance.ask("revoke", { what: hosts.laptop.address });
    expect(await timeToOpen()).toBeLessThan(1_000);
    await watcher.isWell();
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await instance.ask("revoke", { all: true }); // a knockctl alone would wait for a program for each of the crowd
  });
});

describe("where memory runs out", () => {
  testWithCgroups(
    "what the kernel has killed leaves doors that close on time, and starts again",
    async () => {
      const { instance, hosts } = scene;
      const group = new Cgroup("memory");
      onTestFinished(() => group.remove()); // after knockd was stopped
      await instance.start({}, { under: group.under });
      const expires = await watcher.grant(hosts.laptop, seconds(6));
      const pid = instance.pid ?? 0;
      const isDead = (): boolean => !isAlive(pid);
      const starve = async (): Promise<boolean> => {
        if (isDead()) return true;
        group.set("memory.max", group.get("memory.current")); // less is refused where it cannot be had
        const long = { user: "x".repeat(50_000) };
        await Promise.all(
          Array.from({ length: 20 }, () => instance.ask("history", long).catch(() => undefined)),
        );
        return isDead();
      };
      await until(starve, { what: "the kernel has killed knockd", deadline: 15_000 });
      await watcher.expectOpenOnlyTo(hosts.laptop);
      await expectClosesAt(instance, hosts.laptop, 22, expires);
      await instance.start();
      await watcher.isWell();
      expect((await instance.ask("list")).grants).toEqual([]);
      expect(await timeToOpen()).toBeLessThan(1_000);
    },
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

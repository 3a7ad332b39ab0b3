import { availableParallelism } from "node:os";
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from "vitest";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { seconds } from "../../src/shared/duration.ts";
import { Cgroup } from "../helpers/cgroup.ts";
import { Watcher } from "../helpers/drill.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
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
  scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" }, knock: { decoys: 5 } });
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
  testWithCgroups("nothing opens, status says so, doors close on time; then it works again", async () => {
    const { instance, hosts } = scene;
    const group = new Cgroup("pids");
    onTestFinished(() => group.remove()); // after knockd was stopped
    await instance.start({}, { under: group.under });
    const expires = await watcher.grant(hosts.laptop, seconds(5));
    group.set("pids.max", 1);
    for (const pid of childrenOf(instance.pid ?? 0)) process.kill(pid, "SIGKILL");
    await instance.knock(hosts.stranger, user);
    await watcher.says(/no process can be started for nft; look at TasksMax/);
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await expectClosesAt(instance, hosts.laptop, 22, expires);

    group.set("pids.max", "max");
    await watcher.isWell();
    await watcher.expectOpenOnlyTo();
    expect(await timeToOpen()).toBeLessThan(1_000);
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
  test("knockd goes on", async () => {
    const { instance, hosts } = scene;
    // the reader takes one byte, and goes
    const under = ["bash", "-c", 'exec "$@" > >(head -c 1 >/dev/null) 2>&1', "bash"];
    await instance.start({}, { under });
    for (let n = 0; n < 20; n += 1) {
      const steps = [...user.steps].reverse();
      await instance.knock(hosts.stranger, { ...user, steps }, { gap: 0 });
    }
    expect(await timeToOpen()).toBeLessThan(1_000);
    await watcher.isWell();
    await watcher.expectOpenOnlyTo(hosts.laptop);
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

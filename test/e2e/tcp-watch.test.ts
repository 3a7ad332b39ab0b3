import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { spaceOf } from "../../scripts/lab-children.mjs";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = needs("root", "nft", "ip", "tcpdump");

let scene: Scene<"laptop">;
let user: User;

const problems = async (): Promise<string> => (await scene.instance.json(["status"])).knockd.problems.join();

/** The tcpdumps in the server's namespace. */
function tcpdumps(): number[] {
  const isOne = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8") === "tcpdump\n" && spaceOf(pid) === scene.server.space;
    } catch {
      return false; // it has ended meanwhile
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isOne(name))
    .map(Number);
}

const killAll = (): void => {
  for (const pid of tcpdumps()) process.kill(pid, "SIGKILL");
};

/** Knocks until the door is open, and shuts it again. @returns how long that took, ms */
async function timeToOpen(from = user): Promise<number> {
  const { instance, hosts } = scene;
  const start = performance.now();
  await until(
    async () => {
      await instance.knock(hosts.laptop, from);
      return (await instance.tryConnect(hosts.laptop, 22, { timeout: 100 })) === "open";
    },
    { what: "the door is open", deadline: 10_000, every: 200 }, // more often is more than one source may send
  );
  const took = performance.now() - start;
  await instance.must(["revoke", "--all"]);
  return took;
}

async function open(): Promise<void> {
  scene = await openScene(["laptop"], { firewall: { guard: "services" } });
  await scene.instance.start();
}

describe("the tcpdump that sees TCP knocks", () => {
  beforeAll(open);
  afterAll(() => scene?.close());

  test("runs from the first user with a TCP step to the last", async () => {
    const { instance, server } = scene;
    const rules = async (): Promise<string> => (await server.run("nft", ["list", "ruleset"])).stdout;
    await instance.addUser("bob");
    expect([tcpdumps().length, (await rules()).includes("log group")]).toEqual([0, false]);
    user = await instance.addUser("ann", ["--steps", "tcp,udp,tcp"]);
    expect([tcpdumps().length, (await rules()).includes("log group")]).toEqual([1, true]);
    await instance.must(["user", "set", "ann", "--steps", "udp,udp,udp"]);
    expect([tcpdumps().length, (await rules()).includes("log group")]).toEqual([0, false]);
    user = await instance.json(["user", "set", "ann", "--steps", "tcp,udp,tcp"]);
    expect(await timeToOpen()).toBeLessThan(5_000);
  });

  test("is back by itself after kill -9: knocks open within 2 s", async () => {
    killAll();
    expect(await timeToOpen()).toBeLessThan(2_000);
    expect(tcpdumps()).toHaveLength(1);
  });

  test("is missed by status when it ends again and again, until it is back", async () => {
    const told = async (): Promise<boolean> => {
      killAll();
      const { ok, knockd } = await scene.instance.json(["status"]);
      return !ok && knockd.problems.includes("TCP knocks are not seen: tcpdump ended");
    };
    await until(told, { what: "status says that no TCP knock is seen", deadline: 10_000 });
    const healed = async () => (await problems()) === "";
    await until(healed, { what: "nothing is wrong any more", deadline: 10_000 });
    expect(await timeToOpen()).toBeLessThan(2_000);
  });

  test("dies with knockd, also by kill -9, so that the next one sees at once", async () => {
    await scene.instance.kill9();
    await until(() => tcpdumps().length === 0, { what: "no tcpdump is left" });
    await scene.instance.start();
    expect(await problems()).toBe("");
    expect(await timeToOpen()).toBeLessThan(2_000);
    await scene.instance.stop();
    expect(tcpdumps()).toEqual([]);
  });

  test("is named by status while another program has its group, and gets it afterwards", async () => {
    const other = scene.server.start("tcpdump", ["-i", "nflog:19276", "-w", "/dev/null"]);
    await until(() => other.output().includes("listening"), { what: "another program has the group" });
    await scene.instance.start();
    const told = async () =>
      (await problems()).includes("TCP knocks are not seen: tcpdump: Can't listen on group");
    await until(told, { what: "status says so" });
    await other.kill();
    await until(async () => (await problems()) === "", { what: "it is back", deadline: 10_000 });
    expect(await timeToOpen()).toBeLessThan(2_000);
  });
});

describe("a server without tcpdump", () => {
  let PATH: string;

  beforeAll(async () => {
    // nft and ss are found in /usr/sbin and /sbin, which are always looked into
    PATH = mkdtempSync(join(tmpdir(), "knockline-path-"));
    for (const program of ["nsenter", "setpriv"]) symlinkSync(`/usr/bin/${program}`, join(PATH, program));
    scene = await openScene(["laptop"], { firewall: { guard: "services" } });
    user = await scene.instance.addUser("ann", ["--steps", "tcp,udp,tcp"]);
    await scene.instance.start({ PATH });
  });
  afterAll(async () => {
    await scene?.close();
    rmSync(PATH, { recursive: true, force: true });
  });

  test("says so in status, and users with UDP steps go on", async () => {
    expect(await problems()).toContain(
      "TCP knocks are not seen: tcpdump is not installed; apt-get install tcpdump",
    );
    expect(await timeToOpen(await scene.instance.addUser("bob"))).toBeLessThan(2_000);
  });

  test("adds no user with a TCP step, and says what to install", async () => {
    const ran = await scene.instance.knockctl([
      "user",
      "add",
      "eve",
      "--proof",
      "none",
      "--steps",
      "udp,udp,tcp",
    ]);
    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining("apt-get install tcpdump") });
    expect((await scene.instance.knockctl(["user", "show", "eve"])).code).toBe(3);
  });
});

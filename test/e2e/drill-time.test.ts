import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { childrenOf } from "../../scripts/lab-children.mjs";
import { days, minutes, seconds } from "../../src/shared/duration.ts";
import { Watcher } from "../helpers/drill.ts";
import { type FakeClock, fakeClock } from "../helpers/fake-clock.ts";
import { openScene, type Scene, type User } from "../helpers/instance.ts";
import { needs } from "../helpers/needs.ts";
import { expectClosesAt } from "../helpers/sessions.ts";
import { until } from "../helpers/wait.ts";

/** Clocks that jump, and machines that sleep: a door is open for the time it was given, and not longer. */

const { describe, test } = needs("root", "namespaces", "nft", "ip", "faketime");

const DAY = days(1) / 1_000;

let scene: Scene<"laptop" | "stranger">;
let watcher: Watcher;
let clock: FakeClock;
let user: User;

beforeAll(async () => {
  scene = await openScene(["laptop", "stranger"], { firewall: { guard: "services" }, knock: { decoys: 5 } });
  watcher = new Watcher(scene);
  clock = fakeClock(scene.instance.folder);
  user = await scene.instance.addUser("ann", ["--services", "ssh"]);
});
afterEach(async () => {
  await scene.instance.stop();
  await scene.instance.must(["revoke", "--all"]);
});
afterAll(() => scene?.close());

describe("the wall clock", () => {
  test("may jump a day and back while knockd runs and across a restart: doors close at their time", async () => {
    const { instance, hosts } = scene;
    await instance.start(clock.env);
    const opened = Date.now();
    await watcher.grant(hosts.laptop, seconds(10));
    for (const jump of [DAY, -DAY, 0]) {
      clock.ahead = jump;
      await watcher.expectOpenOnlyTo(hosts.laptop);
      await watcher.isWell();
    }
    clock.ahead = DAY;
    await instance.kill9();
    clock.ahead = -DAY;
    await instance.start(clock.env);
    await watcher.expectOpenOnlyTo(hosts.laptop);
    await expectClosesAt(instance, hosts.laptop, 22, opened + seconds(10));
    expect((await instance.ask("list")).grants).toEqual([]);
    await instance.knock(hosts.laptop, user);
    await until(() => watcher.isOpenTo(hosts.laptop), { what: "a knock opens" });
  });
});

/** Holds still, or lets go on, knockd and its children: as a machine that sleeps does. */
function signal(name: "SIGSTOP" | "SIGCONT"): void {
  const knockd = scene.instance.pid ?? 0;
  for (const pid of [knockd, ...childrenOf(knockd)]) process.kill(pid, name);
}

describe("a machine that sleeps", () => {
  test("has closed on time what ended meanwhile, and opens again at once when it wakes", async () => {
    const { instance, hosts } = scene;
    await instance.start();
    const expires = await watcher.grant(hosts.laptop, seconds(3));
    signal("SIGSTOP");
    await expectClosesAt(instance, hosts.laptop, 22, expires);
    signal("SIGCONT");
    await watcher.isWell();
    expect((await instance.ask("list")).grants).toEqual([]);
    await instance.knock(hosts.laptop, user);
    await until(() => watcher.isOpenTo(hosts.laptop), { what: "a knock opens", deadline: 2_000 });
  });

  test("closes within seconds what the kernel's own timer, which slept too, holds open for longer", async () => {
    const { instance, hosts } = scene;
    const uptime = new FakeUptime();
    try {
      await instance.start({}, { under: uptime.under });
      await watcher.grant(hosts.laptop, minutes(10));
      await instance.ask("grant", { address: hosts.stranger.address, services: ["ssh"], ttl: 7_200 });
      const pid = instance.pid ?? 0;
      expect(readFileSync(`/proc/${pid}/timers`, "utf8")).toMatch(/^ClockID: 7$/m); // CLOCK_BOOTTIME
      const stale = performance.now() + seconds(2); // the wall clock tells of a sleep at once, but here it does not jump
      await until(() => performance.now() > stale, { what: "the uptime would be read anew" });
      uptime.sleep(minutes(30) / 1_000);
      process.kill(pid, "SIGALRM"); // what the kernel does with such a timer when it wakes (timer_create(2))
      await until(async () => !(await watcher.isOpenTo(hosts.laptop)), {
        what: "it is closed",
        deadline: 10_000,
      });
      await watcher.expectOpenOnlyTo(hosts.stranger);
    } finally {
      uptime.remove();
    }
  });

  test("that is started anew after a sleep opens nothing that ended in it", async () => {
    const { instance, hosts } = scene;
    await instance.start();
    await watcher.grant(hosts.laptop, minutes(10));
    await instance.ask("grant", { address: hosts.stranger.address, services: ["ssh"], ttl: 7_200 });
    await instance.kill9();
    // a namespace's CLOCK_BOOTTIME is half an hour on, its CLOCK_MONOTONIC is not (time_namespaces(7))
    await instance.start({}, { under: ["unshare", "--time", "--boottime", `${minutes(30) / 1_000}`, "--"] });
    await watcher.expectOpenOnlyTo(hosts.stranger);
    const { grants } = await instance.ask("list");
    expect(grants).toHaveLength(1);
    expect(Math.abs(grants[0].left - 5_400)).toBeLessThan(30);
  });
});

/** CLOCK_BOOTTIME as knockd reads it, in /proc/uptime: a file of ours in its place. The kernel's own timers do not follow it. */
class FakeUptime {
  #ahead = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "knockline-uptime-"));
  readonly #file = openSync(join(this.#folder, "uptime"), "w");
  readonly #timer = setInterval(() => this.#write(), 20);

  constructor() {
    this.#write();
  }

  /** What must become knockd. */
  get under(): string[] {
    const script = 'mount --bind "$0" /proc/uptime && exec "$@"';
    return ["unshare", "-m", "sh", "-c", script, join(this.#folder, "uptime")];
  }

  /** The machine has slept for so many seconds. */
  sleep(span: number): void {
    this.#ahead += span;
    this.#write();
  }

  remove(): void {
    clearInterval(this.#timer);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One write of the same length each time, so that no reader sees half of it. */
  #write(): void {
    const real = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
    writeSync(this.#file, `${(real + this.#ahead).toFixed(2).padStart(15, "0")} 0.00\n`, 0);
  }
}

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { openChildLink } from "../../src/phone-auth/link/adapters/child-link.ts";
import type { LinkEvent } from "../../src/phone-auth/link/link.ts";
import { ARI_PASSWORD, type Asterisk, needsAsterisk, startAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { type Lab, openLab } from "../helpers/lab.ts";
import { addCallers, dialFor, type Pins, STEPS } from "../helpers/phone-steps.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
const CALLS = process.env.KNOCKLINE_LONG === "1" ? 1_000 : 200;
const STEPS_COUNT = Object.keys(STEPS).length;
/** How often each step is reached at once. */
const COPIES = 2;
/** Calls that are under way at once. */
const AT_ONCE = COPIES * STEPS_COUNT;

describe("50 callers at once", () => {
  let lab: Lab | undefined;
  let asterisk: Asterisk | undefined;
  beforeAll(async () => {
    lab = await openLab();
    asterisk = await startAsterisk(lab.server);
  });
  afterAll(async () => {
    await asterisk?.remove();
    await lab?.close();
  });

  test("over SIP: every key of every caller comes once, in his order", async () => {
    if (!lab || !asterisk) throw new Error("no Asterisk");
    const pbx = asterisk;
    const keyed = new Map<string, string>();
    const link = openChildLink(
      {
        command: ["nsenter", "-t", String(lab.server.pid), "-n", process.execPath, "dist/ari-link.cjs"],
        credentials: async () => ({
          url: pbx.url,
          username: "knockline",
          password: ARI_PASSWORD,
          app: "knockline",
        }),
      },
      (event: LinkEvent) => {
        if (event.kind === "call") void link.answer(event.channel);
        if (event.kind === "digit") keyed.set(event.channel, (keyed.get(event.channel) ?? "") + event.digit);
      },
    );
    try {
      await until(() => link.state.state === "up", { what: "the link is up", deadline: 30_000 });
      const calls = await Promise.all(Array.from({ length: 50 }, () => pbx.call({ as: "phone" })));
      const keys = calls.map((_, n) => `${100_000 + n * 7919}*77#`);
      await Promise.all(calls.map((call, n) => call.press(keys[n] ?? "")));
      const all = () => [...keyed.values()].join("").length >= keys.join("").length;
      await until(all, { what: "500 keys came", deadline: 15_000 });
      expect([...keyed.values()].sort()).toEqual(keys.sort());
    } finally {
      await link.close();
    }
  });
});

describe(`${CALLS} calls, hung up at every step`, () => {
  let scene: PhoneScene;
  let pins: Pins;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { max_calls: AT_ONCE } });
    pins = await addCallers(scene);
  });
  afterAll(() => scene?.close());

  /** Memory in MiB of phone-auth and its child. */
  const memory = () =>
    [scene.pid, scene.linkPid]
      .map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024)
      .reduce((sum, one) => sum + one);

  /** Callers who did not get to their step: a busy Asterisk loses a key of its own robots now and then. */
  let strayed = 0;

  /** COPIES calls to each step, hung up there. */
  async function round(): Promise<void> {
    const steps = Array.from({ length: COPIES }, () => Object.keys(STEPS)).flat();
    await Promise.all(
      steps.map(async (step, n) => {
        const call = await dialFor(scene, step, Math.floor(n / STEPS_COUNT));
        await STEPS[step]?.(call, pins).catch(() => strayed++);
        await call.hangUp();
      }),
    );
    await until(async () => (await scene.asterisk.channels()).length === 0, {
      what: "no channel is left",
      deadline: 15_000,
    });
    await scene.instance.knockctl(["unlock", "all"]); // wrong PINs are among the steps
  }

  test("leave nothing behind: no channel, connection, timer, or memory", { timeout: 900_000 }, async () => {
    await round(); // the first brings Node's own caches
    const before = { memory: memory(), census: await scene.census(), child: scene.linkPid };
    const begin = performance.now();
    let served = 0;
    for (; served < CALLS; served += AT_ONCE) await round();
    const grown = memory() - before.memory;
    const took = (performance.now() - begin) / 1_000;
    console.log(
      `${served} calls in ${took.toFixed(0)} s: memory ${grown.toFixed(1)} MiB more in two processes, ${strayed} callers strayed`,
    );
    expect(grown).toBeLessThan(40);
    expect(strayed).toBeLessThan(served / 20);
    expect(scene.linkPid, "the link was never replaced").toBe(before.child);
    await until(async () => isDeepStrictEqual(await scene.census(), before.census), {
      what: "timers, sockets and pipes are as before",
      every: 100,
    });
    expect((await scene.instance.json(["list"])).grants).toEqual([]);
    expect(scene.log()).not.toContain("MaxListenersExceeded");
    await (await scene.callAndBeAsked()).hangUp();
  });
});

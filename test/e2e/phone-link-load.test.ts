import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect } from "vitest";
import { openChildLink } from "../../src/phone-auth/link/adapters/child-link.ts";
import type { LinkEvent } from "../../src/phone-auth/link/link.ts";
import { ARI_PASSWORD, type Asterisk, needsAsterisk, startAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { type Lab, openLab } from "../helpers/lab.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
const CALLS = process.env.KNOCKLINE_LONG === "1" ? 1_000 : 200;
/** Calls that are under way at once. */
const AT_ONCE = 20;

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
      await until(() => link.state.state === "up", { what: "the link is up", deadline: 10_000 });
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

describe(`${CALLS} calls, hung up at all moments`, () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { max_calls: AT_ONCE } });
  });
  afterAll(() => scene?.close());

  /** Memory in MiB, and open files, of phone-auth. */
  const usage = () => ({
    files: readdirSync(`/proc/${scene.pid}/fd`).length,
    memory: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${scene.pid}/status`, "utf8"))?.[1]) / 1024,
  });

  /** AT_ONCE calls, the first hung up at once, the last after a good second of keying nonsense. */
  async function round(): Promise<void> {
    const calls = await Promise.all(Array.from({ length: AT_ONCE }, () => scene.asterisk.call()));
    const keys = ["", "#", "*#*#*#", "1#", "0123456789#"];
    await Promise.all(
      calls.map(async (call, n) => {
        if (n >= 5) await call.press(keys[n % keys.length] ?? "").catch(() => undefined);
        await call.hangUp();
      }),
    );
  }

  test("leave nothing behind: no channel, connection, or memory", { timeout: 300_000 }, async () => {
    await round(); // the first brings Node's own caches
    const before = usage();
    for (let served = 0; served < CALLS; served += AT_ONCE) await round();
    await until(async () => (await scene.asterisk.channels()).length === 0, { what: "no channel is left" });
    await until(() => usage().files <= before.files, { what: "every connection is closed" });
    expect(usage().memory - before.memory).toBeLessThan(40);
    expect(scene.log()).not.toContain("MaxListenersExceeded");
    const call = await scene.callAndBeAsked();
    await call.hangUp();
  });
});

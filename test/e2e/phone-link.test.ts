import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { openChildLink } from "../../src/phone-auth/link/adapters/child-link.ts";
import { ARI_PASSWORD, needsAsterisk } from "../helpers/asterisk.ts";
import { BACK_WITHIN, openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { always, until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
const FROZEN = process.env.KNOCKLINE_LONG === "1" ? 30_000 : 10_000;
const AWAY = process.env.KNOCKLINE_LONG === "1" ? 600_000 : 4_000;

const isAlive = (pid: number): boolean => readdirSync("/proc").includes(String(pid));

describe("the link to Asterisk", () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { max_calls: 2 } });
  });
  afterAll(() => scene?.close());
  /** Waits until Asterisk has no channel any more. */
  const noneLeft = () =>
    until(async () => (await scene.asterisk.channels()).length === 0, {
      what: "no channel is left",
      deadline: 10_000,
    });
  afterEach(async () => {
    await noneLeft().catch(async (error) => {
      await scene.asterisk.hangUpAll(); // one test's fault is not the next one's
      throw error;
    });
  });

  test("hides its password: not in an argument, environment or log", async () => {
    for (const pid of [scene.pid, scene.linkPid])
      for (const file of ["cmdline", "environ"])
        expect(readFileSync(`/proc/${pid}/${file}`, "utf8")).not.toContain(ARI_PASSWORD);
    expect(scene.log()).not.toContain(ARI_PASSWORD);
    expect(scene.log()).not.toContain(encodeURIComponent(ARI_PASSWORD));
  });

  const lanes = { phone: "internal", trunk: "external", local: "external" } as const;
  test.each(["phone", "trunk", "local"] as const)("knows the lane of a call from a %s", async (as) => {
    const before = scene.log().length;
    const call = await scene.callAndBeAsked({ as });
    expect(scene.log().slice(before)).toContain(`"lane":"${lanes[as]}"`);
    await call.hangUp();
  });

  test("tells the third caller to call later while two are served", async () => {
    const served = [await scene.callAndBeAsked(), await scene.callAndBeAsked()];
    const third = await scene.asterisk.call({ as: "phone" });
    await third.isOver(10_000);
    expect(scene.asterisk.played("PJSIP/phone").slice(-3)).toEqual([
      "im-sorry",
      "please-try-call-later",
      "vm-goodbye",
    ]);
    for (const call of served) await call.hangUp();
    await noneLeft();
    await (await scene.callAndBeAsked()).hangUp();
  });

  /** Asterisk is away for so many ms. */
  const staysConnecting = (deadline: number) =>
    always(async () => (await scene.link()) === "connecting", {
      what: "the phone is connecting",
      deadline,
      every: 500,
    });

  test("mends itself when Asterisk was killed and comes back", { timeout: AWAY + 60_000 }, async () => {
    await scene.callAndBeAsked();
    await scene.asterisk.kill9();
    await scene.becomes("connecting");
    await staysConnecting(AWAY);
    await scene.asterisk.start();
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
    expect(await scene.link()).toBe("up");
  });

  test("mends itself when Asterisk stood still, and hangs up who was on the line", {
    timeout: 90_000,
  }, async () => {
    const asking = await scene.callAndBeAsked();
    scene.asterisk.freeze();
    const begin = performance.now();
    await scene.becomes("connecting", 8_000);
    await staysConnecting(FROZEN - (performance.now() - begin));
    scene.asterisk.thaw();
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
    await asking.isOver(5_000);
  });

  test("mends itself when the process of ari-client is killed in the middle of a call", async () => {
    const asking = await scene.callAndBeAsked();
    process.kill(scene.linkPid, "SIGKILL");
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
    await asking.isOver(5_000);
  });

  test("mends itself when the process of ari-client stands still", async () => {
    const child = scene.linkPid;
    process.kill(child, "SIGSTOP");
    await until(() => !isAlive(child), { what: "the child is replaced", deadline: 8_000 });
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
  });

  test("says that the password is wrong, and takes a right one without a restart", async () => {
    const before = scene.pid;
    scene.writePassword("wrong");
    process.kill(scene.linkPid, "SIGKILL");
    await scene.becomes("refused").finally(() => scene.writePassword(ARI_PASSWORD));
    expect(scene.log()).toContain("Asterisk refuses us: wrong password");
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
    expect(scene.pid).toBe(before);
    expect((await scene.instance.json(["status"])).knockd.state).toBe("running");
  });

  test("callers are told to call later while the gate is away, and served when it is back", async () => {
    const asking = await scene.callAndBeAsked();
    await scene.instance.kill9();
    await asking.press("12345678#");
    await asking.isOver(10_000);
    expect(scene.asterisk.played().slice(-3)).toEqual(["im-sorry", "please-try-call-later", "vm-goodbye"]);
    await scene.instance.start();
    await (await scene.callsWorkWithin(BACK_WITHIN)).hangUp();
    await scene.becomes("up", BACK_WITHIN);
  });

  test("stops for good when another program takes the application over, and says so", async () => {
    const thief = openChildLink(
      {
        command: [
          "nsenter",
          "-t",
          String(scene.scene.server.pid),
          "-n",
          process.execPath,
          "dist/ari-link.cjs",
        ],
        credentials: async () => ({
          url: scene.asterisk.url,
          username: "knockline",
          password: ARI_PASSWORD,
          app: "knockline",
        }),
      },
      () => undefined,
    );
    try {
      await scene.becomes("replaced");
      expect(scene.log()).toContain("another program took our ARI application over");
      await until(() => thief.state.state === "up", { what: "the other one is up" });
      await always(() => thief.state.state === "up", { what: "it is left alone", deadline: 3_000 });
    } finally {
      await thief.close();
      await scene.stop();
      scene.start();
    }
    await (await scene.callsWorkWithin(10_000)).hangUp();
  });

  test("SIGTERM hangs up and ends, nothing stays behind", async () => {
    const asking = await scene.callAndBeAsked();
    const child = scene.linkPid;
    expect(await scene.stop()).toMatchObject({ code: 0 });
    await asking.isOver(2_000);
    await noneLeft();
    expect(isAlive(child)).toBe(false);
    await scene.becomes("off");
  });
});

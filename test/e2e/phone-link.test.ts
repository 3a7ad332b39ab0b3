import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { openChildLink } from "../../src/phone-auth/link/adapters/child-link.ts";
import { ARI_PASSWORD, needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { always, until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");

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

  test("mends itself when the process of ari-client is killed in the middle of a call", async () => {
    const asking = await scene.callAndBeAsked();
    const [after, since] = [scene.mark, performance.now()];
    process.kill(scene.linkPid, "SIGKILL");
    await (await scene.callsWork({ after, since })).hangUp();
    await asking.isOver();
  });

  test("mends itself when the process of ari-client stands still", async () => {
    const [child, after] = [scene.linkPid, scene.mark];
    process.kill(child, "SIGSTOP");
    await until(() => !isAlive(child), { what: "the child is replaced", deadline: 15_000 });
    await (await scene.callsWork({ after, since: performance.now() })).hangUp();
  });

  test("says that our password is wrong, and takes a right one without a restart", async () => {
    const [pid, after] = [scene.pid, scene.mark];
    scene.writePassword("wrong");
    process.kill(scene.linkPid, "SIGKILL");
    await scene.becomes("refused").finally(() => scene.writePassword(ARI_PASSWORD));
    await (await scene.callsWork({ after, since: performance.now() })).hangUp();
    expect(scene.log()).toContain("Asterisk refuses us: wrong password");
    expect(scene.pid).toBe(pid);
    expect((await scene.instance.json(["status"])).knockd.state).toBe("running");
  });

  test("says that Asterisk came back with another password, and goes on when it has ours again", async () => {
    const { asterisk } = scene;
    const [pid, after] = [scene.pid, scene.mark];
    await asterisk.kill9();
    asterisk.configure("another one");
    await asterisk.start();
    await scene.becomes("refused");
    await asterisk.kill9();
    asterisk.configure(ARI_PASSWORD);
    await asterisk.start();
    await (await scene.callsWork({ after, since: performance.now() })).hangUp();
    expect(scene.pid).toBe(pid);
  });

  test("callers are told to call later while the gate is away, and served when it is back", async () => {
    const asking = await scene.callAndBeAsked();
    await scene.instance.kill9();
    await asking.press("12345678#");
    await asking.isOver(20_000);
    expect(asking.heard().slice(-3)).toEqual(["im-sorry", "please-try-call-later", "vm-goodbye"]);
    expect(isAlive(scene.pid)).toBe(true);
    await scene.instance.start();
    await (await scene.callsWork({ after: 0, since: performance.now() })).hangUp();
    await scene.becomes("up");
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
      await scene.becomes("up");
    }
    await (await scene.callAndBeAsked({ deadline: 30_000 })).hangUp();
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

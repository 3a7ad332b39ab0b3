import { afterAll, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
/** Each tries three PINs, more than all strangers together have in a day. */
const GUESSERS = 70;
const AT_ONCE = 35;
const STRANGERS_A_DAY = 200;
const GOOD = "5550001";

describe("guessing PINs from many telephones at once", () => {
  let scene: PhoneScene;
  let pin: string;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { max_calls: AT_ONCE + 2 } }, { brief: true });
    ({ pin } = (await scene.instance.addUser("alice", ["--pin"])) as unknown as { pin: string });
  });
  afterAll(() => scene?.close());

  /** What phone-auth logged from a mark on, a line each. */
  const lines = (mark: number): { msg: string; call?: string; number?: string }[] =>
    scene
      .log()
      .slice(mark)
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));

  /** Calls from a number and keys the right PIN. @returns whether it was accepted; by the log, for a caller over SIP hears on a channel of another name */
  async function signsIn(number: string, as: "local" | "phone" = "local"): Promise<boolean> {
    const { mark } = scene;
    const caller = await scene.asterisk.call({ number, as });
    await caller.press(`${pin}#`);
    const answer = () => {
      const { call } = lines(mark).find((line) => line.msg === "a call" && line.number === number) ?? {};
      const mine = lines(mark).filter((line) => call !== undefined && line.call === call);
      return mine.map(({ msg }) => msg).find((msg) => ["PIN accepted", "refused"].includes(msg));
    };
    const said = await until(answer, { what: `the gate has answered ${number}`, deadline: 30_000 });
    await caller.hangUp();
    return said === "PIN accepted";
  }

  /** Tries three PINs, or as many as are taken. */
  async function guess(n: number): Promise<void> {
    const call = await scene.asterisk.call({ number: String(7_000_000 + n) });
    const heard = (...prompts: string[]) => call.heard().filter((one) => prompts.includes(one)).length;
    for (let tries = 1; tries <= 3 && heard("im-sorry") === 0; tries++) {
      await call.press(`9${String(n).padStart(4, "0")}${tries}31#`);
      await until(() => heard("im-sorry") > 0 || heard("privacy-incorrect", "confbridge-pin-bad") >= tries, {
        what: `guesser ${n} is answered`,
        deadline: 60_000,
      });
    }
    await call.hangUp();
  }

  const wave = (from: number) => Promise.all(Array.from({ length: AT_ONCE }, (_, n) => guess(from + n)));
  const count = async (event: string) =>
    (await scene.instance.json(["history"])).events.filter((one: { event: string }) => one.event === event)
      .length;

  test("ends at the day's limit of strangers, while those who are known and the house's own get in", async () => {
    expect(await signsIn(GOOD)).toBe(true);
    await guess(9_000);
    expect(await signsIn("7009000"), "who was wrong three times waits, also with the right one").toBe(false);
    await wave(0);
    const second = wave(AT_ONCE);
    expect(await signsIn(GOOD)).toBe(true);
    expect(await signsIn("5550002", "phone")).toBe(true);
    await second;
    // the good caller was a stranger at his first call, and is counted among them
    expect(await count("pin-wrong")).toBe(Math.min(3 * GUESSERS, STRANGERS_A_DAY - 1));
    expect(await count("pin-locked"), "said once, not to each who comes too late").toBe(1);
    expect(await signsIn("5559999")).toBe(false);
    expect((await scene.instance.json(["list"])).grants).toEqual([]);
  }, 180_000);

  test("is not forgiven by a restart of both daemons; only an admin does", async () => {
    await scene.stop("SIGKILL");
    await scene.instance.kill9();
    await scene.instance.start();
    scene.start();
    await scene.becomes("up");
    expect(await signsIn("5559999")).toBe(false);
    expect(await signsIn(GOOD)).toBe(true);
    expect(await signsIn("5550002", "phone")).toBe(true);
    await scene.instance.must(["unlock", "strangers"]);
    expect(await signsIn("5559999")).toBe(true);
  }, 120_000);
});

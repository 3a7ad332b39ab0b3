import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");
const CALLERS = 50;

interface Line {
  readonly time: string;
  readonly msg: string;
  readonly call?: string;
}

describe(`${CALLERS} callers at once`, () => {
  let scene: PhoneScene;
  beforeAll(async () => {
    scene = await openPhoneScene({ phone: { max_calls: CALLERS }, log: { level: "debug" } });
  });
  afterAll(() => scene?.close());

  afterEach(async () => {
    await scene.asterisk.hangUpAll();
    await until(async () => (await scene.asterisk.channels()).length === 0, {
      what: "no channel is left",
      deadline: 20_000,
    });
  });

  const count = (prompt: string) => scene.asterisk.played().filter((played) => played === prompt).length;
  const lines = (): Line[] =>
    scene
      .log()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);

  test("are all served, lose no digit, and each door opens at once after the last key", async () => {
    await scene.instance.knockctl(["user", "remove", "crowd"]); // there when this is a second go
    const { pin } = (await scene.instance.addUser("crowd", ["--pin"])) as unknown as { pin: string };
    const numbers = Array.from({ length: CALLERS }, (_, i) => String(5_550_100 + i));
    const calls = await Promise.all(numbers.map((number) => scene.asterisk.call({ as: "trunk", number })));
    await until(() => count("confbridge-pin") >= CALLERS, { what: "all are asked", deadline: 60_000 });
    await Promise.all(calls.map((call) => call.press(`${pin}#`)));
    const signedIn = () => lines().filter(({ msg }) => msg === "PIN accepted").length;
    await until(() => signedIn() === CALLERS, { what: "all PINs are right", deadline: 60_000 });
    await Promise.all(calls.map((call, i) => call.press(`203*0*113*${i + 1}#`)));
    await until(() => count("you-entered") >= CALLERS, { what: "all are read back", deadline: 60_000 });
    // people who call at the same time do not press their last key in the same millisecond
    for (const call of calls) await call.press("1");
    const open = async () => (await scene.instance.json(["list"])).grants as { address: string }[];
    await until(async () => (await open()).length === CALLERS, {
      what: "all doors are open",
      deadline: 60_000,
    });
    expect((await open()).map(({ address }) => address).sort()).toEqual(
      numbers.map((_, i) => `203.0.113.${i + 1}`).sort(),
    );
    await until(() => lines().filter(({ msg }) => msg === "opened").length === CALLERS, {
      what: "all are told",
      deadline: 10_000,
    });

    const told = lines();
    const waits = told
      .filter(({ msg }) => msg === "opened")
      .map(({ call, time }) => {
        const key = told.findLast((line) => line.msg === "a key" && line.call === call && line.time <= time);
        return Date.parse(time) - Date.parse(key?.time ?? "");
      })
      .sort((a, b) => a - b);
    console.log(
      `last key to open door, ${CALLERS} callers at once: p50 ${waits[CALLERS / 2]} ms, most ${waits.at(-1)} ms`,
    );
    // beside other tests on two cores the time is theirs: the bar is for the long run
    if (process.env.KNOCKLINE_LONG === "1") expect(waits[CALLERS / 2]).toBeLessThanOrEqual(25);
  }, 300_000);

  test("and one more is told to call later", async () => {
    // by phone-auth's log: Asterisk's console is long with fifty robots, and only its end is kept
    const said = (msg: string) => lines().filter((line) => line.msg === msg).length;
    const before = said("call begins");
    const numbers = Array.from({ length: CALLERS }, (_, i) => String(5_560_100 + i));
    await Promise.all(numbers.map((number) => scene.asterisk.call({ as: "trunk", number })));
    await until(() => said("call begins") === before + CALLERS, { what: "all are served", deadline: 60_000 });
    const late = await scene.asterisk.call({ as: "phone" });
    await late.isOver(20_000);
    expect(said("a caller was told to call later: max_calls")).toBe(1);
  }, 180_000);
});

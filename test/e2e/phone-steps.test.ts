import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { needsAsterisk } from "../helpers/asterisk.ts";
import { openPhoneScene, type PhoneScene } from "../helpers/asterisk-scene.ts";
import { addCallers, callTo, type Pins, STEPS } from "../helpers/phone-steps.ts";
import { until } from "../helpers/wait.ts";

const { describe, test } = await needsAsterisk("nft");

describe("at every step of a call", () => {
  let scene: PhoneScene;
  let pins: Pins;
  let before: Record<string, number>;
  beforeAll(async () => {
    const phone = { first_digit: "2s", between_digits: "2s", max_calls: Object.keys(STEPS).length + 1 };
    scene = await openPhoneScene({ access: { ttl: "1h" }, phone }, { brief: true });
    pins = await addCallers(scene);
    before = await scene.census();
  });
  afterAll(() => scene?.close());

  /** Nothing was opened, and nothing of the calls is left: no channel, connection or timer. */
  async function nothingIsLeft(): Promise<void> {
    expect((await scene.instance.json(["list"])).grants).toEqual([]);
    await until(async () => (await scene.asterisk.channels()).length === 0, {
      what: "no channel is left",
      deadline: 15_000,
    });
    await until(async () => isDeepStrictEqual(await scene.census(), before), {
      what: "timers, sockets and pipes are as before",
      every: 100,
    }).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify([before, await scene.census()])}`);
    });
    const callers = (await scene.instance.json(["pending"])).pending.map(
      ({ user }: { user: string }) => user,
    );
    expect(callers).toEqual(["asked"]);
    await scene.instance.knockctl(["unlock", "all"]);
  }

  test("a hang-up opens nothing and leaves nothing behind", async () => {
    await Promise.all(
      Object.keys(STEPS).map(async (step) => {
        const call = await callTo(scene, step, pins);
        await call.hangUp();
        await call.isOver();
      }),
    );
    await nothingIsLeft();
  }, 90_000);

  test("silence ends the call with a goodbye, opens nothing and leaves nothing behind", async () => {
    await Promise.all(
      Object.keys(STEPS).map(async (step) => {
        const call = await callTo(scene, step, pins);
        await call.isOver(90_000);
        expect(call.heard().at(-1), step).toBe("vm-goodbye");
      }),
    );
    await nothingIsLeft();
  }, 120_000);
});
